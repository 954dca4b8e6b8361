"""The Luma family's routes, as the gateway serves and the portal documents them: the family's own, and Dream Machine's."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.luma import dream_request, dream_response, request, response, schema
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, READ_ERRORS, InputRules, MediaFamily, MediaRoute

PREFIX: Final = "/luma/"
DREAM: Final = "/luma/dream-machine/v1"

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_REQUEST_ID = "req_5f0c1b9e7a2d4c6f8e013579"
_CREATED_AT = "2025-11-23T08:00:00Z"
_URL = f"https://gateway.example/files/{_TASK_ID}-0.mp4?expires=1769068800&signature=…"


def _task(state: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "id": _TASK_ID,
        "prompt": "A lighthouse at dusk",
        "state": state,
        "queue_state": None,
        "created_at": _CREATED_AT,
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


_RAW = {"url": _URL, "width": None, "height": None, "duration": 5, "media_type": "video/mp4"}
_DONE = _task(
    "completed",
    response.FETCH_MESSAGE,
    video={"url": _URL, "download_url": _URL, "width": None, "height": None, "thumbnail": None},
    video_raw=_RAW,
    assets={"video": _URL},
    artifact={"created_at": _CREATED_AT, "thumbnail": None, "video_raw": _RAW, "last_frame": None},
)


def _generation(state: str, assets: dict[str, Any] | None = None) -> dict[str, Any]:
    asked = {"generation_type": "video", "model": "ray-2", "prompt": "A lighthouse at dusk", "resolution": "720p", "duration": "5s"}
    return {
        "id": _TASK_ID,
        "generation_type": "video",
        "state": state,
        "failure_reason": None,
        "created_at": _CREATED_AT,
        "assets": assets,
        "model": "ray-2",
        "request": asked,
    }


_COMPLETED = _generation("completed", {"video": _URL, "image": None, "progress_video": None})
_AT = {"task_id": _TASK_ID}
_SOUND: dict[str, Any] = {"generation_type": "add_audio", "model": "ray-2", "prompt": "Wind and gulls", "duration": "5s"}


def _submit(path: str, name: str, summary: str, *, body: Any, answer: Any, cases: tuple[Case, ...], unit: str = "second") -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        name=name,
        family="luma",
        home="desk",
        summary=summary,
        description=(
            "Starts a task and answers with it. Follow it with its fetch until it is `completed` or `failed`. A failed task costs nothing."
        ),
        request=body,
        response=answer,
        error=schema.ErrorBody,
        errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound) if "{task_id}" in path else JSON_SUBMIT_ERRORS,
        statuses={errors.BalanceExhausted: 402, errors.LimitExhausted: 402},
        price_unit=unit,
        cases=cases,
    )


def _read(path: str, name: str, summary: str, *, answer: Any, case: Case, method: str = "GET", query: Any = None) -> Endpoint:
    at_task = "{task_id}" in path
    return Endpoint(
        method=method,
        path=path,
        name=name,
        family="luma",
        home="desk",
        summary=summary,
        description="Free; no vendor is asked.",
        request=schema.BatchBody if method == "POST" else None,
        response=answer,
        query=query,
        error=schema.ErrorBody,
        errors=(*(FETCH_ERRORS if at_task else READ_ERRORS), *((errors.InvalidRequest,) if method == "POST" else ())),
        cases=(case,),
    )


_MISTAKE: dict[str, Any] = {
    "message": f'aspect_ratio is "5:4", but it must be one of {", ".join(schema.ASPECT_RATIOS)}. (request id: {_REQUEST_ID})',
    "type": "invalid_request_error",
    "code": "invalid_value",
    "param": "aspect_ratio",
}
GENERATE = _submit(
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
            response={"error": _MISTAKE, "detail": _MISTAKE["message"]},
            status=400,
        ),
    ),
)
EXTEND = _submit(
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
            path_values=_AT,
        ),
    ),
)
FETCH = _read(
    PREFIX + "generations/{task_id}",
    "fetch_luma_generation",
    "Follow a task",
    answer=schema.FamilyTask,
    case=Case(name="completed", title="A finished task", prose="The video is `video.url`.", response=_DONE, path_values=_AT),
)
ADDRESS = _read(
    PREFIX + "generations/{task_id}/download_video_url",
    "luma_video_address",
    "Where a video is",
    answer=schema.VideoAddress,
    case=Case(name="address", title="The address", prose="Empty until it is made.", response={"url": _URL}, path_values=_AT),
)
BATCH = _read(
    PREFIX + "tasks",
    "fetch_luma_tasks",
    "Follow several tasks",
    method="POST",
    answer=list[schema.FamilyTask],
    case=Case(name="several", title="Several", prose="Ids that are not yours are left out.", request={"ids": [_TASK_ID]}, response=[_DONE]),
)
_WORDS = {"model": "ray-2", "prompt": "A lighthouse at dusk", "resolution": "720p", "duration": "5s"}
DREAM_GENERATE = _submit(
    DREAM + "/generations",
    "submit_dream_generation",
    "Make a video, in Dream Machine's words",
    body=schema.DreamVideoBody,
    answer=schema.Generation,
    cases=(
        Case(
            name="words",
            title="From words",
            prose="As the official client sends it.",
            request=_WORDS,
            response=_generation("queued"),
            status=201,
        ),
    ),
)
DREAM_VIDEO = _submit(
    DREAM + "/generations/video",
    "submit_dream_video",
    "Make a video, by the newer path",
    body=schema.DreamVideoBody,
    answer=schema.Generation,
    cases=(
        Case(
            name="keyframes",
            title="Between two frames",
            prose="`frame0` and `frame1` are pictures, or one of them an earlier generation.",
            request={**_WORDS, "keyframes": {"frame0": {"type": "image", "url": "https://pictures.example/fox.png"}}},
            response=_generation("queued"),
            status=201,
        ),
    ),
)
DREAM_IMAGE = _submit(
    DREAM + "/generations/image",
    "submit_dream_image",
    "Make a picture",
    body=schema.DreamImageBody,
    answer=schema.Generation,
    unit="image",
    cases=(
        Case(
            name="words",
            title="From words",
            prose="References are given as in the vendor's API.",
            request={"model": "photon-1", "prompt": "A lighthouse at dusk", "format": "png"},
            response={
                **_generation("queued"),
                "generation_type": "image",
                "model": "photon-1",
                "request": {"generation_type": "image", "model": "photon-1", "prompt": "A lighthouse at dusk"},
            },
            status=201,
        ),
    ),
)
DREAM_UPSCALE = _submit(
    DREAM + "/generations/{task_id}/upscale",
    "upscale_dream_generation",
    "Make a video larger",
    body=schema.UpscaleBody,
    answer=schema.Generation,
    cases=(
        Case(
            name="upscale",
            title="Larger",
            prose="The video must be `completed`.",
            request={"resolution": "1080p"},
            response={
                **_generation("queued"),
                "request": {"generation_type": "upscale_video", "model": "ray-2", "resolution": "1080p", "duration": "5s"},
            },
            path_values=_AT,
        ),
    ),
)
DREAM_AUDIO = _submit(
    DREAM + "/generations/{task_id}/audio",
    "sound_dream_generation",
    "Give a video sound",
    body=schema.AudioBody,
    answer=schema.Generation,
    cases=(
        Case(
            name="audio",
            title="Sound",
            prose="The video must be `completed`.",
            request={"prompt": "Wind and gulls"},
            response={**_generation("queued"), "request": _SOUND},
            path_values=_AT,
        ),
    ),
)
DREAM_FETCH = _read(
    DREAM + "/generations/{task_id}",
    "fetch_dream_generation",
    "Follow a generation",
    answer=schema.Generation,
    case=Case(name="completed", title="A finished one", prose="The file is in `assets`.", response=_COMPLETED, path_values=_AT),
)
DREAM_LIST = _read(
    DREAM + "/generations",
    "list_dream_generations",
    "List generations",
    answer=schema.GenerationList,
    query=schema.ListQuery,
    case=Case(
        name="list",
        title="The youngest",
        prose="`has_more` says whether there are older ones.",
        query={"limit": "1"},
        response={"has_more": False, "count": 1, "limit": 1, "offset": 0, "generations": [{**_COMPLETED, "request": _SOUND}]},
    ),
)
DREAM_CANCEL = Endpoint(
    method="DELETE",
    path=DREAM + "/generations/{task_id}",
    name="cancel_dream_generation",
    family="luma",
    home="desk",
    summary="Cancel a generation",
    description="Ends one that is waiting or dreaming; its money is given back, and a fetch shows it as `failed`. An ended one stays.",
    error=schema.ErrorBody,
    errors=(*FETCH_ERRORS, errors.TaskNotCancelable),
    cases=(Case(name="cancel", title="Cancel", prose="The answer is empty.", status=204, path_values=_AT),),
)
DREAM_CONCEPTS = _read(
    DREAM + "/generations/concepts/list",
    "list_dream_concepts",
    "List the concepts",
    answer=list[str],
    case=Case(name="list", title="All", prose="Keys for `concepts`.", response=list(schema.CONCEPTS)),
)
DREAM_PING = _read(
    DREAM + "/ping",
    "ping_dream_machine",
    "Ping",
    answer=schema.Pong,
    case=Case(name="ping", title="Ping", prose="Says that the key is good.", response={"message": "pong"}),
)


def _pictures(**fields: str) -> dict[str, InputRules]:
    return {
        role: InputRules(field=field, content_types=schema.IMAGE_TYPES, max_bytes=schema.MAX_IMAGE_BYTES) for role, field in fields.items()
    }


_FRAMES = _pictures(first_frame="keyframes.frame0.url", last_frame="keyframes.frame1.url")
_REFERENCES = _pictures(reference="image_ref", style="style_ref", character="character_ref", image="modify_image_ref")


def _dream(endpoint: Endpoint, decode: Any, *, inputs: dict[str, InputRules], builds_on: bool) -> MediaRoute:
    return MediaRoute(
        endpoint=endpoint,
        action="submit",
        decode=decode,
        inputs=inputs,
        encode=dream_response.encode_created,
        with_parent=request.with_parent if builds_on else None,
        status=201 if "{task_id}" not in endpoint.path else 200,
    )


FAMILY = MediaFamily(
    name="luma",
    prefix=PREFIX,
    aliases={"/pro/luma/": PREFIX},
    routes=(
        MediaRoute(
            endpoint=GENERATE,
            action="submit",
            decode=request.decode_generation,
            inputs=_pictures(first_frame="image_url", last_frame="image_end_url"),
        ),
        MediaRoute(
            endpoint=EXTEND,
            action="submit",
            decode=request.decode_extension,
            inputs=_pictures(last_frame="image_end_url"),
            with_parent=request.with_parent,
        ),
        MediaRoute(endpoint=FETCH, action="fetch"),
        MediaRoute(endpoint=ADDRESS, action="fetch", encode=response.encode_address),
        MediaRoute(endpoint=BATCH, action="fetch_many", decode=request.decode_batch, encode=response.encode_batch),
        _dream(DREAM_GENERATE, dream_request.decode_video, inputs=_FRAMES, builds_on=True),
        _dream(DREAM_VIDEO, dream_request.decode_video, inputs=_FRAMES, builds_on=True),
        _dream(DREAM_IMAGE, dream_request.decode_image, inputs=_REFERENCES, builds_on=False),
        _dream(DREAM_UPSCALE, dream_request.decode_upscale, inputs={}, builds_on=True),
        _dream(DREAM_AUDIO, dream_request.decode_audio, inputs={}, builds_on=True),
        MediaRoute(endpoint=DREAM_LIST, action="list", decode=dream_request.page_of, encode=dream_response.encode_list),
        MediaRoute(endpoint=DREAM_FETCH, action="fetch", encode=dream_response.encode_generation),
        MediaRoute(endpoint=DREAM_CANCEL, action="cancel", status=204),
        MediaRoute(endpoint=DREAM_CONCEPTS, action="answer", encode=dream_response.encode_concepts),
        MediaRoute(endpoint=DREAM_PING, action="answer", encode=dream_response.encode_pong),
    ),
    encode_submitted=response.encode_submitted,
    encode_fetched=response.encode_fetched,
    encode_error=response.encode_error,
    field_names={
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
)
