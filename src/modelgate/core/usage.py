"""Counted units of one request, in one vocabulary for all vendors."""

import msgspec

MAX_UNITS = 1_000_000_000
"""No single request counts more of anything; an upstream that says so is not believed."""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Units of one request. Parts are subsets of their total: cached tokens are among the input tokens.

    `cache_write_tokens` were written to the vendor's cache, `cache_write_1h_tokens` are those of them that it keeps for an hour (dearer).
    `variant` says what kind of images they are where kinds cost differently: `1024x1024-hd`. `estimated` says that the upstream sent no
    usage and the numbers are ours.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    images: int = 0
    variant: str = ""
    milliseconds: int = 0
    characters: int = 0
    calls: int = 1
    estimated: bool = False
