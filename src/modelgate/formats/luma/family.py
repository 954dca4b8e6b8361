"""The Luma family's routes, as the gateway serves and the portal documents them: the family's own, and Dream Machine's."""

from typing import Any, Final

from modelgate.core.endpoints import Case
from modelgate.formats.luma import dream_routes, request, response, schema
from modelgate.formats.luma.routes import AT, CREATED_AT, MISTAKE, TASK_ID, URL, pictures, read_route, submit_route
from modelgate.formats.media.family import MediaFamily, MediaRoute

PREFIX: Final = "/luma/"


def _task(state: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "id": TASK_ID,
        "prompt": "A lighthouse at dusk",
        "state": state,
        "queue_state": None,
        "created_at": CREATED_AT,
        "batch_id": "",
        "video": None,
        "video_raw": None,
        "assets": {},
        "artifact": None,
        "thumbnail": None,
        "last_frame": None,
        "request": {"prompt": "A lighthouse at dusk", "aspect_ratio": "16:9", "model": "ray-2"},
        "liked": None,
        "estimate_wait_seconds": None,
        "failure_reason": None,
        "message": message,
        **more,
    }


_RAW = {"url": URL, "width": None, "height": None, "duration": 5, "media_type": "video/mp4"}
_DONE = _task(
    "completed",
    response.FETCH_MESSAGE,
    video={"url": URL, "download_url": URL, "width": None, "height": None, "thumbnail": None},
    video_raw=_RAW,
    assets={"video": URL},
    artifact={"created_at": CREATED_AT, "thumbnail": None, "video_raw": _RAW, "last_frame": None},
)


GENERATE = submit_route(
    PREFIX + "generations",
    "submit_luma_generation",
    "Make a video",
    body=schema.GenerationBody,
    answer=schema.FamilyTask,
    cases=(
        Case(
            name="words",
            title="From words",
            prose="The model is `ray-v2` unless `model_name` says otherwise. Pictures to begin and end with: `image_url`, `image_end_url`.",
            request={"user_prompt": "A lighthouse at dusk", "aspect_ratio": "16:9", "image_url": "", "duration": "5s"},
            response=_task("pending", response.SUBMIT_MESSAGE),
        ),
        Case(
            name="ratio",
            title="What a mistake looks like",
            prose="The error names the field, what it holds and the rule.",
            request={"user_prompt": "A lighthouse at dusk", "aspect_ratio": "5:4"},
            response={"error": MISTAKE, "detail": MISTAKE["message"]},
            status=400,
        ),
    ),
)
EXTEND = submit_route(
    PREFIX + "generations/{task_id}/extend",
    "extend_luma_generation",
    "Go on from a video",
    body=schema.ExtensionBody,
    answer=schema.FamilyTask,
    cases=(
        Case(
            name="extend",
            title="Go on",
            prose="The earlier task must be `completed`. The model is the earlier one's unless `model_name` says otherwise.",
            request={"user_prompt": "The light goes on"},
            response={**_task("pending", response.SUBMIT_MESSAGE), "prompt": "The light goes on"},
            path_values=AT,
        ),
    ),
)
FETCH = read_route(
    PREFIX + "generations/{task_id}",
    "fetch_luma_generation",
    "Follow a task",
    answer=schema.FamilyTask,
    case=Case(name="completed", title="A finished task", prose="The video is `video.url`.", response=_DONE, path_values=AT),
)
ADDRESS = read_route(
    PREFIX + "generations/{task_id}/download_video_url",
    "luma_video_address",
    "Where a video is",
    answer=schema.VideoAddress,
    case=Case(name="address", title="The address", prose="Empty until it is made.", response={"url": URL}, path_values=AT),
)
BATCH = read_route(
    PREFIX + "tasks",
    "fetch_luma_tasks",
    "Follow several tasks",
    method="POST",
    answer=list[schema.FamilyTask],
    case=Case(name="several", title="Several", prose="Ids that are not yours are left out.", request={"ids": [TASK_ID]}, response=[_DONE]),
)

_NAMES = {"prompt": "user_prompt", "model": "model_name", "callback_url": "notify_hook"}
"""What Dream Machine calls otherwise."""

FAMILY = MediaFamily(
    name="luma",
    prefix=PREFIX,
    aliases={"/pro/luma/": PREFIX},
    routes=(
        MediaRoute(
            endpoint=GENERATE,
            action="submit",
            decode=request.decode_generation,
            field_names=_NAMES,
            inputs=pictures(first_frame="image_url", last_frame="image_end_url"),
        ),
        MediaRoute(
            endpoint=EXTEND,
            action="submit",
            decode=request.decode_extension,
            field_names=_NAMES,
            inputs=pictures(last_frame="image_end_url"),
            with_parent=request.with_parent,
        ),
        MediaRoute(endpoint=FETCH, action="fetch"),
        MediaRoute(endpoint=ADDRESS, action="fetch", encode=response.encode_address),
        MediaRoute(endpoint=BATCH, action="fetch_many", decode=request.decode_batch, encode=response.encode_batch),
        *dream_routes.ROUTES,
    ),
    encode_submitted=response.encode_submitted,
    encode_fetched=response.encode_fetched,
    encode_error=response.encode_error,
    field_names={
        "parent": "id",
        "seconds": "duration",
        "first_frame": "image_url",
        "last_frame": "image_end_url",
        "output_format": "format",
        "reference": "image_ref",
        "style": "style_ref",
        "character": "character_ref",
        "image": "modify_image_ref",
        "luma_loop": "loop",
        "luma_concepts": "concepts",
        "luma_backwards": "keyframes",
    },
    kinds=frozenset(("video", "image")),
    tells_progress=True,  # the vendor calls when it begins to work, which is one of its states and none of ours
)
