"""Raw sound, as speech models give it, made a file that players know."""

import base64
import re
import struct

DEFAULT_RATE_HZ = 24_000
RAW_FORMAT = "pcm16"
"""How OpenAI calls such sound, and the hub."""
PCM = "audio/L16;codec=pcm;rate=24000"
_RATE = re.compile(r"rate=(\d{4,6})\b")
_BYTES_A_SAMPLE = 2


def is_raw_sound(mime_type: str) -> bool:
    """Return whether a media type means samples without a head (16 bit, little-endian, one channel)."""
    kind = mime_type.partition(";")[0].strip().lower()
    return kind in ("audio/l16", "audio/pcm", "audio/x-pcm") or "codec=pcm" in mime_type.lower()


def rate_of(mime_type: str) -> int:
    """Return the samples a second that a media type tells."""
    found = _RATE.search(mime_type)
    return int(found[1]) if found else DEFAULT_RATE_HZ


def wav_of(data: str, *, rate_hz: int) -> str:
    """Return raw sound in base64 as a WAV file in base64. Raises ValueError: it is not base64."""
    samples = base64.b64decode(data, validate=True)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(samples), b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate_hz, rate_hz * _BYTES_A_SAMPLE, _BYTES_A_SAMPLE, 8 * _BYTES_A_SAMPLE),
        *(b"data", len(samples)),
    )
    return base64.b64encode(head + samples).decode()
