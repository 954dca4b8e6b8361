"""What Luma's Dream Machine takes, as structs and tables: every field's own shape, and what each kind of generation makes of it."""

from typing import Annotated, Literal

import msgspec

from modelgate.sandbox.body_shape import one_of
from modelgate.sandbox.given_files import GivenUri
from modelgate.sandbox.orders import MediaOrder, size_with_long_side, size_with_short_side

MAX_PROMPT = 5_000
MAX_REFERENCES = 4
MAX_CONCEPTS = 8
MAX_SYNC_S = 60
RATIOS = {
    "1:1": (1, 1),
    "16:9": (16, 9),
    "9:16": (9, 16),
    "4:3": (4, 3),
    "3:4": (3, 4),
    "21:9": (21, 9),
    "9:21": (9, 21),
}
SHORT_SIDES_PX = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
SECONDS = {"5s": 5, "9s": 9}
IMAGE_LONG_SIDE_PX = 1536
VIDEO_MODELS = ("ray-1-6", "ray-2", "ray-flash-2")
IMAGE_MODELS = ("photon-1", "photon-flash-1")

Text = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
MODES = tuple(f"{kind}_{number}" for kind in ("adhere", "flex", "reimagine") for number in (1, 2, 3))
CONCEPTS = (
    *("truck_left", "truck_right", "pan_left", "pan_right", "pedestal_up", "pedestal_down", "tilt_up", "tilt_down", "roll_left"),
    *("roll_right", "zoom_in", "zoom_out", "push_in", "pull_out", "crane_up", "crane_down", "orbit_left", "orbit_right", "dolly_zoom"),
    *("static", "handheld", "selfie", "pov", "over_the_shoulder", "overhead", "eye_level", "low_angle", "high_angle", "ground_level"),
    *("aerial", "aerial_drone", "bolt_cam", "tiny_planet", "elevator_doors"),
)


class PublicUrl(GivenUri):
    """An address: https only, never base64; plain http from a gateway on this machine."""

    plain_hosts = ("127.0.0.1", "localhost", "::1")
    most_characters = 4_096
    told = "Input should be an https URL of a public file"


class CallbackUrl(GivenUri):
    """Where news of a generation goes."""

    most_characters = 4_096
    told = "Input should be a valid URL"


class Media(msgspec.Struct, frozen=True):
    """A file that is looked at or changed."""

    url: PublicUrl


class Weighted(msgspec.Struct, frozen=True):
    """A picture that counts for so much."""

    url: PublicUrl
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1


References = Annotated[tuple[Weighted, ...], msgspec.Meta(max_length=MAX_REFERENCES)]


class Identity(msgspec.Struct, frozen=True):
    """Pictures of one person."""

    images: Annotated[tuple[PublicUrl, ...], msgspec.Meta(min_length=1, max_length=MAX_REFERENCES)]


class Character(msgspec.Struct, frozen=True):
    """Who is to be seen."""

    identity0: Identity


class Concept(msgspec.Struct, frozen=True):
    """A move of the camera, or a look."""

    key: Annotated[str, one_of(CONCEPTS)]


class ImageFrame(msgspec.Struct, frozen=True, tag="image"):
    """A picture at one end of a video."""

    url: PublicUrl


class GenerationFrame(msgspec.Struct, frozen=True, tag="generation"):
    """An earlier video at one end of a video."""

    id: str


Frame = ImageFrame | GenerationFrame | None


class Keyframes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both ends of a video."""

    frame0: Frame = None
    frame1: Frame = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of all kinds of generation. Which of them a kind takes is in `KINDS`; what it does not know it ignores."""

    prompt: Text = ""
    negative_prompt: Text = ""
    aspect_ratio: Annotated[str, one_of(RATIOS)] = "16:9"
    resolution: Annotated[str, one_of(SHORT_SIDES_PX)] = "720p"
    duration: Annotated[str, one_of(SECONDS)] = "5s"
    loop: bool = False
    keyframes: Keyframes = Keyframes()
    concepts: Annotated[tuple[Concept, ...], msgspec.Meta(max_length=MAX_CONCEPTS)] = ()
    callback_url: CallbackUrl = CallbackUrl()
    format: Literal["jpg", "png"] = "jpg"
    image_ref: References = ()
    style_ref: References = ()
    character_ref: Character | None = None
    modify_image_ref: Weighted | None = None
    sync: bool = False
    sync_timeout: Annotated[float, msgspec.Meta(gt=0, le=MAX_SYNC_S)] = MAX_SYNC_S
    media: Media | None = None
    first_frame: Media | None = None
    mode: Annotated[str, one_of(MODES)] = MODES[0]
    grid_position_x: int = 0
    grid_position_y: int = 0
    resized_height: int = 0
    resized_width: int = 0
    x_end: int = 0
    x_start: int = 0
    y_end: int = 0
    y_start: int = 0

    @property
    def video_size(self) -> tuple[int, int]:
        """Width and height of a video in pixels."""
        return size_with_short_side(RATIOS[self.aspect_ratio], SHORT_SIDES_PX[self.resolution])

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height of a picture in pixels."""
        return size_with_long_side(RATIOS[self.aspect_ratio], IMAGE_LONG_SIDE_PX)

    @property
    def parents(self) -> tuple[str, ...]:
        """The generations that the video goes on from."""
        frames = (self.keyframes.frame0, self.keyframes.frame1)
        return tuple(frame.id for frame in frames if isinstance(frame, GenerationFrame))


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of generation: its word in `generation_type`, what the body must and may hold, and whether it makes a picture."""

    word: str
    models: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    is_image: bool = False


_REFRAME = ("prompt", "grid_position_x", "grid_position_y", "resized_height", "resized_width", "x_end", "x_start", "y_end", "y_start")
VIDEO = Kind(
    word="video",
    models=VIDEO_MODELS,
    takes=("prompt", "aspect_ratio", "resolution", "duration", "loop", "keyframes", "concepts"),
)
KINDS = {
    "": VIDEO,
    "video": VIDEO,
    "image": Kind(
        word="image",
        models=IMAGE_MODELS,
        takes=(
            *("prompt", "aspect_ratio", "format", "image_ref", "style_ref", "character_ref", "modify_image_ref", "sync", "sync_timeout"),
        ),
        is_image=True,
    ),
    "video/modify": Kind(word="modify_video", models=VIDEO_MODELS[1:], needs=("media", "mode"), takes=("prompt", "first_frame")),
    "video/reframe": Kind(word="reframe_video", models=VIDEO_MODELS[1:], needs=("media", "aspect_ratio"), takes=("first_frame", *_REFRAME)),
    "image/reframe": Kind(
        word="reframe_image", models=IMAGE_MODELS, needs=("media", "aspect_ratio"), takes=("format", *_REFRAME), is_image=True
    ),
    "upscale": Kind(word="upscale_video", takes=("resolution",)),
    "audio": Kind(word="add_audio", takes=("prompt", "negative_prompt")),
}
"""By the path below `/generations/`."""


class Order(MediaOrder, frozen=True, kw_only=True):
    """A checked request; `parents` are the generations it goes on from."""

    parents: tuple[str, ...] = ()
