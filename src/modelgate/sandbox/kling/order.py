"""What the make-believe Kling was asked to make, once it is checked."""

from collections.abc import Callable
from typing import Any

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import MAX_EXTERNAL_ID, read_address, read_text

SHORT_SIDE_PX = {"std": 720, "pro": 1080}
MOST_RATIO = 2.5
_UNITS = {"std": 1.0, "pro": 3.5}
_UNIT_S = 5.0


class KlingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `kind` is the last part of its path.

    Pictures: `n`, `ratio`, `resolution`. Videos: `mode`, `seconds`, `width`, `height`, `sound`; `parent`: the id of the video it builds on.
    `reference` is a thumbnail of the given picture, None without one or when it is at an address.
    """

    kind: str = "generations"
    model: str
    prompt: str
    reference: bytes | None = None
    resolution: str = "1k"
    n: int = 1
    ratio: str = "16:9"
    mode: str = "std"
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    sound: bool = False
    watermark: bool = False
    parent: str = ""
    external_id: str = ""
    callback_url: str = ""

    @property
    def is_video(self) -> bool:
        """Say whether it makes a video."""
        return self.seconds > 0

    @property
    def units(self) -> str:
        """Return what it costs, in the vendor's units."""
        return f"{self.seconds / _UNIT_S * _UNITS[self.mode]:g}" if self.is_video else str(self.n)


Videos = Callable[[str], KlingOrder | None]
"""Finds what a finished video of the account was ordered as, by the video's id."""


def frame_size(ratio: tuple[int, int], mode: str) -> tuple[int, int]:
    """Return width and height of a video in pixels, both even; the shorter side is the mode's."""
    across, down = ratio
    share = min(MOST_RATIO, max(across, down) / min(across, down))
    short = SHORT_SIDE_PX[mode]
    long = round(short * share / 2) * 2
    return (long, short) if across >= down else (short, long)


def ratio_of(text: str) -> tuple[int, int]:
    """Return an aspect ratio such as `16:9` as two numbers."""
    across, _, down = text.partition(":")
    return int(across), int(down)


def read_tail(body: dict[str, Json]) -> dict[str, Any]:
    """Return the fields that every request may have. Raises KlingRefused."""
    external_id = read_text(body, "external_task_id", most=MAX_EXTERNAL_ID)
    return {"external_id": external_id, "callback_url": read_address(body, "callback_url")}
