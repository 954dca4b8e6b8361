"""The Kling family's routes, as the gateway serves and the portal documents them; those of videos are in `video_routes`."""

from typing import Final

from modelgate.core.endpoints import Case
from modelgate.formats.kling import schema, video_schema
from modelgate.formats.kling.request import decode_image, decode_try_on
from modelgate.formats.kling.response import encode_error, encode_fetched, encode_submitted
from modelgate.formats.kling.routes import REQUEST_ID, fetch_route, picture_rules, submit_route, submitted
from modelgate.formats.kling.video_routes import VIDEO_ROUTES
from modelgate.formats.media.family import MediaFamily

IMAGES_PATH: Final = "/kling/v1/images/generations"
TRY_ON_PATH: Final = "/kling/v1/images/kolors-virtual-try-on"

_SUBMITTED = submitted(is_video=False)
_IMAGE_CASES = (
    Case(
        name="text-to-image",
        title="From words",
        prose="The least that is needed is a `prompt`. The model is `kling-v1` unless `model_name` says otherwise.",
        request={"prompt": "A lighthouse at dusk, oil painting", "aspect_ratio": "3:2"},
        response=_SUBMITTED,
    ),
    Case(
        name="several",
        title="Several pictures, and what they must not show",
        prose="`n` asks for up to nine pictures in one task; each is charged. `negative_prompt` says what to keep out.",
        request={
            "model_name": "kling-v1",
            "prompt": "A red fox in snow",
            "negative_prompt": "people, text",
            "n": 2,
            "aspect_ratio": "1:1",
        },
        response=_SUBMITTED,
    ),
    Case(
        name="prompt-missing",
        title="What a mistake looks like",
        prose="The error names the field and the rule, in Kling's numbers and, under `error`, where OpenAI's clients look.",
        request={"aspect_ratio": "1:1"},
        response={
            "code": 1200,
            "message": f"prompt is required: say what the picture shows. (request id: {REQUEST_ID})",
            "request_id": REQUEST_ID,
            "error": {
                "message": f"prompt is required: say what the picture shows. (request id: {REQUEST_ID})",
                "type": "invalid_request_error",
                "code": "missing_required_parameter",
                "param": "prompt",
            },
        },
        status=400,
    ),
)
_TRY_ON_CASES = (
    Case(
        name="try-on",
        title="A garment on a person",
        prose="Both pictures by address, as base64 or as data URIs. The result is one picture.",
        request={"human_image": "https://example.com/person.jpg", "cloth_image": "https://example.com/jacket.jpg"},
        response=_SUBMITTED,
    ),
)

FAMILY = MediaFamily(
    name="kling",
    prefix="/kling/",
    routes=(
        submit_route(
            IMAGES_PATH,
            "kling_image",
            words=("Make a picture", "Starts a picture from words, or from words and a reference picture"),
            body=schema.ImageBody,
            decode=decode_image,
            inputs={"image": picture_rules("image")},
            cases=_IMAGE_CASES,
        ),
        fetch_route(IMAGES_PATH, "kling_image", summary="Follow a picture", what="the pictures"),
        submit_route(
            TRY_ON_PATH,
            "kling_try_on",
            words=("Try clothes on", "Starts a picture of a person in a garment"),
            body=video_schema.TryOnBody,
            decode=decode_try_on,
            inputs={"human": picture_rules("human_image"), "cloth": picture_rules("cloth_image")},
            cases=_TRY_ON_CASES,
        ),
        fetch_route(TRY_ON_PATH, "kling_try_on", summary="Follow a try-on", what="the picture"),
        *VIDEO_ROUTES,
    ),
    encode_submitted=encode_submitted,
    encode_fetched=encode_fetched,
    encode_error=encode_error,
    kinds=frozenset(("image", "video")),
    field_names={
        "seconds": "duration",
        "quality": "mode",
        "model": "model_name",
        "parent": "video_id",
        "human": "human_image",
        "cloth": "cloth_image",
        "first_frame": "image",
        "last_frame": "image_tail",
        "reference": "image_list",
        "dynamic_mask": "dynamic_masks",
        "kling_trajectories": "dynamic_masks",
        "kling_watermark": "watermark_info",
        **{
            f"kling_{name}": name
            for name in (
                "resolution",
                "image_reference",
                "image_fidelity",
                "human_fidelity",
                "cfg_scale",
                "camera_control",
                "multi_shot",
                "shot_type",
                "multi_prompt",
                "voice_list",
                "voice_id",
                "voice_language",
                "voice_speed",
                "effect_scene",
            )
        },
    },
)
