"""Bodies of Kling's try-ons and videos as published, and their bounds. Source: Kling's API documentation, read 2026-11."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.kling.schema import DEFAULT_IMAGE_MODEL, DEFAULT_TRY_ON_MODEL

DEFAULT_SEVERAL_IMAGES_MODEL: Final = "kling-v1-6"
LIP_SYNC_MODEL: Final = "kling-lip-sync"
"""A lip sync names no model at Kling; this is its name in the price list."""
MAX_PROMPT_CHARACTERS: Final = 2_500
MAX_NAME_CHARACTERS: Final = 200
MAX_SPOKEN_CHARACTERS: Final = 120
MAX_SECONDS: Final = 60
MAX_IMAGES: Final = 4
MAX_MASKS: Final = 6
MAX_SHOTS: Final = 6
MAX_VOICES: Final = 2
MAX_AUDIO_BYTES: Final = 5 * 1024 * 1024
MAX_VIDEO_BYTES: Final = 100 * 1024 * 1024
EXTENDED_BY_MS: Final = 5_000
MAX_EXTENDED_MS: Final = 180_000
LIP_SYNC_MS: Final = (2_000, 10_000)
MODES: Final = ("std", "pro")
ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1")
LIP_SYNC_MODES: Final = ("text2video", "audio2video")
VOICE_LANGUAGES: Final = ("zh", "en")
VOICE_SPEEDS: Final = (0.8, 2.0)
PAIR_SCENES: Final = ("hug", "kiss", "heart_gesture")
SINGLE_SCENES: Final = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")

_Prompt = Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS)]
_Mode = Annotated[Literal["", "std", "pro"], Meta(description="`std` is 720p, `pro` 1080p; what there is depends on the model.")]
_Ratio = Annotated[Literal["", "16:9", "9:16", "1:1"], Meta(description="Width to height.")]
_Duration = Annotated[str, Meta(description='Seconds: `"5"` or `"10"`, on kling-v3 `"3"` to `"15"`. A number is taken too.')]
_Picture = Annotated[
    str,
    Meta(
        description="A picture: an http(s) address, base64, or a data URI. JPEG or PNG, at most 10 MB, both sides at least 300 pixels, "
        "between 1:2.5 and 2.5:1."
    ),
]


class _Tail(Struct, kw_only=True, omit_defaults=True):
    """What every body may hold."""

    model: Annotated[str, Meta(description="Another name of `model_name`, which wins.")] = ""
    external_task_id: Annotated[str, Meta(max_length=200, description="A name of your own, given back with the task.")] = ""
    callback_url: Annotated[str, Meta(max_length=8192, description="Kept with the task; never sent to the vendor.")] = ""


class TryOnBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/images/kolors-virtual-try-on`."""

    human_image: _Picture
    cloth_image: _Picture
    model_name: str = DEFAULT_TRY_ON_MODEL


class CameraMoves(Struct, kw_only=True, omit_defaults=True):
    """Exactly one of them is not 0; each from -10 to 10."""

    horizontal: float = 0
    vertical: float = 0
    pan: float = 0
    tilt: float = 0
    roll: float = 0
    zoom: float = 0


class CameraControl(Struct, kw_only=True, omit_defaults=True):
    """How the camera moves; `config` for the type `simple` only."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: CameraMoves | None = None


class Watermark(Struct, kw_only=True):
    """Whether a copy with a watermark is wanted as well."""

    enabled: bool = False


class Shot(Struct, kw_only=True):
    """One shot of several."""

    index: int
    prompt: Annotated[str, Meta(max_length=512)]
    duration: str


class _NewVideo(_Tail, kw_only=True, omit_defaults=True):
    """What every new video may say."""

    model_name: str = DEFAULT_IMAGE_MODEL
    negative_prompt: _Prompt = ""
    cfg_scale: Annotated[float, Meta(ge=0, le=1, description="How closely to follow the prompt; kling-v1 models only.")] = 0.5
    mode: _Mode = "std"
    duration: _Duration = "5"
    sound: Annotated[Literal["", "on", "off"], Meta(description="With sound; kling-v2-6 and later.")] = "off"
    camera_control: CameraControl | None = None
    multi_shot: Annotated[bool, Meta(description="Several shots, as `multi_prompt` says; kling-v3.")] = False
    shot_type: Literal["", "customize"] = ""
    multi_prompt: Annotated[list[Shot], Meta(max_length=MAX_SHOTS)] = []
    watermark_info: Watermark | None = None


class TextVideoBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/text2video`. An empty string means that the field is absent."""

    prompt: _Prompt
    aspect_ratio: _Ratio = "16:9"


class DynamicMask(Struct, kw_only=True):
    """A part of the picture that moves, and its way: 2 to 77 points, counted in pixels from the bottom left."""

    mask: str
    trajectories: list[dict[str, int]]


class ImageVideoBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/image2video`. A last frame, masks and the camera's control exclude each other."""

    image: _Picture = ""
    image_tail: _Picture = ""
    prompt: _Prompt = ""
    static_mask: _Picture = ""
    dynamic_masks: Annotated[list[DynamicMask], Meta(max_length=MAX_MASKS)] = []
    voice_list: Annotated[list[dict[str, Any]], Meta(max_length=MAX_VOICES)] = []
    aspect_ratio: _Ratio = ""


class ListedImage(Struct, kw_only=True):
    """One picture of several."""

    image: _Picture


class SeveralImagesBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/multi-image2video`."""

    image_list: Annotated[list[ListedImage], Meta(min_length=1, max_length=MAX_IMAGES)]
    prompt: _Prompt
    model_name: str = DEFAULT_SEVERAL_IMAGES_MODEL
    aspect_ratio: _Ratio = "16:9"


class ExtendBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/video-extend`."""

    video_id: Annotated[str, Meta(description="`id` of a video of yours, of a kling-v1 model.")]
    prompt: _Prompt = ""
    negative_prompt: _Prompt = ""
    cfg_scale: Annotated[float, Meta(ge=0, le=1)] = 0.5


class LipSyncInput(Struct, kw_only=True, omit_defaults=True):
    """One video, and what is said in it: a text with a voice, or a sound."""

    mode: Literal["text2video", "audio2video"]
    video_id: str = ""
    video_url: Annotated[str, Meta(description="MP4 or MOV, at most 100 MB, 2 to 10 seconds.")] = ""
    text: Annotated[str, Meta(max_length=MAX_SPOKEN_CHARACTERS)] = ""
    voice_id: str = ""
    voice_language: Literal["", "zh", "en"] = "en"
    voice_speed: Annotated[float, Meta(ge=0.8, le=2)] = 1
    audio_type: Literal["", "file", "url"] = ""
    audio_file: Annotated[str, Meta(description="Base64 of an MP3, WAV, M4A or AAC of at most 5 MB.")] = ""
    audio_url: str = ""


class LipSyncBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/lip-sync`."""

    input: LipSyncInput


class EffectsInput(Struct, kw_only=True, omit_defaults=True):
    """The pictures, two for a scene of two people (`images`) or one (`image`)."""

    image: _Picture = ""
    images: list[_Picture] = []
    model_name: str = ""
    mode: _Mode = ""
    duration: _Duration = "5"


class EffectsBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/effects`."""

    effect_scene: Literal["hug", "kiss", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy"]
    input: EffectsInput
