"""What Kling's endpoints take, as structs and tables: every field's own shape, what each model can do, and what an order is."""

from typing import Annotated, Self

import msgspec

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import one_of
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.given_files import GivenPicture
from modelgate.sandbox.magic import MAGIC_MODELS

MAX_PICTURES = 9
DEFAULT_MODEL = "kling-v1"
IMAGE_MODELS = ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
NEWER_MODELS = ("kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
NEWER_RATIOS = ("21:9",)
TRY_ON = "kolors-virtual-try-on"
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")
TRY_ON_RATIO = "3:4"
FIRST_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
"""The family of version 1: the only one with `cfg_scale` and `camera_control`, and the one that is extended and makes pairs."""

SOUND_MODELS = ("kling-v2-6", "kling-v3")
SHOT_MODELS = ("kling-v3",)
MASK_MODELS = ("kling-v1",)
MASK_LENGTH = "5"
MASK_RATIO_TOLERANCE = 0.02
MODES = ("std", "pro")
VIDEO_RATIOS = ("16:9", "9:16", "1:1")
LENGTHS = ("5", "10")
LONG_LENGTHS = tuple(str(seconds) for seconds in range(3, 16))
TEXT_MODES = {
    "kling-v1": MODES,
    "kling-v1-6": ("std",),
    "kling-v2-master": MODES,
    "kling-v2-1-master": MODES,
    "kling-v2-5-turbo": ("pro",),
    "kling-v2-6": MODES,
    "kling-v3": MODES,
}
IMAGE_MODES = {
    "kling-v1": MODES,
    "kling-v1-5": MODES,
    "kling-v1-6": MODES,
    "kling-v2-master": MODES,
    "kling-v2-1": MODES,
    "kling-v2-1-master": MODES,
    "kling-v2-5-turbo": ("pro",),
    "kling-v2-6": MODES,
    "kling-v3": MODES,
}
TAILS = {
    "kling-v1": (MODES, ("5",)),
    "kling-v1-5": (("pro",), LENGTHS),
    "kling-v1-6": (("pro",), LENGTHS),
    "kling-v2-1": (("pro",), LENGTHS),
    "kling-v2-5-turbo": (("pro",), LENGTHS),
    "kling-v2-6": (MODES, LENGTHS),
    "kling-v3": (MODES, LONG_LENGTHS),
}
"""The modes and lengths in which a model takes a last frame."""

MULTI_MODELS = ("kling-v1-6",)
EXTENDED_BY_S = 5.0
MAX_EXTENDED_S = 180.0
DEFAULT_VIDEO_S = 5.0
LIP_LENGTHS_S = (2.0, 10.0)
MAX_AUDIO_BYTES = 5 * 1024 * 1024
VIDEO_ENDINGS = (".mp4", ".mov")
AUDIO_ENDINGS = (".mp3", ".wav", ".m4a", ".aac")
PAIR_SCENES = ("hug", "kiss", "heart_gesture")
SINGLE_SCENES = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")
SHORT_SIDE_PX = {"std": 720, "pro": 1080}
MOST_RATIO = 2.5
_UNITS = {"std": 1.0, "pro": 3.5}
_UNIT_S = 5.0
_STATUS = {
    1000: 401,
    1001: 401,
    1002: 401,
    1003: 401,
    1004: 401,
    1103: 403,
    1202: 404,
    1203: 404,
    1302: 429,
    1303: 429,
    5000: 500,
    5001: 503,
}
PROVOKED: dict[int, tuple[int, str, int | None]] = {
    400: (1301, "the prompt asked for a content safety error", None),
    401: (1002, "Authorization is invalid", None),
    429: (1302, "requests are too frequent", None),
    529: (5001, "server is temporarily unavailable", 529),
}
"""What magic makes of a submit: code, message and status."""


class KlingRefused(VendorRefused):
    """The make-believe Kling refuses with a code of its own: 1200 for a wrong shape, 1201 for a wrong value."""

    def __init__(self, code: int, message: str, status: int | None = None) -> None:
        said = {"code": code, "message": message, "request_id": random_text(22)}
        super().__init__(status or _STATUS.get(code, 400), said, message)
        self.code = code


def word(*words: str) -> msgspec.Meta:
    """Return what makes a text one of some words; empty is as good as absent."""
    return one_of(("", *words))


Name = Annotated[str, msgspec.Meta(max_length=200)]
Prompt = Annotated[str, msgspec.Meta(max_length=2_500)]
Url = Annotated[str, msgspec.Meta(max_length=2_048, pattern=r"^(?:https?://|\Z)")]
Mode = Annotated[str, word(*MODES)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Move = Annotated[float, msgspec.Meta(ge=-10, le=10)]


class Picture(GivenPicture):
    """A picture that is given by address or as bare base64; false when the text is empty."""

    forms = frozenset(("base64",))
    formats = ("JPEG", "PNG")
    most_bytes = 10 * 1024 * 1024
    least_px = 300
    most_ratio = MOST_RATIO
    is_given = True

    def __bool__(self) -> bool:
        return self.is_given

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return what it shows. Raises WrongField."""
        read = super().read("http://" if value == "" else value)
        read.is_given = value != ""
        return read


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that every request may have; what nobody knows is ignored, as `model` is."""

    external_task_id: Annotated[str, msgspec.Meta(max_length=256)] = ""
    callback_url: Url = ""


class Images(Tail, frozen=True, kw_only=True):
    """`images/generations`."""

    model_name: Annotated[str, word(*IMAGE_MODELS, *MAGIC_MODELS)] = ""
    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    image: Picture | None = None
    aspect_ratio: Annotated[str, word(*RATIOS)] = ""
    resolution: Annotated[str, word("1k", "2k")] = ""
    image_reference: Annotated[str, word("subject", "face")] = ""
    image_fidelity: Share | None = None
    human_fidelity: Share | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_PICTURES)] = 1


class TryOn(Tail, frozen=True, kw_only=True):
    """`images/kolors-virtual-try-on`."""

    model_name: Annotated[str, word(*TRY_ON_MODELS, *MAGIC_MODELS)] = ""
    human_image: Picture | None = None
    cloth_image: Picture | None = None


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """How the camera moves."""

    horizontal: Move = 0
    vertical: Move = 0
    pan: Move = 0
    tilt: Move = 0
    roll: Move = 0
    zoom: Move = 0


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """`camera_control`."""

    type: Annotated[str, word("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")] = ""
    config: Moves | None = None


class Point(msgspec.Struct, frozen=True):
    """A step of a motion."""

    x: int
    y: int


class Mask(msgspec.Struct, frozen=True, kw_only=True):
    """One of `dynamic_masks`."""

    mask: Picture | None = None
    trajectories: Annotated[tuple[Point, ...], msgspec.Meta(min_length=2, max_length=77)] = ()


class Voice(msgspec.Struct, frozen=True):
    """One of `voice_list`."""

    voice_id: Name = ""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """One of `multi_prompt`."""

    index: int
    prompt: Annotated[str, msgspec.Meta(max_length=512)] = ""
    duration: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}\Z")] = ""


Shots = Annotated[list[Shot], msgspec.Meta(min_length=1, max_length=6)]


class Watermark(msgspec.Struct, frozen=True):
    """`watermark_info`."""

    enabled: bool = False


class Item(msgspec.Struct, frozen=True):
    """One of `image_list`."""

    image: Picture | None = None


class Several(Tail, frozen=True, kw_only=True):
    """`videos/multi-image2video`. What it says of sound is not looked at."""

    model_name: Annotated[str, word(*MULTI_MODELS, *MAGIC_MODELS)] = ""
    image_list: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1, max_length=4)] = ()
    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    mode: Mode = ""
    duration: Annotated[str, word(*LENGTHS)] = ""
    aspect_ratio: Annotated[str, word(*VIDEO_RATIOS)] = ""
    sound: Json = None
    watermark_info: Watermark = Watermark()


class Video(Tail, frozen=True, kw_only=True):
    """`videos/text2video` and, with pictures, `videos/image2video`. The shots are read by `Shots` where there are to be some."""

    model_name: Name = ""
    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    cfg_scale: Share | None = None
    mode: Mode = ""
    duration: Name = ""
    sound: Annotated[str, word("on", "off")] = ""
    multi_shot: bool = False
    shot_type: Json = ""
    multi_prompt: Json = None
    camera_control: Camera | None = None
    watermark_info: Watermark = Watermark()
    aspect_ratio: Annotated[str, word(*VIDEO_RATIOS)] = ""
    image: Picture | None = None
    image_tail: Picture | None = None
    static_mask: Picture | None = None
    dynamic_masks: Annotated[tuple[Mask, ...], msgspec.Meta(max_length=6)] = ()
    voice_list: Annotated[tuple[Voice, ...], msgspec.Meta(max_length=2)] = ()


OF_PICTURES = ("image", "image_tail", "static_mask", "dynamic_masks", "voice_list")
"""What a video from words ignores."""


class Extend(Tail, frozen=True, kw_only=True):
    """`videos/video-extend`."""

    video_id: Name = ""
    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    cfg_scale: Share | None = None


class Object(Tail, frozen=True, kw_only=True):
    """`videos/lip-sync` and `videos/effects`: what `input` holds depends on what it says, and on the scene."""

    input: dict[str, Json]
    effect_scene: Json = ""


class Lips(msgspec.Struct, frozen=True, kw_only=True):
    """Whose lips are to move to what."""

    video_id: Name = ""
    video_url: Url = ""
    mode: Annotated[str, word("text2video", "audio2video")] = ""


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be spoken."""

    text: Annotated[str, msgspec.Meta(max_length=120)] = ""
    voice_id: Name = ""
    voice_language: Annotated[str, word("zh", "en")] = ""
    voice_speed: Annotated[float, msgspec.Meta(ge=0.8, le=2)] | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """A sound to move them to."""

    audio_type: Annotated[str, word("file", "url")] = ""
    audio_url: Url = ""
    audio_file: Annotated[str, msgspec.Meta(max_length=2 * MAX_AUDIO_BYTES)] = ""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """An effect with two people."""

    model_name: Annotated[str, word(*FIRST_MODELS, *MAGIC_MODELS)] = ""
    mode: Mode = ""
    duration: Annotated[str, word(*LENGTHS)] = ""
    images: Json = None


class Single(msgspec.Struct, frozen=True, kw_only=True):
    """An effect with one picture."""

    model_name: Annotated[str, word("kling-v1-6", *MAGIC_MODELS)] = ""
    duration: Annotated[str, word("5")] = ""
    image: Picture | None = None


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
