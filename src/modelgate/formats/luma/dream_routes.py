"""Dream Machine's own routes, as its official client calls them."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.luma import dream_request, dream_response, request, schema
from modelgate.formats.luma.routes import AT, CREATED_AT, TASK_ID, URL, pictures, read_route, submit_route
from modelgate.formats.media.family import FETCH_ERRORS, InputRules, MediaRoute

DREAM: Final = "/luma/dream-machine/v1"


def _generation(state: str, assets: dict[str, Any] | None = None) -> dict[str, Any]:
    asked = {"generation_type": "video", "model": "ray-2", "prompt": "A lighthouse at dusk", "resolution": "720p", "duration": "5s"}
    return {
        "id": TASK_ID,
        "generation_type": "video",
        "state": state,
        "failure_reason": None,
        "created_at": CREATED_AT,
        "assets": assets,
        "model": "ray-2",
        "request": asked,
    }


_COMPLETED = _generation("completed", {"video": URL, "image": None, "progress_video": None})
_SOUND: dict[str, Any] = {"generation_type": "add_audio", "model": "ray-2", "prompt": "Wind and gulls", "duration": "5s"}
_WORDS = {"model": "ray-2", "prompt": "A lighthouse at dusk", "resolution": "720p", "duration": "5s"}
DREAM_GENERATE = submit_route(
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
DREAM_VIDEO = submit_route(
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
DREAM_IMAGE = submit_route(
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
DREAM_UPSCALE = submit_route(
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
            path_values=AT,
        ),
    ),
)
DREAM_AUDIO = submit_route(
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
            path_values=AT,
        ),
    ),
)
DREAM_FETCH = read_route(
    DREAM + "/generations/{task_id}",
    "fetch_dream_generation",
    "Follow a generation",
    answer=schema.Generation,
    case=Case(name="completed", title="A finished one", prose="The file is in `assets`.", response=_COMPLETED, path_values=AT),
)
DREAM_LIST = read_route(
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
    cases=(Case(name="cancel", title="Cancel", prose="The answer is empty.", status=204, path_values=AT),),
)
DREAM_CONCEPTS = read_route(
    DREAM + "/generations/concepts/list",
    "list_dream_concepts",
    "List the concepts",
    answer=list[str],
    case=Case(name="list", title="All", prose="Keys for `concepts`.", response=list(schema.CONCEPTS)),
)
DREAM_PING = read_route(
    DREAM + "/ping",
    "ping_dream_machine",
    "Ping",
    answer=schema.Pong,
    case=Case(name="ping", title="Ping", prose="Says that the key is good.", response={"message": "pong"}),
)
_FRAME_NAMES = {"first_frame": "keyframes.frame0.url", "last_frame": "keyframes.frame1.url", "parent": "keyframes"}
_FRAMES = pictures(first_frame=_FRAME_NAMES["first_frame"], last_frame=_FRAME_NAMES["last_frame"])
_REFERENCES = pictures(reference="image_ref", style="style_ref", character="character_ref", image="modify_image_ref")


def _dream(endpoint: Endpoint, decode: Any, *, inputs: dict[str, InputRules], builds_on: bool) -> MediaRoute:
    return MediaRoute(
        endpoint=endpoint,
        action="submit",
        decode=decode,
        inputs=inputs,
        encode=dream_response.encode_created,
        with_parent=request.with_parent if builds_on else None,
        field_names=_FRAME_NAMES if inputs is _FRAMES else {},
        status=201 if "{task_id}" not in endpoint.path else 200,
    )


ROUTES: Final = (
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
)
