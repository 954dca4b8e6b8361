"""The Kling family's routes for videos."""

from typing import Final

import msgspec

from modelgate.core.endpoints import Case
from modelgate.core.records import Json
from modelgate.formats.kling import video_request, video_schema
from modelgate.formats.kling.routes import CLIP_RULES, SOUND_RULES, fetch_route, mask_rules, picture_rules, submit_route, submitted
from modelgate.formats.media.family import MediaRoute

TEXT_PATH: Final = "/kling/v1/videos/text2video"
IMAGE_PATH: Final = "/kling/v1/videos/image2video"
SEVERAL_PATH: Final = "/kling/v1/videos/multi-image2video"
EXTEND_PATH: Final = "/kling/v1/videos/video-extend"
LIP_SYNC_PATH: Final = "/kling/v1/videos/lip-sync"
EFFECTS_PATH: Final = "/kling/v1/videos/effects"


def _case(name: str, title: str, prose: str, request: Json) -> Case:
    return Case(name=name, title=title, prose=prose, request=request, response=submitted(is_video=True))


_TEXT = submit_route(
    TEXT_PATH,
    "kling_text_video",
    words=("Make a video from words", "Starts a video of 5 or 10 seconds"),
    body=video_schema.TextVideoBody,
    decode=video_request.decode_text_video,
    inputs={},
    cases=(
        _case(
            "text-to-video",
            "From words",
            "What a model makes depends on it: lengths, modes, sound and camera are checked before anything is charged.",
            {"model_name": "kling-v1", "prompt": "A paper boat on a river at dawn", "mode": "std", "duration": "5", "aspect_ratio": "16:9"},
        ),
        _case(
            "camera",
            "With a camera that moves",
            "Exactly one value of `config` is not 0. The other types take no `config`.",
            {"prompt": "A castle on a hill", "camera_control": {"type": "simple", "config": {"zoom": 5}}},
        ),
    ),
)
_IMAGE = submit_route(
    IMAGE_PATH,
    "kling_image_video",
    words=("Make a video from a picture", "Starts a video that begins with a picture, ends with one, or both"),
    body=video_schema.ImageVideoBody,
    decode=video_request.decode_image_video,
    inputs={
        "first_frame": picture_rules("image"),
        "last_frame": picture_rules("image_tail"),
        "static_mask": mask_rules("static_mask"),
        "dynamic_mask": mask_rules("dynamic_masks"),
    },
    cases=(
        _case(
            "image-to-video",
            "From a picture",
            "The video has the picture's aspect ratio.",
            {"model_name": "kling-v1", "image": "https://example.com/boat.png", "prompt": "The boat sets off", "duration": "5"},
        ),
        _case(
            "first-and-last",
            "From one picture to another",
            "`image_tail` is the last frame; which modes and lengths have it depends on the model.",
            {
                "model_name": "kling-v1-6",
                "mode": "pro",
                "image": "https://example.com/morning.png",
                "image_tail": "https://example.com/evening.png",
            },
        ),
    ),
)
_SEVERAL = submit_route(
    SEVERAL_PATH,
    "kling_several_images_video",
    words=("Make a video from several pictures", "Starts a video in which what up to four pictures show comes together"),
    body=video_schema.SeveralImagesBody,
    decode=video_request.decode_several_images_video,
    inputs={"reference": picture_rules("image_list")},
    cases=(
        _case(
            "several-images",
            "Two pictures",
            "The model is `kling-v1-6`.",
            {
                "image_list": [{"image": "https://example.com/cat.png"}, {"image": "https://example.com/sofa.png"}],
                "prompt": "The cat sleeps on the sofa",
            },
        ),
    ),
)
_EXTEND = msgspec.structs.replace(
    submit_route(
        EXTEND_PATH,
        "kling_extend",
        words=("Extend a video", "Goes on with a video of yours by about five seconds, up to three minutes in all"),
        body=video_schema.ExtendBody,
        decode=video_request.decode_extend,
        builds_on=True,
        inputs={},
        cases=(
            _case(
                "extend",
                "Five seconds more",
                "`video_id` is the `id` in the `task_result` of an earlier video. The upstream that made it goes on with it.",
                {"video_id": "9f2c41d07b", "prompt": "The boat reaches the sea"},
            ),
        ),
    ),
    with_parent=video_request.extend_parent,
)
_LIP_SYNC = submit_route(
    LIP_SYNC_PATH,
    "kling_lip_sync",
    words=("Make a face speak", "Makes the face in a video say a text or a sound"),
    body=video_schema.LipSyncBody,
    decode=video_request.decode_lip_sync,
    builds_on=True,
    inputs={"video": CLIP_RULES, "audio": SOUND_RULES},
    cases=(
        _case(
            "speech",
            "A text and a voice",
            "The video is one of yours, of 2 to 10 seconds, or one at an address.",
            {"input": {"video_id": "9f2c41d07b", "mode": "text2video", "text": "Good morning!", "voice_id": "girlfriend_1_speech02"}},
        ),
    ),
)
_EFFECTS = submit_route(
    EFFECTS_PATH,
    "kling_effects",
    words=("Apply an effect", "Starts a video of a ready-made effect with one person or two"),
    body=video_schema.EffectsBody,
    decode=video_request.decode_effects,
    inputs={"image": picture_rules("input.image")},
    cases=(
        _case(
            "pair",
            "Two people",
            "`hug`, `kiss` and `heart_gesture` take two pictures, the others one.",
            {
                "effect_scene": "hug",
                "input": {
                    "model_name": "kling-v1-6",
                    "mode": "std",
                    "images": ["https://example.com/anna.png", "https://example.com/ben.png"],
                    "duration": "5",
                },
            },
        ),
    ),
)

VIDEO_ROUTES: Final[tuple[MediaRoute, ...]] = (
    _TEXT,
    fetch_route(TEXT_PATH, "kling_text_video", summary="Follow a video from words", what="the video"),
    _IMAGE,
    fetch_route(IMAGE_PATH, "kling_image_video", summary="Follow a video from a picture", what="the video"),
    _SEVERAL,
    fetch_route(SEVERAL_PATH, "kling_several_images_video", summary="Follow a video from several pictures", what="the video"),
    _EXTEND,
    fetch_route(EXTEND_PATH, "kling_extend", summary="Follow an extension", what="the video"),
    _LIP_SYNC,
    fetch_route(LIP_SYNC_PATH, "kling_lip_sync", summary="Follow a lip sync", what="the video"),
    _EFFECTS,
    fetch_route(EFFECTS_PATH, "kling_effects", summary="Follow an effect", what="the video"),
)
