"""What stands in a prompt and in a picture's place: words that are banned, the size that is asked for, the picture itself."""

import re

from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.midjourney.schema import BANNED, INVALID, MidjourneyRefused
from modelgate.sandbox.pictures import size_of
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture, shrink

MAX_RATIO_PART = 64
BANNED_WORDS = ("gore", "nude", "beheading")
_RATIO = re.compile(r"--(?:ar|aspect)\s+(\S+)")


def check_words(prompt: str) -> None:
    """Check a prompt as the moderation of the vendor does. Raises MidjourneyRefused 24."""
    words = set(re.findall(r"[a-z]+", prompt.lower()))
    banned = next((word for word in BANNED_WORDS if word in words), "")
    if not banned and read_magic("", prompt).has("blocked-prompt"):
        banned = "blocked-prompt"
    if banned:
        properties = {"promptEn": prompt, "bannedWord": banned}
        raise MidjourneyRefused(BANNED, "the prompt may hold a sensitive word", properties=properties)


def needed(text: str | None, field: str) -> str:
    """Return a text that must be there. Raises MidjourneyRefused naming the field."""
    if text is None or not text.strip():
        raise MidjourneyRefused(INVALID, f"{field} must not be empty")
    return text


def picture_of(text: str, field: str) -> bytes:
    """Return the picture in a data URI. Raises MidjourneyRefused naming the field."""
    try:
        data = decode_data_url(text) if text.startswith("data:image/") else b""
        shrink(open_picture(data))
    except NotAPicture:
        raise MidjourneyRefused(INVALID, f"{field} must be a data URI of a picture in base64") from None
    return data


def picture_or_address(text: str, field: str) -> list[bytes]:
    """Return the picture in a data URI, nothing for an address, which the make-believe vendor does not fetch."""
    return [] if text.startswith(("http://", "https://")) else [picture_of(text, field)]


def ratio_size(prompt: str) -> tuple[int, int]:
    """Return the size in pixels that the `--ar` of a prompt asks for."""
    match = _RATIO.search(prompt)
    ratio = match[1] if match else "1:1"
    parts = re.fullmatch(r"(\d{1,5}):(\d{1,5})", ratio)
    across, down = (int(parts[1]), int(parts[2])) if parts else (0, 0)
    if not across or not down or not 1 / 14 <= across / down <= 14:
        raise MidjourneyRefused(INVALID, f"invalid parameter: --ar {ratio[:20]}")
    if max(across, down) <= MAX_RATIO_PART:
        return size_of(ratio)
    long_side = 1_024
    width, height = (long_side, round(long_side * down / across)) if across > down else (round(long_side * across / down), long_side)
    return width // 2 * 2, height // 2 * 2
