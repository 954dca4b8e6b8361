"""The Runway family's routes, as the gateway serves and the portal documents them."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, READ_ERRORS, InputRules, MediaFamily, MediaRoute
from modelgate.formats.runway import schema
from modelgate.formats.runway.request import (
    decode_character_performance,
    decode_image_to_video,
    decode_text_to_image,
    decode_text_to_video,
    decode_video_to_video,
)
from modelgate.formats.runway.response import encode_error, encode_fetched, encode_submitted

PREFIX: Final = "/runwayml/"

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_REQUEST_ID = "req_5f0c1b9e7a2d4c6f8e013579"
_SUBMITTED = {"id": _TASK_ID, "status": "PENDING"}


def _submit(path: str, *, name: str, summary: str, body: Any, unit: str, cases: tuple[Case, ...]) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        name=name,
        family="runway",
        home="desk",
        summary=summary,
        description=(
            "Starts a task in Runway's own words and answers with its id. Follow it with the fetch below until it is `SUCCEEDED` or "
            "`FAILED`. A failed task costs nothing."
        ),
        request=body,
        response=schema.Created,
        error=schema.ErrorBody,
        errors=JSON_SUBMIT_ERRORS,
        statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403},
        price_unit=unit,
        cases=cases,
    )


IMAGE_TO_VIDEO = _submit(
    PREFIX + "v1/image_to_video",
    name="submit_runway_image_to_video",
    summary="Make a video from a picture",
    body=schema.ImageToVideoBody,
    unit="second",
    cases=(
        Case(
            name="first-frame",
            title="From a first picture",
            prose="`promptImage` is an address, base64, or a data URI. Runway's own ratios are taken, and `16:9`, `9:16`, … too.",
            request={
                "model": "gen4_turbo",
                "promptImage": "https://pictures.example/fox.png",
                "promptText": "The fox turns its head",
                "ratio": "1280:720",
                "duration": 5,
            },
            response=_SUBMITTED,
        ),
        Case(
            name="ratio",
            title="What a mistake looks like",
            prose="The error names the field, what it holds and the rule.",
            request={"model": "gen4_turbo", "promptImage": "https://pictures.example/fox.png", "ratio": "5:4"},
            response={
                "error": {
                    "message": f'ratio is "5:4", but it must be one of {", ".join(schema.RATIOS)}. (request id: {_REQUEST_ID})',
                    "type": "invalid_request_error",
                    "code": "invalid_value",
                    "param": "ratio",
                }
            },
            status=400,
        ),
    ),
)
TEXT_TO_VIDEO = _submit(
    PREFIX + "v1/text_to_video",
    name="submit_runway_text_to_video",
    summary="Make a video from words",
    body=schema.TextToVideoBody,
    unit="second",
    cases=(
        Case(
            name="words",
            title="From words",
            prose="A model that needs a picture says so.",
            request={"model": "gen4.5", "promptText": "A lighthouse at dusk", "ratio": "1280:720", "duration": 5},
            response=_SUBMITTED,
        ),
    ),
)
TEXT_TO_IMAGE = _submit(
    PREFIX + "v1/text_to_image",
    name="submit_runway_text_to_image",
    summary="Make a picture",
    body=schema.TextToImageBody,
    unit="image",
    cases=(
        Case(
            name="words",
            title="From words and references",
            prose="A reference with a `tag` is spoken of as `@tag` in the prompt.",
            request={
                "model": "gen4_image",
                "promptText": "@fox in the snow",
                "ratio": "1024:1024",
                "referenceImages": [{"uri": "https://pictures.example/fox.png", "tag": "fox"}],
            },
            response=_SUBMITTED,
        ),
    ),
)
VIDEO_TO_VIDEO = _submit(
    PREFIX + "v1/video_to_video",
    name="submit_runway_video_to_video",
    summary="Change a video",
    body=schema.VideoToVideoBody,
    unit="second",
    cases=(
        Case(
            name="clip",
            title="A clip and what to change",
            prose="Charged by the length of the clip; one given by address as if it had the longest length, 30 seconds.",
            request={"model": "aleph2", "videoUri": "https://pictures.example/fox.mp4", "promptText": "At night"},
            response=_SUBMITTED,
        ),
    ),
)
CHARACTER_PERFORMANCE = _submit(
    PREFIX + "v1/character_performance",
    name="submit_runway_character_performance",
    summary="Let a character act",
    body=schema.CharacterPerformanceBody,
    unit="second",
    cases=(
        Case(
            name="picture",
            title="A picture that acts",
            prose="Charged by the length of the reference; one given by address as if it had the longest length, 30 seconds.",
            request={
                "model": "act_two",
                "character": {"type": "image", "uri": "https://pictures.example/fox.png"},
                "reference": {"type": "video", "uri": "https://pictures.example/actor.mp4"},
            },
            response=_SUBMITTED,
        ),
    ),
)
FETCH = Endpoint(
    method="GET",
    path=PREFIX + "v1/tasks/{task_id}",
    name="fetch_runway_task",
    family="runway",
    home="desk",
    summary="Follow a task",
    description="Shows a task of your account. Fetching is free and asks no vendor; every fetch signs fresh addresses for the results.",
    response=schema.TaskDetail,
    error=schema.ErrorBody,
    errors=FETCH_ERRORS,
    cases=(
        Case(
            name="succeeded",
            title="A finished task",
            prose="Take the results from `output`.",
            response={
                "id": _TASK_ID,
                "status": "SUCCEEDED",
                "createdAt": "2025-11-23T08:00:00.000Z",
                "output": [f"https://gateway.example/files/{_TASK_ID}-0.mp4?expires=1769068800&signature=…"],
                "cost": {"credits": 25.0},
            },
            path_values={"task_id": _TASK_ID},
        ),
    ),
)
CANCEL = Endpoint(
    method="DELETE",
    path=PREFIX + "v1/tasks/{task_id}",
    name="cancel_runway_task",
    family="runway",
    home="desk",
    summary="Cancel a task",
    description="Ends a task that is waiting or running; its money is given back, and a fetch shows it as `FAILED`. An ended task stays.",
    error=schema.ErrorBody,
    errors=(*READ_ERRORS, errors.TaskNotFound, errors.TaskNotCancelable),
    cases=(Case(name="cancel", title="Cancel", prose="The answer is empty.", status=204, path_values={"task_id": _TASK_ID}),),
)


def _picture(field: str) -> InputRules:
    return InputRules(field=field, content_types=schema.IMAGE_TYPES, max_bytes=schema.MAX_IMAGE_BYTES)


def _clip(field: str) -> InputRules:
    return InputRules(field=field, content_types=schema.VIDEO_TYPES, max_bytes=schema.MAX_VIDEO_BYTES)


FAMILY = MediaFamily(
    name="runway",
    prefix=PREFIX,
    routes=(
        MediaRoute(
            endpoint=IMAGE_TO_VIDEO,
            action="submit",
            decode=decode_image_to_video,
            inputs={"first_frame": _picture("promptImage"), "last_frame": _picture("promptImage")},
        ),
        MediaRoute(endpoint=TEXT_TO_VIDEO, action="submit", decode=decode_text_to_video),
        MediaRoute(endpoint=TEXT_TO_IMAGE, action="submit", decode=decode_text_to_image, inputs={"reference": _picture("referenceImages")}),
        MediaRoute(endpoint=VIDEO_TO_VIDEO, action="submit", decode=decode_video_to_video, inputs={"video": _clip("videoUri")}),
        MediaRoute(
            endpoint=CHARACTER_PERFORMANCE,
            action="submit",
            decode=decode_character_performance,
            inputs={
                "character": _picture("character"),
                "character_video": _clip("character"),
                "video": _clip("reference"),
            },
            field_names={"video": "reference"},
        ),
        MediaRoute(endpoint=FETCH, action="fetch"),
        MediaRoute(endpoint=CANCEL, action="cancel", status=204),
    ),
    encode_submitted=encode_submitted,
    encode_fetched=encode_fetched,
    encode_error=encode_error,
    field_names={
        "prompt": "promptText",
        "negative_prompt": "negativePrompt",
        "aspect_ratio": "ratio",
        "resolution": "ratio",
        "size": "ratio",
        "seconds": "duration",
        "sound": "audio",
        "first_frame": "promptImage",
        "last_frame": "promptImage",
        "reference": "referenceImages",
        "runway_tags": "referenceImages",
        "runway_public_figure_threshold": "contentModeration",
        "runway_body_control": "bodyControl",
        "runway_expression_intensity": "expressionIntensity",
        "video": "videoUri",
        "character_video": "character",
    },
    kinds=frozenset(("video", "image")),
)
