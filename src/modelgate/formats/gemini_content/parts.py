"""Parts that mean the same in requests and answers."""

import re

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.media_type import normal_media_type, read_base64
from modelgate.formats.chat.request import Audio, File, Image
from modelgate.formats.gemini_content.schema import Blob, CodeExecutionResult, ExecutableCode, FileData

_VENDORS_OWN = re.compile(r"https://generativelanguage\.googleapis\.com/|gs://|files/")
_VIDEO_SITE = re.compile(r"https?://(?:www\.|m\.)?(?:youtube\.com/|youtu\.be/)", re.IGNORECASE)
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mp3", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac", "aiff": "audio/aiff"}
_NAMES_OF_AUDIO = {"mpeg": "mp3", "mp3": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-aiff": "aiff"}


def keeps_address(url: str) -> bool:
    """Return whether the vendor fetches this address itself: its own stores and YouTube. All others must be sent as data."""
    return _VENDORS_OWN.match(url) is not None or _VIDEO_SITE.match(url) is not None


def is_vendors_file(uri: str) -> bool:
    """Return whether an address is a file kept at the vendor."""
    return _VENDORS_OWN.match(uri) is not None


def audio_media_type(format: str) -> str:
    """Return the media type of a sound's format (`wav`)."""
    return _AUDIO_TYPES.get(format, f"audio/{format or 'wav'}")


def audio_format(media_type: str) -> str:
    """Return the format of a sound's media type (`audio/wav`)."""
    name = media_type.partition("/")[2]
    return _NAMES_OF_AUDIO.get(name, name)


def decode_blob(blob: Blob, *, param: str) -> Image | Audio | File:
    """Return data in neutral words. Raises InvalidRequest: it is not base64."""
    declared = blob.mime_type or ""
    media_type, data = read_base64(blob.data or "", declared=declared, param=f"{param}.data")
    data += "=" * (-len(data) % 4)  # Google's servers take it without, others do not
    match media_type.partition("/")[0]:
        case "image":
            return Image(data=data, media_type=media_type)
        case "audio":
            return Audio(data=data, format=audio_format(media_type))
        case _:
            return File(name=blob.display_name or "", media_type=media_type, data=data)


def decode_file(file: FileData) -> Image | File:
    """Return a reference to a file in neutral words: one kept at the vendor means nothing elsewhere."""
    media_type = normal_media_type(file.mime_type or "")
    if is_vendors_file(file.file_uri):
        return File(name=file.display_name or "", media_type=media_type, vendor_id=file.file_uri)
    if media_type.startswith("image/"):
        return Image(url=file.file_uri)
    return File(name=file.display_name or "", media_type=media_type, url=file.file_uri)


def inline_data(data: str, media_type: str) -> dict[str, Json]:
    """Return a part with data in it. Raises InvalidRequest: a type the vendor does not take."""
    if media_type == "image/gif":
        raise InvalidRequest("Gemini does not take GIF pictures. Send it as PNG, JPEG or WebP.", param="messages", code="invalid_value")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def file_data(uri: str, media_type: str = "") -> dict[str, Json]:
    """Return a part that refers to a file."""
    return {"fileData": {"mimeType": media_type, "fileUri": uri} if media_type else {"fileUri": uri}}


def render_code(code: ExecutableCode) -> str:
    """Return code that the vendor ran, as text."""
    return f"\n```{(code.language or 'python').lower()}\n{(code.code or '').rstrip()}\n```\n"


def render_outcome(result: CodeExecutionResult) -> str:
    """Return what code that the vendor ran has printed, as text."""
    return f"\n```output\n{(result.output or '').rstrip()}\n```\n"
