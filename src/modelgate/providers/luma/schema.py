"""What Dream Machine can make, as data, and what its answers hold."""

from typing import Any

import msgspec

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS = ("540p", "720p", "1080p", "4k")
SECONDS = (5, 9)
DEFAULT_RESOLUTION = "720p"
MAX_PICTURES = {"reference": 4, "style": 4, "character": 4, "image": 1}
DREAMING_PERCENT = 50
VIDEO = ("seconds", "resolution", "first_frame", "last_frame", "luma_loop", "luma_concepts")
WEIGHTS = ("luma_image_weights", "luma_reference_weights", "luma_style_weights")


class Assets(msgspec.Struct):
    """Where what was made is."""

    video: str | None = None
    image: str | None = None


class Generation(msgspec.Struct):
    """A job."""

    id: str
    state: str = ""
    failure_reason: str | None = None
    assets: Assets | None = None


class Refused(msgspec.Struct):
    """A call that was refused."""

    detail: Any = None
