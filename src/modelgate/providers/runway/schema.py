"""Runway's answers, and what its models can do, as data. `MODELS` are those of videos."""

import msgspec

from modelgate.formats.media.clips import ByClip
from modelgate.formats.media.family import InputRules
from modelgate.formats.media.fields import MEGABYTE

MAX_PROMPT_UNITS = 1_000
"""UTF-16 code units."""
MAX_SEED = 2**32 - 1
MAX_REFERENCES = 3
PICTURE = InputRules(field="image", content_types=("image/jpeg", "image/png", "image/webp"), max_bytes=5 * MEGABYTE)
CLIP = InputRules(field="video", content_types=("video/mp4", "video/quicktime", "video/webm"), max_bytes=16 * MEGABYTE)
"""Files go as data URIs, whose bounds these are."""
PICTURE_ROLES = ("image", "first_frame", "last_frame", "reference", "character")
EDITED, ACTED = ByClip(shortest_s=2, longest_s=30), ByClip(shortest_s=3, longest_s=30)
MAX_INTENSITY = 5
TARGETS = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")

LARGE = {"16:9": "1280:720", "9:16": "720:1280", "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
LEGACY = {"16:9": "1280:768", "9:16": "768:1280"}
UPRIGHT_OR_WIDE = {"16:9": "1280:720", "9:16": "720:1280"}
FULL_HD = {"16:9": "1920:1080", "9:16": "1080:1920"}
PICTURE_SIZES = (
    *("1024x1024", "1080x1080", "1168x880", "1360x768", "1440x1080", "1080x1440", "1808x768", "1920x1080", "1080x1920"),
    *("2112x912", "1280x720", "720x1280", "720x720", "960x720", "720x960", "1680x720"),
)
PICTURES = {"1:1": "1024:1024", "16:9": "1920:1080", "9:16": "1080:1920", "4:3": "1440:1080", "3:4": "1080:1440", "21:9": "2112:912"}


class Created(msgspec.Struct):
    """To a submit."""

    id: str = ""


class Polled(msgspec.Struct, rename="camel"):
    """A task."""

    status: str
    progress: float | None = None
    output: list[str] | None = None
    failure: str | None = None
    failure_code: str | None = None


class Said(msgspec.Struct):
    """What another gateway says."""

    message: str = ""


class Refused(msgspec.Struct):
    """The vendor says it in a text, another gateway that speaks this API in an object."""

    error: str | Said | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a model of videos can do. `seconds` holds the default first."""

    ratios: dict[str, str] = msgspec.field(default_factory=LARGE.copy)
    text_ratios: dict[str, str] = {}
    resolutions: tuple[str, ...] = ("720p",)
    seconds: tuple[int, ...] = (5, 2, 3, 4, 6, 7, 8, 9, 10)
    needs_prompt: bool = False
    takes_last: bool = False
    last_alone: bool = False
    has_sound: bool = False
    has_seed: bool = True
    has_moderation: bool = True


NEWEST = Model(text_ratios=UPRIGHT_OR_WIDE, needs_prompt=True)
"""What one that is not listed is taken for: the newest of the vendor's own."""
_VEO = Model(
    ratios=UPRIGHT_OR_WIDE,
    text_ratios=UPRIGHT_OR_WIDE,
    resolutions=("720p", "1080p"),
    seconds=(8, 4, 6),
    takes_last=True,
    has_sound=True,
    has_seed=False,
    has_moderation=False,
)
MODELS: dict[str, Model] = {
    "gen4_turbo": Model(),
    "gen4.5": NEWEST,
    "gen3a_turbo": Model(ratios=LEGACY, seconds=(5, 10), needs_prompt=True, takes_last=True, last_alone=True),
    "veo3.1": _VEO,
    "veo3.1_fast": _VEO,
    "veo3": msgspec.structs.replace(_VEO, seconds=(8,), takes_last=False),
}


def model_of(model: str) -> Model:
    """Return what a model of videos can do."""
    return MODELS.get(model, NEWEST)
