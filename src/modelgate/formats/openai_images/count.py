"""What pictures use: read out of answers, bounded from above before, and estimated where nothing was counted.

Everything that can be counted is: which of it costs something is a matter of the price.
"""

import re

import msgspec

from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_images.families import Family, size_px
from modelgate.formats.openai_images.schema import Ask, Drawing, ImageUsage

BYTES_PER_TOKEN = 4
PARTIAL_TOKENS = 100
"""What the vendor adds for each unfinished picture."""
MAX_SHOWN_TOKENS = 8_000
"""No picture that is shown counts more, at high fidelity."""
USUAL_SHOWN_TOKENS = 1_100
ONE_SIZE_PIXELS = 1_536 * 1_024
"""Up to here the table holds; larger pictures count in proportion."""

_TOKENS = {"low": (272, 408), "medium": (1_056, 1_584), "high": (4_160, 6_240)}
"""By quality: of a square picture, of any other (gpt-image-1; https://platform.openai.com/docs/guides/image-generation, read 2026-11)."""
_DEAREST, _USUAL = "high", "medium"
_UNIT_QUALITIES = re.compile(r"[a-z]{1,16}\Z")
_PLAIN_QUALITIES = frozenset(("standard", "auto"))

_counted = msgspec.json.Decoder(ImageUsage)


def variant_of(ask: Ask, family: Family) -> str:
    """Return the kind of picture by which a price may tell one from another: `1024x1024`, `1792x1024-hd`. Empty: not known."""
    size = ask.size or family.default_size
    if size_px(size) is None:
        return ""
    quality = (ask.quality or "") if isinstance(ask, Drawing) else ""
    return f"{size}-{quality}" if _UNIT_QUALITIES.match(quality) and quality not in _PLAIN_QUALITIES else size


def most(ask: Ask, family: Family, *, shown: int = 0) -> Usage:
    """Return an upper bound of what an order can use; `shown` pictures come with it."""
    return _usage(ask, family, tokens=_output_tokens(ask, unsaid=_DEAREST), shown_tokens=shown * MAX_SHOWN_TOKENS, bytes_per_token=1)


def estimate(ask: Ask, family: Family, *, shown: int = 0) -> Usage:
    """Return what an order has probably used, where its upstream did not count."""
    tokens = _output_tokens(ask, unsaid=_USUAL)
    usage = _usage(ask, family, tokens=tokens, shown_tokens=shown * USUAL_SHOWN_TOKENS, bytes_per_token=BYTES_PER_TOKEN)
    return msgspec.structs.replace(usage, estimated=True)


def spoiled(ask: Ask, family: Family, *, shown: int = 0) -> Usage:
    """Return what an order has probably used whose upstream broke off with an error: only what was said."""
    return msgspec.structs.replace(estimate(ask, family, shown=shown), images=0, variant="", output_tokens=0, output_image_tokens=0)


def read_usage(raw: msgspec.Raw, *, images: int, variant: str) -> Usage | None:
    """Return the usage of so many pictures; None: there is none, or what cannot be."""
    try:
        counted = _counted.decode(raw)
    except UNREADABLE:
        return None
    seen = counted.input_tokens_details.image_tokens or 0 if counted.input_tokens_details else 0
    drawn = counted.output_tokens_details.image_tokens if counted.output_tokens_details else None
    usage = Usage(
        input_tokens=counted.input_tokens,
        input_image_tokens=seen,
        output_tokens=counted.output_tokens,
        # Older models tell no details: all that they make is pictures.
        output_image_tokens=counted.output_tokens if drawn is None else drawn,
        images=images,
        variant=variant,
    )
    fits = 0 <= seen <= usage.input_tokens <= MAX_UNITS and 0 <= usage.output_image_tokens <= usage.output_tokens <= MAX_UNITS
    return usage if fits else None


def is_said(raw: msgspec.Raw) -> bool:
    """Return whether an answer says something about usage."""
    return bytes(raw) not in (b"", b"null")


def _usage(ask: Ask, family: Family, *, tokens: int, shown_tokens: int, bytes_per_token: int) -> Usage:
    said = -(-len(ask.prompt.encode()) // bytes_per_token) if isinstance(ask, Drawing) else 0
    images, variant = ask.n or 1, variant_of(ask, family)
    if family.fields and not family.counts_tokens:
        return Usage(images=images, variant=variant)
    return Usage(
        input_tokens=said + shown_tokens,
        input_image_tokens=shown_tokens,
        output_tokens=tokens,
        output_image_tokens=tokens,
        images=images,
        variant=variant,
    )


def _output_tokens(ask: Ask, *, unsaid: str) -> int:
    quality = (ask.quality if isinstance(ask, Drawing) else None) or unsaid
    square, other = _TOKENS.get(quality, _TOKENS[unsaid])
    pixels = size_px(ask.size) if ask.size else None
    is_square = unsaid == _USUAL if pixels is None else pixels[0] == pixels[1]
    one = square if is_square else other
    if pixels is not None and pixels[0] * pixels[1] > ONE_SIZE_PIXELS:
        one = -(-other * pixels[0] * pixels[1] // ONE_SIZE_PIXELS)
    partials = (ask.partial_images or 0) if isinstance(ask, Drawing) else 0
    return (ask.n or 1) * (one + partials * PARTIAL_TOKENS)
