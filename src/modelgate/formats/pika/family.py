"""Pika's routes, as the gateway serves and the portal documents them."""

from typing import Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, InputRules, MediaFamily, MediaRoute
from modelgate.formats.pika import schema
from modelgate.formats.pika.request import decode_generate
from modelgate.formats.pika.response import SUBMIT_MESSAGE, encode_error, encode_fetched, encode_submitted

SUBMIT_PATH: Final = "/pika/generate"
FETCH_PATH: Final = "/pika/feed/{task_id}"

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_REQUEST_ID = "req_5f0c1b9e7a2d4c6f8e013579"
_SUBMITTED = {"id": _TASK_ID, "message": SUBMIT_MESSAGE}
_MISSING = f"promptText is required: say what the video shows. (request id: {_REQUEST_ID})"


def _feed(status: str, *, progress: int, url: str = "", error: str = "") -> dict[str, object]:
    addresses = {"resultUrl": url, "sharingUrl": url, "videoPoster": "", "imageThumb": ""}
    video = {"id": _TASK_ID, "status": status, "progress": progress, "seed": 0, "duration": 5, **addresses, "error": error}
    return {"id": _TASK_ID, "promptText": "A cat on a skateboard", "message": "", "videos": [video]}


SUBMIT: Final = Endpoint(
    method="POST",
    path=SUBMIT_PATH,
    name="submit_pika_video",
    family="pika",
    home="desk",
    summary="Make a video",
    description=(
        "Starts a video from words, from a picture and words, or by an effect on a picture, and answers with the id of a task. Follow it "
        "with the feed below until its video is `finished` or in `error`. A failed task costs nothing."
    ),
    request=schema.GenerateBody,
    response=schema.Submitted,
    error=schema.ErrorEnvelope,
    errors=JSON_SUBMIT_ERRORS,
    statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403},
    price_unit="second",
    cases=(
        Case(
            name="text-to-video",
            title="From words",
            prose="The least that is needed is a `promptText`. `model` is a version: `2.2` is the model `pika-2.2`; without one it is 1.5.",
            request={"promptText": "A cat on a skateboard", "model": "2.2", "options": {"aspectRatio": 0.5625}},
            response=_SUBMITTED,
        ),
        Case(
            name="image-to-video",
            title="From a picture",
            prose="The video begins with `image` and has its shape.",
            request={"promptText": "The cat jumps", "model": "2.2", "image": "https://example.com/cat.png"},
            response=_SUBMITTED,
        ),
        Case(
            name="effect",
            title="An effect",
            prose="`pikaffect` needs a picture and model 1.5; the words may be left out.",
            request={"pikaffect": "Melt", "image": "https://example.com/cat.png", "model": "1.5"},
            response=_SUBMITTED,
        ),
        Case(
            name="prompt-missing",
            title="What a mistake looks like",
            prose="The error names the field and the rule.",
            request={"model": "2.2"},
            response={
                "message": _MISSING,
                "error": {
                    "message": _MISSING,
                    "type": "invalid_request_error",
                    "code": "missing_required_parameter",
                    "param": "promptText",
                },
            },
            status=400,
        ),
    ),
)

FETCH: Final = Endpoint(
    method="GET",
    path=FETCH_PATH,
    name="fetch_pika_video",
    family="pika",
    home="desk",
    summary="Follow a video",
    description="Shows a task of your account. Fetching is free and asks no vendor; every fetch signs a fresh address for the video.",
    response=schema.Feed,
    error=schema.ErrorEnvelope,
    errors=FETCH_ERRORS,
    cases=(
        Case(
            name="finished",
            title="A finished video",
            prose="Take it from `videos[0].resultUrl`.",
            response=_feed("finished", progress=100, url=f"https://gateway.example/files/{_TASK_ID}-0.mp4?expires=1769068800&signature=…"),
            path_values={"task_id": _TASK_ID},
        ),
        Case(
            name="error",
            title="A video that could not be made",
            prose="`error` says why. The money held for it has been given back.",
            response=_feed("error", progress=50, error="The vendor could not make this video."),
            path_values={"task_id": _TASK_ID},
        ),
    ),
)

FAMILY = MediaFamily(
    name="pika",
    prefix="/pika/",
    routes=(
        MediaRoute(
            endpoint=SUBMIT,
            action="submit",
            decode=decode_generate,
            inputs={
                "image": InputRules(
                    field="image",
                    content_types=schema.IMAGE_TYPES,
                    max_bytes=schema.MAX_IMAGE_BYTES,
                    max_ratio=schema.MAX_IMAGE_RATIO,
                ),
                "video": InputRules(field="video", content_types=("video/mp4",), max_bytes=schema.MAX_IMAGE_BYTES),
            },
        ),
        MediaRoute(endpoint=FETCH, action="fetch"),
    ),
    encode_submitted=encode_submitted,
    encode_fetched=encode_fetched,
    encode_error=encode_error,
    field_names={
        "prompt": "promptText",
        "negative_prompt": "options.parameters.negativePrompt",
        "seed": "options.parameters.seed",
        "aspect_ratio": "options.aspectRatio",
        "seconds": "options.duration",
        "resolution": "options.resolution",
        "pika_effect": "pikaffect",
    },
    kinds=frozenset(("video",)),
)
