"""What a body gives in place of a file: an address, which no make-believe vendor fetches, or the data itself in base64.

Classes for the schemas of `body_shape`: a vendor makes its own of one, with its limits.
"""

from typing import ClassVar, Self
from urllib.parse import urlsplit

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField
from modelgate.sandbox.vision import MAX_PIXELS, NotAPicture, decode_base64, decode_data_url, open_picture, shrink


class GivenUri(str):
    """The address of a file, by its form; where `media_types` are named also a `data:` URI of one of them."""

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")
    plain_hosts: ClassVar[tuple[str, ...] | None] = None
    """Only from these may a file come by plain http. None: from any."""
    takes_numbers: ClassVar[bool] = True
    """The host may be given by its number."""
    most_characters: ClassVar[int] = 2_048
    told: ClassVar[str] = "Expected a URL"
    media_types: ClassVar[tuple[str, ...]] = ()
    most_bytes: ClassVar[int] = 0
    is_picture: ClassVar[bool] = True
    """What came as data is opened as a picture."""

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return the text of it. Raises WrongField."""
        if not isinstance(value, str):
            raise WrongField("", cls.told, kind="type")
        if cls.media_types and value.startswith("data:"):
            cls._check_data(value)
        elif len(value) > cls.most_characters or not cls._takes(value):
            raise WrongField("", cls.told)
        return cls(value)

    @classmethod
    def _takes(cls, address: str) -> bool:
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:  # a number in brackets that is none
            return False
        if not host or parts.scheme not in cls.schemes:
            return False
        is_number = ":" in host or host.replace(".", "").isdecimal()
        return (cls.takes_numbers or not is_number) and (parts.scheme != "http" or cls.plain_hosts is None or host in cls.plain_hosts)

    @classmethod
    def _check_data(cls, uri: str) -> None:
        if uri[5:].partition(";")[0].partition(",")[0].lower() not in cls.media_types:
            raise WrongField("", f"Invalid asset type. Expected one of {', '.join(cls.media_types)}")
        if len(uri) > cls.most_bytes * 4 // 3 + 100:
            raise WrongField("", f"The data URI must hold at most {cls.most_bytes >> 20} MB")
        try:
            data = decode_data_url(uri)
            if cls.is_picture:
                open_picture(data)
        except NotAPicture:
            raise WrongField("", f"Invalid data URI: not {'a picture' if cls.is_picture else 'data'} in base64") from None


class GivenPicture:
    """A picture that came along: its size in pixels and a thumbnail; of one at an address both sides are 0, and there is none."""

    forms: ClassVar[frozenset[str]] = frozenset(("uri", "base64"))
    """Beside an address: a `data:` URI, bare base64."""
    formats: ClassVar[tuple[str, ...]] = ()
    """What Pillow calls them. None named: any."""
    most_bytes: ClassVar[int]
    most_pixels: ClassVar[int] = MAX_PIXELS
    least_px: ClassVar[int] = 0
    most_ratio: ClassVar[float] = 0.0
    """Of the long side to the short one. 0: any."""

    def __init__(self, size: tuple[int, int] = (0, 0), thumbnail: bytes | None = None) -> None:
        self.size = size
        self.thumbnail = thumbnail

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return what an address or text in base64 shows. Raises WrongField, of the kinds that fal has words for."""
        if not isinstance(value, str):
            raise WrongField("", "Input should be a valid string", kind="string_type")
        if value.startswith(("https://", "http://")):
            return cls()
        is_uri = value.startswith("data:")
        if ("uri" if is_uri else "base64") not in cls.forms:
            wanted = "a data URI" if "uri" in cls.forms else "base64 without the data: prefix"
            raise WrongField("", f"must be an address, or {wanted}", kind="file_download_error")
        try:
            return cls.seen(decode_data_url(value) if is_uri else decode_base64(value))
        except NotAPicture:
            raise WrongField("", "is neither an address nor the base64 of a picture", kind="image_load_error") from None

    @classmethod
    def seen(cls, data: bytes) -> Self:
        """Return what some bytes show. Raises WrongField, and NotAPicture."""
        if len(data) > cls.most_bytes:
            raise WrongField("", f"must have at most {cls.most_bytes >> 20} MB", kind="file_too_large")
        picture = open_picture(data)
        short, long = sorted(picture.size)
        if short * long > cls.most_pixels:
            raise WrongField("", f"must have at most {cls.most_pixels} pixels", kind="file_too_large")
        if cls.formats and picture.format not in cls.formats:
            raise WrongField("", f"must be one of {', '.join(cls.formats)}", kind="image_format_error")
        if short < cls.least_px:
            raise WrongField("", f"width and height must be at least {cls.least_px} pixels", kind="image_too_small")
        if cls.most_ratio and long > short * cls.most_ratio:
            raise WrongField("", f"Aspect ratio must be at most {cls.most_ratio}", kind="image_aspect_ratio_error")
        return cls(picture.size, shrink(picture))
