"""What each of Kling's models can do, as data: a model that is not here is the vendor's to judge.

Source: Kling's capability map, read 2026-11.
"""

import msgspec

MAX_PROMPT = 2_500
MAX_SPOKEN = 120
DEFAULT_S = 5
MODES = ("std", "pro")
MODE_OF_RESOLUTION = {"720p": "std", "1080p": "pro"}
VIDEO_RATIOS = ("16:9", "9:16", "1:1")
IMAGE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
FIRST_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
REFERENCE_MODELS = ("kling-v1-5",)
"""They want to be told what to take from a picture."""
LENGTHS = (5, 10)
MIN_LIP_SYNC_S = 2
LONG_LENGTHS = tuple(range(3, 16))
MAX_PICTURES = {"first_frame": 1, "last_frame": 1, "static_mask": 1, "dynamic_mask": 6, "reference": 4}
EXTENDED_BY_S = 5
MAX_EXTENDED_MS = 180_000
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")


class Able(msgspec.Struct, frozen=True, kw_only=True):
    """What one model of videos can do. Modes from words and from a frame (empty: not at all); modes and lengths with a last frame."""

    text: tuple[str, ...] = MODES
    image: tuple[str, ...] = MODES
    tail: tuple[str, ...] = ()
    tail_lengths: tuple[int, ...] = LENGTHS
    lengths: tuple[int, ...] = LENGTHS
    scale: bool = False
    camera: bool = False
    masks: bool = False
    references: bool = False
    sound: bool = False
    shots: bool = False


MODELS: dict[str, Able] = {
    "kling-v1": Able(tail=MODES, tail_lengths=(5,), scale=True, camera=True, masks=True),
    "kling-v1-5": Able(text=(), tail=("pro",), scale=True, camera=True),
    "kling-v1-6": Able(text=("std",), tail=("pro",), scale=True, camera=True, references=True),
    "kling-v2-master": Able(),
    "kling-v2-1": Able(text=(), tail=("pro",)),
    "kling-v2-1-master": Able(),
    "kling-v2-5-turbo": Able(text=("pro",), image=("pro",), tail=("pro",)),
    "kling-v2-6": Able(tail=MODES, sound=True),
    "kling-v3": Able(tail=MODES, tail_lengths=LONG_LENGTHS, lengths=LONG_LENGTHS, sound=True, shots=True),
}
