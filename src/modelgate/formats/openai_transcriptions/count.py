"""What hearing uses: read out of answers, bounded from above by the file's size, and estimated where nothing was counted."""

import msgspec

from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.multipart import Part
from modelgate.formats.openai_transcriptions.families import Family, extension_of
from modelgate.formats.openai_transcriptions.schema import HearingFields, SoundUsage, TranscriptionFields

BYTES_PER_TOKEN = 4
LEAST_BYTES_PER_S = 1_000
"""Speech at 8 kbit/s, less than which is hardly understood."""
LEAST_WAV_BYTES_PER_S = 8_000
"""Telephone sound: 8 kHz, 8 bit."""
USUAL_BYTES_PER_S = 8_000
USUAL_WAV_BYTES_PER_S = 32_000
MAX_INPUT_TOKENS_PER_S = 25
MAX_OUTPUT_TOKENS_PER_S = 12
"""Nobody speaks faster."""
USUAL_INPUT_TOKENS_PER_S = 10
REFERENCE_S = 10
"""Length of the sound of a speaker that is known."""
MS = 1_000

_usage = msgspec.json.Decoder(SoundUsage)


def most(found: HearingFields, family: Family, sound: Part) -> Usage:
    """Return an upper bound of what a sound can use."""
    least = LEAST_WAV_BYTES_PER_S if extension_of(sound) == "wav" else LEAST_BYTES_PER_S
    heard_s = min(-(-sound.size_bytes // least), family.max_s)
    if isinstance(found, TranscriptionFields):
        heard_s += REFERENCE_S * len(found.known_speaker_references or ())
    written = min(heard_s * MAX_OUTPUT_TOKENS_PER_S, family.max_output_tokens)
    said = len(_words(found).encode())
    return _of(family, heard_ms=heard_s * MS, heard_tokens=heard_s * MAX_INPUT_TOKENS_PER_S, said_tokens=said, written_tokens=written)


def estimate(found: HearingFields, family: Family, sound: Part, *, text: str | None = None) -> Usage:
    """Return what a sound has probably used, where its upstream did not count; `text` is what was heard, as far as it is known."""
    usual = USUAL_WAV_BYTES_PER_S if extension_of(sound) == "wav" else USUAL_BYTES_PER_S
    heard_s = min(-(-sound.size_bytes // usual), family.max_s)
    written = heard_s * 3 if text is None else -(-len(text.encode()) // BYTES_PER_TOKEN)
    said = -(-len(_words(found).encode()) // BYTES_PER_TOKEN)
    usage = _of(family, heard_ms=heard_s * MS, heard_tokens=heard_s * USUAL_INPUT_TOKENS_PER_S, said_tokens=said, written_tokens=written)
    return msgspec.structs.replace(usage, estimated=True)


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """Return the usage that an answer tells; None: there is none, or what cannot be."""
    try:
        counted = _usage.decode(raw)
    except UNREADABLE:
        return None
    if counted.seconds is not None:
        return of_seconds(counted.seconds)
    heard = counted.input_token_details.audio_tokens or 0 if counted.input_token_details else 0
    if counted.type == "duration" or not (0 <= heard <= counted.input_tokens <= MAX_UNITS and 0 <= counted.output_tokens <= MAX_UNITS):
        return None
    if counted.type != "tokens" and not counted.input_tokens:
        return None  # an object that says nothing
    return Usage(input_tokens=counted.input_tokens, input_audio_tokens=heard, output_tokens=counted.output_tokens)


def of_seconds(seconds: float | str | None) -> Usage | None:
    """Return the usage of so much sound; None: it is no duration that can be. Some vendors write it as text."""
    try:
        heard_s = float(seconds) if seconds is not None else -1.0
    except ValueError:
        return None
    if not 0 <= heard_s <= MAX_UNITS // MS:
        return None
    return Usage(milliseconds=round(heard_s * MS))


def _words(found: HearingFields) -> str:
    hints = [*(found.keywords or ()), *(found.languages or ())] if isinstance(found, TranscriptionFields) else []
    return " ".join((found.prompt or "", *hints)).strip()


def _of(family: Family, *, heard_ms: int, heard_tokens: int, said_tokens: int, written_tokens: int) -> Usage:
    usage = Usage(milliseconds=heard_ms if family.counts_time else 0)
    if not family.counts_tokens:
        return usage
    return msgspec.structs.replace(
        usage, input_tokens=heard_tokens + said_tokens, input_audio_tokens=heard_tokens, output_tokens=written_tokens
    )
