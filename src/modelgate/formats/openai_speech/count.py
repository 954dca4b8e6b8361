"""What speech uses: read out of events, bounded from above before, and estimated where nothing was counted."""

import msgspec

from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_speech.schema import Family, SpeechRequest

BYTES_PER_TOKEN = 4
MAX_TOKENS_PER_CHARACTER = 6
"""Twenty tokens a second of sound, and no language says fewer than some four characters in one."""
USUAL_TOKENS_PER_CHARACTER = 1.5
MAX_PAUSE_TOKENS = 200
"""Silence before and after."""


class _Counted(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    output_tokens: int = 0


_counted = msgspec.json.Decoder(_Counted)


def most(request: SpeechRequest, family: Family) -> Usage:
    """Return an upper bound of what a text can use."""
    tokens = int(len(request.input) * MAX_TOKENS_PER_CHARACTER / _speed(request)) + MAX_PAUSE_TOKENS
    return _usage(request, family, said=_bytes(request), spoken=tokens)


def estimate(request: SpeechRequest, family: Family) -> Usage:
    """Return what a text has used where its upstream did not count; characters need no counting."""
    spoken = int(len(request.input) * USUAL_TOKENS_PER_CHARACTER / _speed(request)) + 1
    usage = _usage(request, family, said=-(-_bytes(request) // BYTES_PER_TOKEN), spoken=spoken)
    return msgspec.structs.replace(usage, estimated=family.counts_tokens)


def spoiled(request: SpeechRequest, family: Family) -> Usage:
    """Return what a text has probably used whose upstream broke off with an error: only what was said."""
    return msgspec.structs.replace(estimate(request, family), output_tokens=0, output_audio_tokens=0)


def read_usage(raw: msgspec.Raw, *, characters: int) -> Usage | None:
    """Return the usage of the last event; None: there is none, or what cannot be."""
    try:
        counted = _counted.decode(raw)
    except UNREADABLE:
        return None
    if not (0 <= counted.input_tokens <= MAX_UNITS and 0 <= counted.output_tokens <= MAX_UNITS):
        return None
    made = counted.output_tokens
    return Usage(input_tokens=counted.input_tokens, output_tokens=made, output_audio_tokens=made, characters=characters)


def characters_of(request: SpeechRequest, family: Family) -> int:
    """Return what is counted of a text that is paid by characters."""
    return len(request.input) if family.counts_characters else 0


def _usage(request: SpeechRequest, family: Family, *, said: int, spoken: int) -> Usage:
    characters = characters_of(request, family)
    if not family.counts_tokens:
        return Usage(characters=characters)
    return Usage(input_tokens=said, output_tokens=spoken, output_audio_tokens=spoken, characters=characters)


def _bytes(request: SpeechRequest) -> int:
    return len(request.input.encode()) + len((request.instructions or "").encode())


def _speed(request: SpeechRequest) -> float:
    return min(request.speed or 1.0, 1.0)
