"""Bodies of Kling's try-ons and videos as published, and their bounds. Source: Kling's API documentation, read 2026-11."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.kling.schema import (
    DEFAULT_IMAGE_MODEL,
    DEFAULT_TRY_ON_MODEL,
    MAX_EXTERNAL_ID_CHARACTERS,
    MAX_MODEL_CHARACTERS,
    MAX_URL_CHARACTERS,
)

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
MIN_LIP_SYNC_S: Final = 2
MAX_LIP_SYNC_S: Final = 10
MODES: Final = ("std", "pro")
ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1")
LIP_SYNC_MODES: Final = ("text2video", "audio2video")
VOICE_LANGUAGES: Final = ("zh", "en")
VOICE_SPEEDS: Final = (0.8, 2.0)
PAIR_SCENES: Final = ("hug", "kiss", "heart_gesture")
SINGLE_SCENES: Final = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")

_Prompt = Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS)]
_ModelName = Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS)]
_NegativePrompt = Annotated[_Prompt, Meta(description="What it must not show.", examples=["blurred"])]
_Shown = Annotated[_Prompt, Meta(description="What the video shows.", examples=["a red kite over the sea"])]
_Mode = Annotated[
    Literal["", "std", "pro"], Meta(description="`std` is 720p, `pro` 1080p; what there is depends on the model.", examples=["std"])
]
_Ratio = Annotated[Literal["", "16:9", "9:16", "1:1"], Meta(description="Width to height.", examples=["16:9"])]
_Duration = Annotated[
    str, Meta(description='Seconds: `"5"` or `"10"`, on kling-v3 `"3"` to `"15"`. A number is taken too.', examples=["5"])
]
PICTURE: Final = (
    "An http(s) address, base64, or a data URI; JPEG or PNG, at most 10 MB, both sides at least 300 pixels, between 1:2.5 and 2.5:1."
)
_Picture = Annotated[str, Meta(examples=["https://example.com/cat.png"])]


_OtherModel = Annotated[_ModelName, Meta(description="Another name of `model_name`, which wins.", examples=["kling-v1-6"])]


class _Tail(Struct, kw_only=True, omit_defaults=True):
    """What every body may hold."""

    external_task_id: Annotated[
        str, Meta(max_length=MAX_EXTERNAL_ID_CHARACTERS, description="A name of your own, given back with the task.", examples=["order-17"])
    ] = ""
    callback_url: Annotated[
        str,
        Meta(
            max_length=MAX_URL_CHARACTERS,
            description="Where changes of the task are posted to; never sent to the vendor.",
            examples=["https://example.com/kling"],
        ),
    ] = ""


class TryOnBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/images/kolors-virtual-try-on`."""

    human_image: Annotated[_Picture, Meta(description=f"The person. {PICTURE}")]
    cloth_image: Annotated[_Picture, Meta(description=f"The garment: upper, lower or dress, worn or on white. {PICTURE}")]
    model_name: Annotated[
        _ModelName, Meta(description="The model; `kolors-virtual-try-on-v1-5` also takes upper and lower in one picture.")
    ] = DEFAULT_TRY_ON_MODEL
    model: _OtherModel = ""


_Move = Annotated[float, Meta(ge=-10, le=10)]


class CameraMoves(Struct, kw_only=True, omit_defaults=True):
    """Exactly one of them is not 0; each from -10 to 10."""

    horizontal: Annotated[_Move, Meta(description="Below 0 to the left, above to the right.")] = 0
    vertical: Annotated[_Move, Meta(description="Below 0 down, above up.")] = 0
    pan: Annotated[_Move, Meta(description="Turns in the vertical plane: below 0 down, above up.")] = 0
    tilt: Annotated[_Move, Meta(description="Turns in the horizontal plane: below 0 to the left, above to the right.")] = 0
    roll: Annotated[_Move, Meta(description="Turns the picture: below 0 against the clock, above with it.")] = 0
    zoom: Annotated[_Move, Meta(description="Below 0 the view gets narrower, above wider.", examples=[5])] = 0


class CameraControl(Struct, kw_only=True, omit_defaults=True):
    """How the camera moves; `config` for the type `simple` only."""

    type: Annotated[
        Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"],
        Meta(description="`simple`: one move, as `config` says; the others are moves of their own.", examples=["simple"]),
    ]
    config: Annotated[CameraMoves | None, Meta(description="With `simple`, required: the move.")] = None


class Watermark(Struct, kw_only=True):
    """Whether a copy with a watermark is wanted as well."""

    enabled: Annotated[bool, Meta(description="Make one; its address is `watermark_url`.")] = False


class Shot(Struct, kw_only=True):
    """One shot of several."""

    index: Annotated[int, Meta(description="Number of the shot.")]
    prompt: Annotated[str, Meta(max_length=512, description="What the shot shows.")]
    duration: Annotated[str, Meta(description="Seconds; all shots together last `duration`.", examples=["5"])]


class _NewVideo(_Tail, kw_only=True, omit_defaults=True):
    """What every new video may say."""

    model_name: Annotated[_ModelName, Meta(description="The model; `model` is read when this is absent.", examples=["kling-v1-6"])] = (
        DEFAULT_IMAGE_MODEL
    )
    model: _OtherModel = ""
    negative_prompt: _NegativePrompt = ""
    cfg_scale: Annotated[float, Meta(ge=0, le=1, description="How closely to follow the prompt; kling-v1 models only.")] = 0.5
    mode: _Mode = "std"
    duration: _Duration = "5"
    sound: Annotated[Literal["", "on", "off"], Meta(description="With sound; kling-v2-6 and later.")] = "off"
    camera_control: Annotated[CameraControl | None, Meta(description="How the camera moves; kling-v1 models only.")] = None
    multi_shot: Annotated[bool, Meta(description="Several shots, as `multi_prompt` says; kling-v3.")] = False
    shot_type: Annotated[Literal["", "customize"], Meta(description="With `multi_shot`: `customize`.")] = ""
    multi_prompt: Annotated[list[Shot], Meta(max_length=MAX_SHOTS, description="With `multi_shot`: the shots, at least one.")] = []
    watermark_info: Annotated[Watermark | None, Meta(description="Whether a copy with a watermark is wanted as well.")] = None


class TextVideoBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/text2video`. An empty string means that the field is absent."""

    prompt: _Shown
    aspect_ratio: _Ratio = "16:9"


class DynamicMask(Struct, kw_only=True):
    """A part of the picture that moves, and its way: 2 to 77 points, counted in pixels from the bottom left."""

    mask: Annotated[_Picture, Meta(description="A mask of the part, as large as `image`.")]
    trajectories: Annotated[
        list[dict[str, int]], Meta(description="The points of the way.", examples=[[{"x": 279, "y": 219}, {"x": 417, "y": 65}]])
    ]


class ImageVideoBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/image2video`. A last frame, masks and the camera's control exclude each other."""

    image: Annotated[_Picture, Meta(description=f"The first frame; this or `image_tail` has to be there. {PICTURE}")] = ""
    image_tail: Annotated[_Picture, Meta(description=f"The last frame. {PICTURE}")] = ""
    prompt: _Shown = ""
    static_mask: Annotated[_Picture, Meta(description="A mask of what stays still, as large as `image`.")] = ""
    dynamic_masks: Annotated[
        list[DynamicMask], Meta(max_length=MAX_MASKS, description="Parts that move along a way; kling-v1, videos of 5 seconds.")
    ] = []
    voice_list: Annotated[
        list[dict[str, Any]],
        Meta(max_length=MAX_VOICES, description="Voices that speak in it; kling-v2-6."),
    ] = []
    aspect_ratio: Annotated[_Ratio, Meta(description="Taken, but the picture's own counts.")] = ""


class ListedImage(Struct, kw_only=True):
    """One picture of several."""

    image: Annotated[_Picture, Meta(description=f"The picture. {PICTURE}")]


class SeveralImagesBody(_NewVideo, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/multi-image2video`."""

    image_list: Annotated[list[ListedImage], Meta(min_length=1, max_length=MAX_IMAGES, description="What is to be seen in the video.")]
    prompt: _Shown
    model_name: Annotated[_ModelName, Meta(description="The model; `model` is read when this is absent.")] = DEFAULT_SEVERAL_IMAGES_MODEL
    aspect_ratio: _Ratio = "16:9"


class ExtendBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/video-extend`."""

    video_id: Annotated[str, Meta(description="`id` of a video of yours, of a kling-v1 model. It gets about 5 s longer, up to 3 minutes.")]
    prompt: Annotated[_Prompt, Meta(description="How it goes on.", examples=["the kite comes down"])] = ""
    negative_prompt: _NegativePrompt = ""
    cfg_scale: Annotated[float, Meta(ge=0, le=1, description="How closely to follow the prompt.")] = 0.5


class LipSyncInput(Struct, kw_only=True, omit_defaults=True):
    """One video, and what is said in it: a text with a voice, or a sound."""

    mode: Annotated[Literal["text2video", "audio2video"], Meta(description="What is said is a text, or a sound.", examples=["text2video"])]
    video_id: Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS, description="`id` of a video of yours; this or `video_url`.")] = ""
    video_url: Annotated[str, Meta(description="Address of an MP4 or MOV, at most 100 MB, 2 to 10 seconds; this or `video_id`.")] = ""
    text: Annotated[
        str, Meta(max_length=MAX_SPOKEN_CHARACTERS, description="With `text2video`, required: what is said.", examples=["Hello!"])
    ] = ""
    voice_id: Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS, description="With `text2video`, required: who speaks.")] = ""
    voice_language: Annotated[Literal["", "zh", "en"], Meta(description="With `text2video`: language of the voice.")] = "en"
    voice_speed: Annotated[float, Meta(ge=0.8, le=2, description="With `text2video`: times the usual speed.")] = 1
    audio_type: Annotated[
        Literal["", "file", "url"], Meta(description="With `audio2video`, required: where the sound is.", examples=["url"])
    ] = ""
    audio_file: Annotated[str, Meta(description="With `file`: base64 of an MP3, WAV, M4A or AAC of at most 5 MB.")] = ""
    audio_url: Annotated[
        str, Meta(max_length=MAX_URL_CHARACTERS, description="With `url`: the sound's address.", examples=["https://example.com/hello.mp3"])
    ] = ""


class LipSyncBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/lip-sync`."""

    input: Annotated[LipSyncInput, Meta(description="The video, and what is said in it.")]
    model_name: Annotated[_ModelName, Meta(description="Its name in the price list; at Kling a lip sync names no model.")] = LIP_SYNC_MODEL
    model: _OtherModel = ""


class EffectsInput(Struct, kw_only=True, omit_defaults=True):
    """The pictures, two for a scene of two people (`images`) or one (`image`)."""

    image: Annotated[_Picture, Meta(description=f"For a scene of one. {PICTURE}")] = ""
    images: Annotated[list[_Picture], Meta(max_length=2, description="For a scene of two: two pictures, each as `image`.")] = []
    model_name: Annotated[
        _ModelName, Meta(description="`kling-v1` for two and `kling-v1-6` for one, when left out.", examples=["kling-v1-6"])
    ] = ""
    model: _OtherModel = ""
    mode: Annotated[_Mode, Meta(description="For a scene of two: `std` is 720p, `pro` 1080p.", examples=["std"])] = ""
    duration: _Duration = "5"


class EffectsBody(_Tail, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/videos/effects`."""

    effect_scene: Annotated[
        Literal["hug", "kiss", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy"],
        Meta(description="The effect; `hug`, `kiss` and `heart_gesture` take two pictures, the others one.", examples=["squish"]),
    ]
    input: Annotated[EffectsInput, Meta(description="The pictures, and the length.")]
