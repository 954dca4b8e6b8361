"""The Midjourney family's routes, as the gateway serves and the portal documents them."""

from typing import Any

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.records import Json
from modelgate.formats.media.family import FETCH_ERRORS, MediaFamily, MediaRoute
from modelgate.formats.midjourney import request as decode
from modelgate.formats.midjourney import response as encode
from modelgate.formats.midjourney import schema
from modelgate.formats.midjourney.submits import CUSTOM_ID, FILE_URL, PREFIX, SUBMITS, TASK_ID

_FINISHED: Json = {
    "id": TASK_ID,
    "action": "IMAGINE",
    "customId": "",
    "botType": "MID_JOURNEY",
    "prompt": "a red fox in snow --ar 16:9",
    "promptEn": "a red fox in snow --ar 16:9",
    "description": "/imagine a red fox in snow --ar 16:9",
    "state": "",
    "submitTime": 1763884800000,
    "startTime": 1763884800200,
    "finishTime": 1763884842000,
    "imageUrl": FILE_URL,
    "videoUrl": "",
    "videoUrls": None,
    "status": "SUCCESS",
    "progress": "100%",
    "failReason": "",
    "buttons": [{"customId": CUSTOM_ID, "emoji": "", "label": "U1", "type": 2, "style": 2}],
    "maskBase64": "",
    "properties": {"finalPrompt": "", "finalZhPrompt": ""},
}


def _read(method: str, path: str, name: str, *, summary: str, description: str, response: Any, case: Case, request: Any = None) -> Endpoint:
    """Return the endpoint of something that is free."""
    return Endpoint(
        method=method,
        path=PREFIX + path,
        name=name,
        family="midjourney",
        home="desk",
        summary=summary,
        description=description,
        request=request,
        response=response,
        error=schema.ErrorEnvelope,
        errors=FETCH_ERRORS,
        statuses={errors.TaskNotFound: 400},
        cases=(case,),
    )


_BY_ID = {"task_id": TASK_ID}
_PICTURE_PATH = PREFIX + "image/{task_id}"
_READS = (
    MediaRoute(
        endpoint=_read(
            "GET",
            "task/{task_id}/fetch",
            "fetch_midjourney_task",
            summary="Follow a task",
            description="Shows a task of your account. Free; asks no vendor.",
            response=schema.TaskObject,
            case=Case(name="done", title="A finished task", prose="Take `imageUrl`.", response=_FINISHED, path_values=_BY_ID),
        ),
        action="fetch",
    ),
    MediaRoute(
        endpoint=_read(
            "POST",
            "task/list-by-condition",
            "list_midjourney_tasks",
            summary="Follow many tasks",
            description=f"Shows those of up to {schema.MAX_LISTED} tasks that are your account's. Free.",
            request=schema.ListBody,
            response=list[schema.TaskObject],
            case=Case(name="two", title="Two, one of them yours", prose="", request={"ids": [TASK_ID, "x"]}, response=[_FINISHED]),
        ),
        action="fetch_many",
        decode=decode.decode_ids,
        encode=encode.encode_many,
    ),
    MediaRoute(
        endpoint=_read(
            "GET",
            "task/{task_id}/image-seed",
            "fetch_midjourney_seed",
            summary="The seed of a picture",
            description="Only of a finished task, where its upstream tells it. Free.",
            response=schema.Submitted,
            case=Case(
                name="seed",
                title="A seed",
                prose="",
                response={"code": 1, "description": "success", "result": "1234567", "properties": {}},
                path_values=_BY_ID,
            ),
        ),
        action="fetch",
        encode=encode.encode_seed,
        lacks=encode.lacks_seed,
    ),
    MediaRoute(
        endpoint=_read(
            "POST",
            "task/{task_id}/cancel",
            "cancel_midjourney_task",
            summary="Cancel a task",
            description="Ends a task that no upstream has begun, or whose upstream can stop it. It is not charged.",
            response=schema.Submitted,
            case=Case(
                name="cancel",
                title="Canceled",
                prose="",
                response={"code": 1, "description": "canceled", "result": TASK_ID, "properties": {}},
                path_values=_BY_ID,
            ),
        ),
        action="cancel",
        encode=encode.encode_cancelled,
    ),
    MediaRoute(
        endpoint=Endpoint(
            method="GET",
            path=_PICTURE_PATH,
            name="fetch_midjourney_image",
            family="midjourney",
            home="desk",
            summary="The picture of a task",
            description=(
                "The bytes of a finished task's first file, for whoever knows its id; of one that still runs the preview that its upstream "
                "shows, where it shows one."
            ),
            content_type="image/png",
            error=schema.PictureError,
            errors=(errors.TaskNotFound, errors.Overloaded),
            statuses={errors.TaskNotFound: 400},
            needs_key=False,
            cases=(Case(name="picture", title="Show a picture", prose="The body is the file.", path_values={"task_id": TASK_ID}),),
        ),
        action="file",
        encode_error=encode.encode_picture_error,
    ),
)

FAMILY = MediaFamily(
    name="midjourney",
    prefix=PREFIX,
    aliases={f"/mj-{speed}/mj/": PREFIX for speed in ("fast", "relax", "turbo")},
    routes=(*SUBMITS, *_READS),
    encode_submitted=encode.encode_submitted,
    encode_fetched=encode.encode_fetched,
    encode_error=encode.encode_error,
    kinds=frozenset(("image", "video")),
    preview_path=_PICTURE_PATH,
    tells_progress=True,
    field_names={
        "callback_url": "notifyHook",
        "parent": "taskId",
        "quality": "mode",
        "mask": "maskBase64",
        "reference": "sourceBase64",
        "last_frame": "endImage",
        "resolution": "videoType",
        "midjourney_bot_type": "botType",
        "midjourney_state": "state",
        "midjourney_language": "language",
        "midjourney_action": "action",
        "midjourney_custom_id": "customId",
        "midjourney_remix": "enableRemix",
        "midjourney_motion": "motion",
        "midjourney_loop": "loop",
        "midjourney_batch_size": "batchSize",
    },
)
