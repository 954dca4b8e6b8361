"""The Kling family's routes, as the gateway serves and the portal documents them."""

from typing import Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.kling import schema
from modelgate.formats.kling.request import decode_image
from modelgate.formats.kling.response import FETCH_MESSAGE, SUBMIT_MESSAGE, encode_error, encode_fetched, encode_submitted
from modelgate.formats.media.family import InputRules, MediaFamily, MediaRoute

IMAGES_PATH: Final = "/kling/v1/images/generations"

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_REQUEST_ID = "req_5f0c1b9e7a2d4c6f8e013579"
_SUBMITTED = {
    "code": 0,
    "message": SUBMIT_MESSAGE,
    "request_id": _REQUEST_ID,
    "data": {"task_id": _TASK_ID, "task_status": "submitted", "created_at": 1763884800000, "updated_at": 1763884800000},
}


def _fetched(status: str, *, message: str = "", images: int = 0) -> dict[str, object]:
    data: dict[str, object] = {
        "task_id": _TASK_ID,
        "task_status": status,
        "task_status_msg": message,
        "task_info": {"external_task_id": ""},
        "created_at": 1763884800000,
        "updated_at": 1763884832000,
    }
    if images:
        url = f"https://gateway.example/files/{_TASK_ID}-{{}}.png?expires=1769068800&signature=…"
        data["task_result"] = {"images": [{"index": index, "url": url.format(index)} for index in range(images)]}
    return {"code": 0, "message": FETCH_MESSAGE, "request_id": _REQUEST_ID, "data": data}


SUBMIT_IMAGE = Endpoint(
    method="POST",
    path=IMAGES_PATH,
    name="submit_kling_image",
    family="kling",
    home="desk",
    summary="Make a picture",
    description=(
        "Starts a picture from words, or from words and a reference picture, and answers with a task. Follow the task with the fetch "
        "below until it is `succeed` or `failed`. A failed task costs nothing."
    ),
    request=schema.ImageBody,
    response=schema.SubmitEnvelope,
    error=schema.ErrorEnvelope,
    errors=(
        errors.InvalidRequest,
        errors.BodyTooLarge,
        errors.UnsupportedMediaType,
        errors.MissingKey,
        errors.InvalidKey,
        errors.ExpiredKey,
        errors.DisabledKey,
        errors.ForeignAddress,
        errors.ModelNotAllowed,
        errors.UnknownModel,
        errors.UnpricedModel,
        errors.BalanceExhausted,
        errors.LimitExhausted,
        errors.RateExceeded,
        errors.UpstreamRefused,
        errors.UpstreamError,
        errors.Overloaded,
        errors.NoUpstream,
    ),
    statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403},
    price_unit="image",
    cases=(
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
                "message": f"prompt is required: say what the picture shows. (request id: {_REQUEST_ID})",
                "request_id": _REQUEST_ID,
                "error": {
                    "message": f"prompt is required: say what the picture shows. (request id: {_REQUEST_ID})",
                    "type": "invalid_request_error",
                    "code": "missing_required_parameter",
                    "param": "prompt",
                },
            },
            status=400,
        ),
    ),
)

FETCH_IMAGE = Endpoint(
    method="GET",
    path=IMAGES_PATH + "/{task_id}",
    name="fetch_kling_image",
    family="kling",
    home="desk",
    summary="Follow a picture",
    description="Shows a task of your account. Fetching is free and asks no vendor; every fetch signs fresh addresses for the pictures.",
    response=schema.FetchEnvelope,
    error=schema.ErrorEnvelope,
    errors=(
        errors.MissingKey,
        errors.InvalidKey,
        errors.ExpiredKey,
        errors.DisabledKey,
        errors.ForeignAddress,
        errors.TaskNotFound,
        errors.RateExceeded,
        errors.Overloaded,
    ),
    cases=(
        Case(
            name="succeed",
            title="A finished task",
            prose="Take the pictures from `data.task_result.images`.",
            response=_fetched("succeed", images=1),
            path_values={"task_id": _TASK_ID},
        ),
        Case(
            name="failed",
            title="A failed task",
            prose="`task_status_msg` says why. The money held for it has been given back.",
            response=_fetched("failed", message="The vendor could not make this picture."),
            path_values={"task_id": _TASK_ID},
        ),
    ),
)

FAMILY = MediaFamily(
    name="kling",
    prefix="/kling/",
    routes=(
        MediaRoute(
            endpoint=SUBMIT_IMAGE,
            action="submit",
            decode=decode_image,
            inputs={
                "image": InputRules(
                    field="image",
                    content_types=("image/jpeg", "image/png"),
                    max_bytes=schema.MAX_IMAGE_BYTES,
                    min_side_pixels=schema.MIN_IMAGE_SIDE_PIXELS,
                    max_ratio=schema.MAX_IMAGE_RATIO,
                )
            },
        ),
        MediaRoute(endpoint=FETCH_IMAGE, action="fetch"),
    ),
    kinds=frozenset(("image", "video")),
    encode_submitted=encode_submitted,
    encode_fetched=encode_fetched,
    encode_error=encode_error,
    field_names={
        "kling_resolution": "resolution",
        "kling_image_reference": "image_reference",
        "kling_image_fidelity": "image_fidelity",
        "kling_human_fidelity": "human_fidelity",
    },
)
