"""What bytes are, by looking at their beginning: vendors refuse a picture whose declared type is not its real one."""

import base64
import binascii

from modelgate.core.errors import InvalidRequest

SNIFFED_BYTES = 32
_DATA_URL_HEAD = 256
"""No honest head of a data URL is longer."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mp3"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_CONTAINERS = ((b"WEBP", "image/webp"), (b"WAVE", "audio/wav"), (b"AVI ", "video/avi"))
_HEIF_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"msf1": "image/heif", b"avif": "image/avif"}
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/mpeg": "audio/mp3", "audio/x-wav": "audio/wav"}


def sniff(data: bytes) -> str:
    """Return the media type of bytes by their beginning, empty when it is not known."""
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF":
        return next((media_type for kind, media_type in _CONTAINERS if data[8:12] == kind), "")
    if data[4:8] == b"ftyp":
        return _HEIF_BRANDS.get(data[8:12], "video/mp4")
    if data[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mp3"
    return ""


def sniff_base64(data: str) -> str:
    """Return the media type of base64 text by its beginning. Raises ValueError: it is not base64."""
    head = data[: SNIFFED_BYTES * 2]
    try:
        return sniff(base64.b64decode(head[: len(head) // 4 * 4], validate=True))
    except binascii.Error:
        raise ValueError("not base64") from None


def normal_media_type(declared: str) -> str:
    """Return the proper spelling of a declared media type, without parameters."""
    plain = declared.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def read_base64(text: str, *, declared: str, param: str) -> tuple[str, str]:
    """Return (media type, standard base64 without white space) of what a caller sent as base64.

    The bytes decide about the type; the declaration only where they say nothing. Raises InvalidRequest naming `param`.
    """
    data = text if text.isascii() and not any(c in text for c in " \r\n\t-_") else _tidied(text)
    try:
        found = sniff_base64(data)
    except ValueError:
        raise InvalidRequest(f"'{param}' is not valid base64.", param=param, code="invalid_base64") from None
    if not data:
        raise InvalidRequest(f"'{param}' is empty.", param=param, code="invalid_value")
    return found or normal_media_type(declared), data


def _tidied(text: str) -> str:
    data = "".join(text.split()).replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def read_data_url(url: str, *, param: str) -> tuple[str, str]:
    """Return (media type, base64) of a data URL, as tolerant as clients are careless: parameters, upper case, white space.

    Raises:
        InvalidRequest: not a base64 data URL; `param` names the field.
    """
    head, comma, payload = url.partition(",")
    if not comma or len(head) > _DATA_URL_HEAD or not head.lower().startswith("data:") or not head.lower().rstrip().endswith(";base64"):
        message = f"'{param}' must be an http(s) address or a data URL such as data:image/png;base64,…"
        raise InvalidRequest(message, param=param, code="invalid_image_url")
    return read_base64(payload, declared=head[5:], param=param)
