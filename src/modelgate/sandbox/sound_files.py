"""Sound in files: writing PCM as wav, mp3, opus, aac or flac, and finding out what a file is, how long, and what is said in it.

What the sandbox says it also writes openly into the file, as the comment that each of these formats has room for; that is how it knows
its own speech again. Nothing is recognized by its sound. FFmpeg's library (PyAV) does the codecs.
"""

import contextlib
import io
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from modelgate.sandbox.sounds import RATE_HZ, load_av

UNKNOWN_SIZE = 0xFFFFFFFF
"""What a streaming encoder writes where the size of the file belongs, and the vendor does so."""

_WRITERS = {
    "mp3": ("mp3", "libmp3lame", {}),
    "opus": ("ogg", "libopus", {}),
    "aac": ("adts", "aac", {"write_id3v2": "1"}),
    "flac": ("flac", "flac", {}),
}
_READERS = {
    "mp3": "mp3",
    "mpga": "mp3",
    "mpeg": "mp3",
    "mp4": "mov",
    "m4a": "mov",
    "ogg": "ogg",
    "oga": "ogg",
    "flac": "flac",
    "webm": "matroska",
    "aac": "aac",
}
"""The demuxer for each extension. Never FFmpeg's own guess: some of its formats open other files."""

_NAMES = {"mov": "MP4", "matroska": "WEBM"}
"""What the format of a demuxer is called, where that is not its name in capitals."""

COMMENT_START = "The sandbox says: "
"""How the comment begins that tells what is said in a file; other people's comments are not heard."""

_PCM = 1
_MICROSECONDS = 1_000_000
_PADDING_S = 0.2  # what codecs add at both ends, and a head takes off again


class NotASound(Exception):
    """The bytes are not a sound of the format that they are said to be."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a file; `kind` names its format, `text` is what the sandbox said in it, None when it is somebody else's."""

    kind: str
    duration_s: float
    text: str | None = None

    def describe(self) -> str:
        """Return a sentence for a sound in which nothing can be heard."""
        return f"This is a recording in {self.kind} format of {self.duration_s:.1f} seconds."


def write_sound(pcm: bytes, kind: str, *, text: str) -> bytes:
    """Return speech (see `sounds`) as a file; `pcm` and `pcm16` are no file at all. The text goes along as a comment."""
    if kind.startswith("pcm"):
        return pcm
    if kind == "wav":
        return _wav_head(COMMENT_START + text) + pcm
    container_name, codec, options = _WRITERS[kind]
    av, buffer = load_av(), io.BytesIO()
    with av.open(buffer, "w", format=container_name, options=options) as container:
        stream = container.add_stream(codec, rate=RATE_HZ)
        stream.layout = "mono"
        container.metadata["comment"] = COMMENT_START + text
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate, frame.pts = RATE_HZ, 0
        context = stream.codec_context
        resampler = av.AudioResampler(format=context.format, layout="mono", rate=RATE_HZ, frame_size=context.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return buffer.getvalue()


def read_sound(data: bytes, kind: str) -> Sound:
    """Return the facts about a file with an extension of `_READERS` or wav. Raises NotASound."""
    if kind == "wav":
        return _read_wav(data)
    av = load_av()
    reader = _READERS[kind]
    try:
        with av.open(io.BytesIO(data), format=reader) as container:
            stream = container.streams.audio[0]
            comment: str = container.metadata.get("comment") or stream.metadata.get("comment") or ""
            lasts_s = _lasts_s(container, stream)
    except (av.error.FFmpegError, IndexError, ValueError, UnicodeError):
        raise NotASound from None
    if lasts_s <= 0:  # some demuxers take anything, and find nothing in it
        raise NotASound
    return Sound(kind=_NAMES.get(reader, reader.upper()), duration_s=lasts_s, text=_said(comment))


def _said(comment: str) -> str | None:
    return comment.removeprefix(COMMENT_START) if comment.startswith(COMMENT_START) else None


def _lasts_s(container: Any, stream: Any) -> float:
    """Return how long a file sounds: as its head says, unless what follows is longer or shorter (cut off, or only estimated)."""
    told_s = (container.duration or 0) / _MICROSECONDS
    found_s = 0.0
    with contextlib.suppress(load_av().error.FFmpegError):  # the last packet of a file that was cut
        for packet in container.demux(stream):
            found_s += float(packet.duration * packet.time_base) if packet.duration else 0.0
    return found_s if found_s and abs(found_s - told_s) > _PADDING_S else told_s


def _wav_head(comment: str) -> bytes:
    form = struct.pack("<4sI4s", b"RIFF", UNKNOWN_SIZE, b"WAVE")
    facts = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    info = b"INFO" + _chunk(b"ICMT", comment.encode("utf-8", "replace") + b"\0")
    return form + facts + _chunk(b"LIST", info) + struct.pack("<4sI", b"data", UNKNOWN_SIZE)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(data: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Walk through chunks. A size may be wrong: the file was streamed."""
    at = start
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"data" and not size:
            size = UNKNOWN_SIZE  # another word for it
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _read_wav(data: bytes) -> Sound:
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotASound
    bytes_per_s, size, comment = 0, 0, ""
    for name, body in _chunks(data, 12):
        if name == b"fmt " and len(body) >= 16:
            (bytes_per_s,) = struct.unpack_from("<I", body, 8)
        elif name == b"data":
            size = size or len(body)  # what follows is read too: a comment may be at the end
        elif name == b"LIST" and body[:4] == b"INFO":
            told = dict(_chunks(body, 4))
            comment = told.get(b"ICMT", b"").rstrip(b"\0").decode("utf-8", "replace") or comment
    if not bytes_per_s or not size:
        raise NotASound
    return Sound(kind="WAV", duration_s=size / bytes_per_s, text=_said(comment))
