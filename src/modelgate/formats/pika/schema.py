"""Bodies of Pika's dialect as published, and their bounds. Source: Pika's web API of 2024 as gateways imitate it, read 2026-11.

The structs make the OpenAPI document; `request.py` checks by the same constants and says which rule broke.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from modelgate.core.records import Json
from modelgate.formats.media.error_twin import ErrorTwin

MODEL_PREFIX: Final = "pika-"
DEFAULT_VERSION: Final = "1.5"
EFFECT_VERSION: Final = "1.5"
MAX_VERSION_CHARACTERS: Final = 100
MAX_PROMPT_CHARACTERS: Final = 10_000
MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
MAX_IMAGE_RATIO: Final = 2.5
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
LOWEST_RATIO: Final = 0.4
HIGHEST_RATIO: Final = 2.5
MAX_FRAME_RATE: Final = 60
MAX_GUIDANCE: Final = 100
MAX_MOTION: Final = 10
MAX_SEED: Final = 2**32 - 1
DEFAULT_SECONDS: Final = 5
DURATIONS: Final = (5, 10)
RESOLUTIONS: Final = ("720p", "1080p")
EFFECTS: Final = (
    "Levitate",
    "Decapitate",
    "Eye-pop",
    "Ta-da",
    "Deflate",
    "Crumble",
    "Dissolve",
    "Squish",
    "Inflate",
    "Melt",
    "Crush",
    "Cake-ify",
    "Explode",
    "Peel",
    "Poke",
    "Tear",
)
RATIOS: Final = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:5": 4 / 5, "5:4": 5 / 4, "3:2": 3 / 2, "2:3": 2 / 3}
"""What videos can be: an asked ratio becomes the nearest of these."""

VideoStatus = Literal["queued", "pending", "finished", "error"]


class Parameters(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Finer wishes. Guidance and motion are those of old models: they are checked and left out."""

    negative_prompt: Annotated[
        str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What the video must not show.", examples=["clouds"])
    ] = ""
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same seed makes the same video.", examples=[7])] | None = None
    guidance_scale: Annotated[float, Meta(ge=0, le=MAX_GUIDANCE, description="Of old models: checked, not used.")] = 12
    motion: Annotated[int, Meta(ge=0, le=MAX_MOTION, description="Of old models: checked, not used.")] = 1


class Options(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """How the video is made. Frame rate and camera are those of old models: they are checked and left out."""

    aspect_ratio: Annotated[
        float,
        Meta(
            ge=LOWEST_RATIO, le=HIGHEST_RATIO, description="Width by height; the nearest of 16:9, 9:16, 1:1, 4:5, 5:4, 3:2 and 2:3 is made."
        ),
    ] = 16 / 9
    frame_rate: Annotated[int, Meta(ge=1, le=MAX_FRAME_RATE, description="Of old models: checked, not used.")] = 24
    camera: Annotated[dict[str, Json], Meta(description="Of old models: checked, not used.")] = {}
    parameters: Annotated[Parameters, Meta(description="Finer wishes.")] = Parameters()
    extend: Annotated[bool, Meta(description="Not served: must be false.")] = False
    duration: Annotated[Literal[5, 10], Meta(description="Seconds; an addition of ours.", examples=[5])] = 5
    resolution: Annotated[
        Literal["", "720p", "1080p"], Meta(description="Height of the video; an addition of ours.", examples=["1080p"])
    ] = "720p"


class GenerateBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /pika/generate`. An empty string means that the field is absent."""

    prompt_text: Annotated[
        str,
        Meta(
            max_length=MAX_PROMPT_CHARACTERS,
            description="What the video shows; may be empty with an effect.",
            examples=["a red kite over the sea"],
        ),
    ] = ""
    model: Annotated[
        str, Meta(max_length=MAX_VERSION_CHARACTERS, description="The version: `2.2` means the model `pika-2.2`.", examples=["2.2"])
    ] = DEFAULT_VERSION
    image: Annotated[
        str,
        Meta(
            description="The picture to begin with: an http(s) address, base64, or a data URI. JPEG, PNG or WebP, at most "
            "20 MB, between 1:2.5 and 2.5:1.",
            examples=["https://example.com/cat.png"],
        ),
    ] = ""
    video: Annotated[str, Meta(description="The video to change, by its address; no upstream of ours does that today.")] = ""
    pikaffect: Annotated[
        str, Meta(description="An effect, on model 1.5 and with `image`.", extra_json_schema={"enum": ["", *EFFECTS]}, examples=["Squish"])
    ] = ""
    options: Annotated[Options, Meta(description="How the video is made.")] = Options()


class Submitted(Struct, kw_only=True):
    """A task just taken."""

    id: Annotated[str, Meta(description="Id of the task; fetch it by this.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    message: Annotated[str, Meta(description="One sentence for people; holds `SUCCEED`.")]


class Video(Struct, kw_only=True, rename="camel"):
    """The one video of a task. `progress` is in percent, `duration` in seconds; addresses are empty until it is `finished`."""

    id: Annotated[str, Meta(description="The task's id.")]
    status: Annotated[VideoStatus, Meta(description="How far it is; `finished` and `error` are the end.", examples=["finished"])]
    progress: Annotated[int, Meta(description="In percent.", examples=[100])]
    seed: Annotated[int, Meta(description="The seed that was asked for; 0 when none was.")]
    duration: Annotated[float, Meta(description="Length in seconds.", examples=[5])]
    result_url: Annotated[str, Meta(description="With `finished`: signed address of the file, kept here; needs no key.")]
    sharing_url: Annotated[str, Meta(description="The same address.")]
    video_poster: Annotated[str, Meta(description="Always empty here.")]
    image_thumb: Annotated[str, Meta(description="Always empty here.")]
    error: Annotated[str, Meta(description="With `error`: why; nothing is charged then.")]


class Feed(Struct, kw_only=True, rename="camel"):
    """A task as it stands, always with one video."""

    id: Annotated[str, Meta(description="Id of the task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    prompt_text: Annotated[str, Meta(description="The prompt.", examples=["a red kite over the sea"])]
    message: Annotated[str, Meta(description="Always empty.")]
    videos: Annotated[list[Video], Meta(description="One video, from the beginning.")]


class ErrorEnvelope(Struct, kw_only=True):
    """An error; `message` beside it is for clients that look there."""

    message: Annotated[str, Meta(description="One sentence for people, as in `error.message`.")]
    error: Annotated[ErrorTwin, Meta(description="What went wrong.")]
