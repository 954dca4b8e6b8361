"""What all routes of the Kling family have in common: a POST that starts, a GET that follows, and the rules for their files."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.kling import schema, video_schema
from modelgate.formats.kling.response import FETCH_MESSAGE, SUBMIT_MESSAGE, SUBMIT_VIDEO_MESSAGE
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, Ask, InputRules, MediaCall, MediaRoute

TASK_ID: Final = "task_4fK2mQpX7cVbN1sLr8YwZd"
REQUEST_ID: Final = "req_5f0c1b9e7a2d4c6f8e013579"
PICTURE_TYPES: Final = ("image/jpeg", "image/png")
CLIP_RULES: Final = InputRules(
    field="video_url",
    content_types=("video/mp4", "video/quicktime"),
    max_bytes=video_schema.MAX_VIDEO_BYTES,
    shortest_s=video_schema.MIN_LIP_SYNC_S,
    longest_s=video_schema.MAX_LIP_SYNC_S,
)
SOUND_RULES: Final = InputRules(
    field="audio_file", content_types=("audio/mpeg", "audio/wav", "audio/mp4", "audio/aac"), max_bytes=video_schema.MAX_AUDIO_BYTES
)


def picture_rules(field: str) -> InputRules:
    """Return the rules for a picture in a field."""
    return InputRules(
        field=field,
        content_types=PICTURE_TYPES,
        max_bytes=schema.MAX_IMAGE_BYTES,
        min_side_pixels=schema.MIN_IMAGE_SIDE_PIXELS,
        max_ratio=schema.MAX_IMAGE_RATIO,
    )


def mask_rules(field: str) -> InputRules:
    """Return the rules for a mask of the first frame in a field."""
    return msgspec.structs.replace(picture_rules(field), same_ratio_as="first_frame")


def submitted(*, is_video: bool) -> dict[str, object]:
    """Return the example of an answer to a submit."""
    return {
        "code": 0,
        "message": SUBMIT_VIDEO_MESSAGE if is_video else SUBMIT_MESSAGE,
        "request_id": REQUEST_ID,
        "data": {"task_id": TASK_ID, "task_status": "submitted", "created_at": 1763884800000, "updated_at": 1763884800000},
    }


def fetched(status: str, *, message: str = "", is_video: bool = False) -> dict[str, object]:
    """Return the example of an answer to a fetch."""
    data: dict[str, object] = {
        "task_id": TASK_ID,
        "task_status": status,
        "task_status_msg": message,
        "task_info": {"external_task_id": ""},
        "created_at": 1763884800000,
        "updated_at": 1763884832000,
    }
    url = f"https://gateway.example/files/{TASK_ID}-0.{'mp4' if is_video else 'png'}?expires=1769068800&signature=…"
    if status == "succeed" and is_video:
        data["task_result"] = {"videos": [{"id": "9f2c41d07b", "url": url, "duration": "5.1"}]}
    elif status == "succeed":
        data["task_result"] = {"images": [{"index": 0, "url": url}]}
    return {"code": 0, "message": FETCH_MESSAGE, "request_id": REQUEST_ID, "data": data}


def submit_route(
    path: str,
    name: str,
    *,
    words: tuple[str, str],
    body: Any,
    decode: Callable[[MediaCall], Ask],
    inputs: dict[str, InputRules],
    cases: tuple[Case, ...],
    builds_on: bool = False,
) -> MediaRoute:
    """Return the route that starts work; `words` are its summary and what it does. `builds_on`: on an earlier task, as a rule."""
    endpoint = Endpoint(
        method="POST",
        path=path,
        name=f"submit_{name}",
        family="kling",
        home="desk",
        summary=words[0],
        description=(
            f"{words[1]}, and answers with a task. Follow the task with the fetch below until it is `succeed` or `failed`. "
            "A failed task costs nothing."
        ),
        request=body,
        response=schema.SubmitEnvelope,
        error=schema.ErrorEnvelope,
        errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound) if builds_on else JSON_SUBMIT_ERRORS,
        statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403},
        price_unit="second" if "/videos/" in path else "image",
        cases=cases,
    )
    return MediaRoute(endpoint=endpoint, action="submit", decode=decode, inputs=inputs)


def fetch_route(path: str, name: str, *, summary: str, what: str) -> MediaRoute:
    """Return the route that follows work; `what` is made."""
    is_video = "/videos/" in path
    place = "videos" if is_video else "images"
    endpoint = Endpoint(
        method="GET",
        path=path + "/{task_id}",
        name=f"fetch_{name}",
        family="kling",
        home="desk",
        summary=summary,
        description=(
            f"Shows a task of your account. Fetching is free and asks no vendor; every fetch signs fresh addresses for the {place}."
        ),
        response=schema.FetchEnvelope,
        error=schema.ErrorEnvelope,
        errors=FETCH_ERRORS,
        cases=(
            Case(
                name="succeed",
                title="A finished task",
                prose=f"Take {what} from `data.task_result.{place}`.",
                response=fetched("succeed", is_video=is_video),
                path_values={"task_id": TASK_ID},
            ),
            Case(
                name="failed",
                title="A failed task",
                prose="`task_status_msg` says why. The money held for it has been given back.",
                response=fetched("failed", message=f"The vendor could not make {what}.", is_video=is_video),
                path_values={"task_id": TASK_ID},
            ),
        ),
    )
    return MediaRoute(endpoint=endpoint, action="fetch")
