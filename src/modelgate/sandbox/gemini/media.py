"""What the make-believe Gemini takes beside text: which types, whether they are what they say, and how many tokens they are."""

import re
from urllib.parse import urlsplit

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.gemini.errors import SERVICE, GeminiRefused
from modelgate.sandbox.sound_files import NotASound, Sound, read_sound
from modelgate.sandbox.vision import NotAPicture, open_picture, open_whole

IMAGE_TOKENS = 258
SMALL_IMAGE_PX = 384
TILE_PX = 768
PAGE_TOKENS = 258
AUDIO_TOKENS_PER_S = 32
VIDEO_TOKENS_PER_S = 263
SPEECH_BYTES_PER_S = 16_000
VIDEO_BYTES_PER_S = 250_000
REMOTE_FILE_TOKENS = 1_000
"""Files that are only pointed to are not fetched: each counts so much."""

_STARTS: dict[str, tuple[str, ...]] = {
    "audio/wav": (r"RIFF....WAVE",),
    "audio/mp3": (r"ID3", r"\xff[\xe0-\xff]"),
    "audio/mpeg": (r"ID3", r"\xff[\xe0-\xff]"),
    "audio/aiff": (r"FORM....AIF",),
    "audio/aac": (r"\xff[\xf0-\xff]", r"ADIF", r"ID3"),
    "audio/ogg": (r"OggS",),
    "audio/flac": (r"fLaC",),
    "application/pdf": (r"%PDF-",),
    "image/heic": (r"....ftyp(?:hei|hev|mif|msf)",),
    "image/heif": (r"....ftyp(?:hei|hev|mif|msf)",),
}
_PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_SOUNDS = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/aac": "aac", "audio/ogg": "ogg", "audio/flac": "flac"}
_VIDEOS = frozenset(f"video/{kind}" for kind in ("mp4", "mpeg", "mov", "quicktime", "avi", "x-flv", "flv", "mpg", "webm", "wmv", "3gpp"))
_PAGE = re.compile(rb"/Type\s*/Page\b")
_YOUTUBE = ("youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be")


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """One thing shown beside the text. `data`: empty when it is only pointed to."""

    kind: str
    data: bytes
    uri: str = ""

    @property
    def modality(self) -> str:
        """The vendor's word for what it is: IMAGE, AUDIO, VIDEO, DOCUMENT or TEXT."""
        head = self.kind.partition("/")[0]
        return {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "text": "TEXT"}.get(head, "DOCUMENT")

    @property
    def tokens(self) -> int:
        """What it counts in the prompt; a text is counted by the tokenizer instead."""
        if not self.data:
            return REMOTE_FILE_TOKENS
        match self.modality:
            case "IMAGE":
                return _image_tokens(self.data)
            case "AUDIO":
                return max(1, len(self.data) * AUDIO_TOKENS_PER_S // SPEECH_BYTES_PER_S)
            case "VIDEO":
                return max(1, len(self.data) * VIDEO_TOKENS_PER_S // VIDEO_BYTES_PER_S)
            case "DOCUMENT":
                return PAGE_TOKENS * max(1, len(_PAGE.findall(self.data)))
        return 0

    def describe(self, number: int) -> str:
        """Return a sentence about it."""
        if not self.data:
            return f"Attachment {number} is at {self.uri[:400]}, which the sandbox does not fetch."
        sound = _heard(self.data, self.kind)
        if sound is None:
            return f"Attachment {number} is {self.kind} of {len(self.data)} bytes."
        return f"Attachment {number}: {sound.describe()}" if sound.text is None else f"Attachment {number} says: “{sound.text}”"


def _heard(data: bytes, kind: str) -> Sound | None:
    """Return what is known of a sound; None: it is none, or of a kind that is not read here."""
    try:
        return read_sound(data, _SOUNDS[kind.partition(";")[0]])
    except (KeyError, NotASound):
        return None


def _image_tokens(data: bytes) -> int:
    """Small pictures are one tile, others as many as it takes to cover them."""
    try:
        width, height = open_picture(data).size
    except NotAPicture:
        return IMAGE_TOKENS
    if max(width, height) <= SMALL_IMAGE_PX:
        return IMAGE_TOKENS
    return IMAGE_TOKENS * -(-width // TILE_PX) * -(-height // TILE_PX)


def media_of(part: dict[str, Json]) -> Media | None:
    """Return what a part shows, if it shows something."""
    if "inlineData" in part:
        return Media(kind=part["inlineData"]["mimeType"].lower(), data=part["inlineData"]["data"])
    if "fileData" in part:
        return Media(kind=part["fileData"].get("mimeType") or "application/octet-stream", data=b"", uri=part["fileData"]["fileUri"])
    return None


def check_blob(blob: dict[str, Json], *, place: str) -> None:
    """Refuse inline data without a type, of an unsupported one, or that is not what it says. Raises GeminiRefused."""
    kind = blob.get("mimeType", "").lower()
    if not kind:
        raise GeminiRefused(f"* GenerateContentRequest.{place}.mime_type: must be specified")
    if not blob.get("data"):
        raise GeminiRefused(f"* GenerateContentRequest.{place}.data: must not be empty")
    head = kind.partition(";")[0]
    if kind in _PICTURES:
        _check_picture(blob["data"], wanted=_PICTURES[kind])
    elif head in _STARTS:
        if not any(re.match(start.encode("latin-1"), blob["data"], re.DOTALL) for start in _STARTS[head]):
            raise GeminiRefused(f"Request contains an invalid argument: the data at {place} is not {head}.")
    elif head not in _VIDEOS and not head.startswith("text/"):
        raise GeminiRefused(f"Unsupported MIME type: {kind[:80]}")


def _check_picture(data: bytes, *, wanted: str) -> None:
    try:
        found = open_whole(data).format
    except NotAPicture:
        found = None
    if found != wanted:
        raise GeminiRefused(
            "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
        )


def check_file(file: dict[str, Json], *, place: str) -> None:
    """Refuse what the vendor does not fetch: addresses on the web that are neither its own files nor YouTube. Raises GeminiRefused."""
    uri = file.get("fileUri", "")
    if not uri:
        raise GeminiRefused(f"* GenerateContentRequest.{place}.file_uri: must be specified")
    if uri.startswith(("gs://", "files/")):
        return
    parts = urlsplit(uri) if re.match(r"https?://[^\[\]]+$", uri) else None
    if parts is None or (parts.hostname not in (*_YOUTUBE, SERVICE)):
        raise GeminiRefused(f"Invalid or unsupported file uri: {uri[:200]}")
