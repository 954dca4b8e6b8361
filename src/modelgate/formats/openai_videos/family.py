"""The routes of OpenAI's videos, as the gateway serves and the portal documents them."""

from typing import Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import FETCH_ERRORS, READ_ERRORS, SUBMIT_ERRORS, InputRules, MediaFamily, MediaRoute
from modelgate.formats.openai_videos import schema
from modelgate.formats.openai_videos.request import check_variant, decode_remix, decode_video, page_of, remix_of
from modelgate.formats.openai_videos.response import (
    encode_error,
    encode_list,
    encode_older,
    encode_older_error,
    encode_submitted,
    encode_video,
)

PREFIX: Final = "/v1/video"
VIDEOS_PATH: Final = "/v1/videos"
OLDER_PATH: Final = "/v1/video/generations"

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_REMIX_ID = "task_9sB4tRwX2cVbN6sLr1YwKe"
_URL = f"https://gateway.example/files/{_TASK_ID}-0.mp4?expires=1771660800&signature=…"
_QUEUED: Final[dict[str, object]] = {
    "id": _TASK_ID,
    "task_id": _TASK_ID,
    "object": "video",
    "model": "kling-v1-6",
    "status": "queued",
    "progress": 10,
    "created_at": 1763884800,
    "completed_at": None,
    "expires_at": None,
    "prompt": "A paper boat on a stream",
    "seconds": "5",
    "size": "1280x720",
    "remixed_from_video_id": None,
    "error": None,
    "metadata": {},
}
_DONE = {**_QUEUED, "status": "completed", "progress": 100, "completed_at": 1763884926, "metadata": {"url": _URL}}
_PICTURE: Final = {
    role: InputRules(field="input_reference", content_types=("image/jpeg", "image/png", "image/webp"), max_bytes=schema.MAX_FILE_BYTES)
    for role in ("first_frame", "last_frame")
}
_SUBMIT_CASE = Case(
    name="words",
    title="From words",
    prose="The answer is the video object; follow it until its `status` is `completed` or `failed`.",
    request={"model": "kling-v1-6", "prompt": "A paper boat on a stream", "seconds": "5", "size": "1280x720"},
    response=_QUEUED,
)


def _endpoint(method: str, path: str, name: str, **about: object) -> Endpoint:
    return Endpoint(method=method, path=path, name=name, family="openai_videos", home="desk", error=schema.ErrorEnvelope, **about)  # type: ignore[arg-type]


SUBMIT = _endpoint(
    "POST",
    VIDEOS_PATH,
    "create_video",
    summary="Make a video",
    description="OpenAI's form of a video job, as JSON or as a form, for every model of videos. A video that fails costs nothing.",
    request=schema.VideoBody,
    response=schema.Video,
    errors=SUBMIT_ERRORS,
    price_unit="second",
    cases=(_SUBMIT_CASE,),
)
LIST = _endpoint(
    "GET",
    VIDEOS_PATH,
    "list_videos",
    summary="List your videos",
    description="The newest first.",
    query=schema.ListQuery,
    response=schema.VideoList,
    errors=(*READ_ERRORS, errors.InvalidRequest, errors.TaskNotFound),
    cases=(
        Case(
            name="first-page",
            title="The newest",
            prose="`has_more` says whether there are older ones.",
            response={"object": "list", "data": [_DONE], "first_id": _TASK_ID, "last_id": _TASK_ID, "has_more": False},
        ),
    ),
)
FETCH = _endpoint(
    "GET",
    VIDEOS_PATH + "/{task_id}",
    "fetch_video",
    summary="Follow a video",
    description="Free; asks no vendor. `metadata.url` is the video's address, signed anew with every fetch.",
    response=schema.Video,
    errors=FETCH_ERRORS,
    cases=(
        Case(
            name="completed", title="A finished video", prose="Take it from its address.", response=_DONE, path_values={"task_id": _TASK_ID}
        ),
    ),
)
CONTENT = _endpoint(
    "GET",
    VIDEOS_PATH + "/{task_id}/content",
    "download_video",
    summary="Download a video",
    description="The MP4 itself, with ranges. 400 while it is not finished.",
    query=schema.ContentQuery,
    errors=(*READ_ERRORS, errors.InvalidRequest, errors.TaskNotFound),
    content_type="video/mp4",
    cases=(Case(name="download", title="The file", prose="Write the answer to a file.", path_values={"task_id": _TASK_ID}),),
)
REMIX = _endpoint(
    "POST",
    VIDEOS_PATH + "/{task_id}/remix",
    "remix_video",
    summary="Make a video again with other words",
    description="A new job with everything of an earlier video of yours but its prompt.",
    request=schema.RemixBody,
    response=schema.Video,
    errors=(*SUBMIT_ERRORS, errors.TaskNotFound),
    price_unit="second",
    cases=(
        Case(
            name="remix",
            title="Other words",
            prose="The answer is a new video.",
            request={"prompt": "A paper boat on a lake"},
            response={
                **_QUEUED,
                "id": _REMIX_ID,
                "task_id": _REMIX_ID,
                "prompt": "A paper boat on a lake",
                "remixed_from_video_id": _TASK_ID,
            },
            path_values={"task_id": _TASK_ID},
        ),
    ),
)
OLDER_SUBMIT = _endpoint(
    "POST",
    OLDER_PATH,
    "create_video_generation",
    summary="Make a video, by the older path",
    description="The same as `POST /v1/videos`.",
    request=schema.VideoBody,
    response=schema.Video,
    errors=SUBMIT_ERRORS,
    statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403, errors.UnpricedModel: 400},
    price_unit="second",
    cases=(_SUBMIT_CASE,),
)
OLDER_FETCH = _endpoint(
    "GET",
    OLDER_PATH + "/{task_id}",
    "fetch_video_generation",
    summary="Follow a video, by the older path",
    description="The task in new-api's envelope, with `url`, `format` and `error` besides.",
    response=schema.OlderEnvelope,
    errors=FETCH_ERRORS,
    statuses={errors.TaskNotFound: 400},
    cases=(
        Case(
            name="succeeded",
            title="A finished video",
            prose="Take it from `data.url`.",
            response={
                "code": "success",
                "message": "",
                "data": {
                    "task_id": _TASK_ID,
                    "created_at": 1763884800,
                    "updated_at": 1763884926,
                    "action": "textGenerate",
                    "status": "SUCCESS",
                    "fail_reason": "",
                    "submit_time": 1763884800,
                    "start_time": 1763884800,
                    "finish_time": 1763884926,
                    "progress": "100%",
                    "result_url": _URL,
                    "url": _URL,
                    "format": "mp4",
                    "error": None,
                    "properties": {"input": "A paper boat on a stream", "origin_model_name": "kling-v1-6"},
                    "data": None,
                },
            },
            path_values={"task_id": _TASK_ID},
        ),
    ),
)

FAMILY = MediaFamily(
    name=schema.NAME,
    prefix=PREFIX,
    routes=(
        MediaRoute(endpoint=SUBMIT, action="submit", decode=decode_video, inputs=_PICTURE),
        MediaRoute(endpoint=LIST, action="list", decode=page_of, encode=encode_list),
        MediaRoute(endpoint=FETCH, action="fetch"),
        MediaRoute(endpoint=CONTENT, action="content", decode=check_variant),
        MediaRoute(endpoint=REMIX, action="submit", decode=decode_remix, inputs=_PICTURE, with_parent=remix_of),
        MediaRoute(endpoint=OLDER_SUBMIT, action="submit", decode=decode_video, inputs=_PICTURE, encode_error=encode_older_error),
        MediaRoute(endpoint=OLDER_FETCH, action="fetch", encode=encode_older, encode_error=encode_older_error),
    ),
    kinds=frozenset(("video",)),
    encode_submitted=encode_submitted,
    encode_fetched=encode_video,
    encode_error=encode_error,
    field_names={"aspect_ratio": "size", "quality": "mode", "first_frame": "input_reference", "last_frame": "images"},
)
