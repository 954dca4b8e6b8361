"""Films the make-believe videos: the prompt's picture in H.264, with a bar that runs along the bottom, and a melody where there is sound.

FFmpeg's library (PyAV) does the codecs. It is loaded when first needed: most runs of the sandbox never film.
"""

import io
from fractions import Fraction
from functools import lru_cache
from typing import Any

from PIL.Image import Image

from modelgate.sandbox.music import make_tune
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.sounds import RATE_HZ, load_av

FRAMES_PER_S = 24
KEY_FRAME_EVERY = 48
MAX_SECONDS = 300.0
"""A longer wish is cut to this."""

MAX_KEPT = 32
"""Videos that are kept, because they are fetched again (with Range, and by both sides of a test)."""

BAR_SHARE = 0.025
_BAR_LIGHT = b"\xeb"
_ENCODER = {"preset": "ultrafast", "crf": "28", "threads": "1", "sc_threshold": "0"}
"""One thread: the bytes are then the same on every machine, and two calls do not fight for its cores."""

_HEAD_BYTES = 8_192
_HEAD_BYTES_PER_FRAME = 40
"""Room for the index at the start of the file (what is called faststart): a fixed part, and one for each frame of either stream."""

_SOUND_FRAME = 1_024


@lru_cache(maxsize=MAX_KEPT)
def make_video(words: str, *, width: int, height: int, seconds: float, with_sound: bool = False, reference: bytes | None = None) -> bytes:
    """Return an MP4 of the asked size (made even) and length that shows the words; the same words make the same bytes.

    `reference`, a picture, appears as an inset. It blocks for up to a second: call it in a thread.
    """
    av, buffer = load_av(), io.BytesIO()
    frames = max(1, round(min(seconds, MAX_SECONDS) * FRAMES_PER_S))
    lasts_s = frames / FRAMES_PER_S
    head_bytes = _HEAD_BYTES + _HEAD_BYTES_PER_FRAME * (frames + round(lasts_s * RATE_HZ / _SOUND_FRAME))
    with av.open(buffer, "w", format="mp4", options={"moov_size": str(head_bytes), "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S, options=_ENCODER)
        video.width, video.height, video.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        video.codec_context.gop_size, video.codec_context.max_b_frames = KEY_FRAME_EVERY, 0
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono") if with_sound else None
        _film(container, video, paint(words, (video.width, video.height), reference=reference), frames=frames)
        if sound is not None:
            _score(container, sound, words=words, samples=round(lasts_s * RATE_HZ))
    return buffer.getvalue()


def frame_of(video: bytes) -> bytes:
    """Return the first frame of an MP4 as PNG. Raises ValueError for bytes that are no such video."""
    av = load_av()
    try:
        with av.open(io.BytesIO(video), format="mov") as container:
            frame = next(container.decode(video=0))
            return encode_picture(frame.to_image())
    except (av.error.FFmpegError, IndexError, StopIteration):
        raise ValueError("not a video") from None


def _film(container: Any, stream: Any, picture: Image, *, frames: int) -> None:
    """Encode one picture over and over; only the bar is drawn anew, in the frame's own memory (the encoder copies what it gets)."""
    frame = load_av().VideoFrame.from_image(picture).reformat(format="yuv420p")
    light = frame.planes[0]
    rows = range(stream.height - max(2, round(stream.height * BAR_SHARE)), stream.height)
    pixels, line, done = memoryview(light), light.line_size, 0
    for number in range(frames):
        reached = stream.width * (number + 1) // frames
        for row in rows:
            pixels[row * line + done : row * line + reached] = _BAR_LIGHT * (reached - done)
        done = reached
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_S)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _score(container: Any, stream: Any, *, words: str, samples: int) -> None:
    """Add a tune that follows from the words, from the start again until the video ends."""
    av, melody = load_av(), make_tune(words)
    pcm = (melody * (samples * 2 // len(melody) + 1))[: samples * 2]
    frame = av.AudioFrame(format="s16", layout="mono", samples=samples)
    frame.planes[0].update(pcm)
    frame.sample_rate, frame.pts = RATE_HZ, 0
    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format, layout="mono", rate=RATE_HZ, frame_size=context.frame_size or None)
    for part in [*resampler.resample(frame), *resampler.resample(None), None]:
        container.mux(stream.encode(part))
