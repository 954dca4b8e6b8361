"""Sound in files: writing PCM as wav, mp3, opus, aac or flac, and finding out what a file is, how long, and what is said in it.

FFmpeg's library (PyAV) does the codecs. It is loaded when first needed: most runs of the sandbox never play a sound.
"""

import importlib
import io
import struct
from functools import cache
from typing import Any

import msgspec

from modelgate.sandbox.sounds import RATE_HZ, find_text

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

COMMENT_START = "The sandbox says: "
"""How the comment begins that tells what is said in a file; other people's comments are not heard."""

_PCM = 1
_MICROSECONDS = 1_000_000


class NotASound(Exception):
    """The bytes are not a sound of the format that they are said to be."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a file; `text` is what the sandbox said in it, None when it is somebody else's."""

    kind: str
    duration_s: float
    text: str | None = None

    def describe(self) -> str:
        """Return a sentence for a sound in which nothing can be heard."""
        return f"This is a recording in {self.kind.upper()} format of {self.duration_s:.1f} seconds."


def write_sound(pcm: bytes, kind: str, *, text: str) -> bytes:
    """Return speech (see `sounds`) as a file; `pcm` and `pcm16` are no file at all. The text goes along as a comment."""
    if kind.startswith("pcm"):
        return pcm
    if kind == "wav":
        return _wav_head() + pcm
    container_name, codec, options = _WRITERS[kind]
    av, buffer = _library(), io.BytesIO()
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
    av = _library()
    try:
        with av.open(io.BytesIO(data), format=_READERS[kind]) as container:
            stream = container.streams.audio[0]
            comment: str = container.metadata.get("comment") or stream.metadata.get("comment") or ""
            lasts_s = (container.duration or 0) / _MICROSECONDS or _played_s(container)
    except (av.error.FFmpegError, IndexError, ValueError, UnicodeError):
        raise NotASound from None
    if lasts_s <= 0:  # some demuxers take anything, and find nothing in it
        raise NotASound
    said = comment.removeprefix(COMMENT_START) if comment.startswith(COMMENT_START) else None
    return Sound(kind=kind, duration_s=lasts_s, text=said)


def _played_s(container: Any) -> float:
    """Return how long a file sounds that does not say so: webm from a browser, for one."""
    return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))


@cache
def _library() -> Any:
    return importlib.import_module("av")


def _wav_head() -> bytes:
    form = struct.pack("<4sI4s", b"RIFF", UNKNOWN_SIZE, b"WAVE")
    facts = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return form + facts + struct.pack("<4sI", b"data", UNKNOWN_SIZE)


def _read_wav(data: bytes) -> Sound:
    """Walk through the chunks. A size may be wrong: the file was streamed."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotASound
    at, rate = 12, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            (rate,) = struct.unpack_from("<I", body, 8)
        elif name == b"data":
            if not rate:
                raise NotASound
            return Sound(kind="wav", duration_s=len(body) / rate, text=find_text(body))
        at += 8 + size + size % 2
    raise NotASound
