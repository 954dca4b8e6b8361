"""The Suno family's routes, as the gateway serves and the portal documents them."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, READ_ERRORS, Ask, MediaCall, MediaFamily, MediaRoute
from modelgate.formats.suno import schema
from modelgate.formats.suno.request import check_parent, decode_ids, decode_lyrics, decode_music
from modelgate.formats.suno.response import encode_error, encode_fetched, encode_fetched_many, encode_submitted

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_CLIP_ID = "971c0fb8-5b5d-4d58-9a8e-6f5b1a3f2d10"
_REQUEST_ID = "req_5f0c1b9e7a2d4c6f8e013579"
_SUBMITTED = {"code": "success", "message": "", "data": _TASK_ID}
_MONEY: Final[dict[type[errors.ModelgateError], int]] = {errors.BalanceExhausted: 403, errors.LimitExhausted: 403}
_WORDS = "[Verse]\nNeon on the avenue\n[Chorus]\nCity lights, take me home"


def _refused(message: str, *, code: str, param: str) -> dict[str, Any]:
    text = f"{message} (request id: {_REQUEST_ID})"
    error = {"message": text, "type": "invalid_request_error", "code": code, "param": param}
    return {"code": "invalid_request", "message": text, "data": None, "error": error}


def _task(action: str, data: Any) -> dict[str, Any]:
    return {
        "task_id": _TASK_ID,
        "notify_hook": "",
        "action": action,
        "status": "SUCCESS",
        "fail_reason": "",
        "submit_time": 1763884800,
        "start_time": 1763884801,
        "finish_time": 1763884893,
        "progress": "100%",
        "data": data,
    }


_CLIP = {
    "id": _CLIP_ID,
    "title": "City Lights",
    "status": "complete",
    "audio_url": f"https://gateway.example/files/{_TASK_ID}-0.mp3?expires=1769068800&signature=…",
    "video_url": "",
    "image_url": f"https://gateway.example/files/{_TASK_ID}-2.jpg?expires=1769068800&signature=…",
    "image_large_url": f"https://gateway.example/files/{_TASK_ID}-2.jpg?expires=1769068800&signature=…",
    "is_video_pending": False,
    "major_model_version": "v4",
    "model_name": "chirp-v4",
    "metadata": {
        "tags": "emotional punk",
        "prompt": _WORDS,
        "gpt_description_prompt": None,
        "audio_prompt_id": None,
        "history": None,
        "concat_history": None,
        "type": "gen",
        "duration": 153.2,
        "refund_credits": False,
        "stream": True,
        "error_type": None,
        "error_message": None,
    },
    "created_at": "2025-11-23T08:00:02.000Z",
    "user_id": "",
    "display_name": "",
    "handle": "",
    "is_handle_updated": False,
    "is_liked": False,
    "is_trashed": False,
    "is_public": False,
    "reaction": None,
    "play_count": 0,
    "upvote_count": 0,
    "tags": "emotional punk",
    "prompt": _WORDS,
    "duration": 153.2,
}
_SONG_DONE = Case(
    name="songs",
    title="Finished songs",
    prose="`data` holds the songs; a continuation names an `id`. While they are made, `audio_url` is Suno's stream once there is one.",
    response={"code": "success", "message": "", "data": _task("MUSIC", [_CLIP])},
    path_values={"task_id": _TASK_ID},
)
_LYRICS_DONE = Case(
    name="lyrics",
    title="Finished lyrics",
    prose="`data` is an object with `title` and `text`.",
    response={
        "code": "success",
        "message": "",
        "data": _task("LYRICS", {"id": _CLIP_ID, "title": "City Lights", "text": _WORDS, "status": "complete"}),
    },
    path_values={"task_id": _TASK_ID},
)

SUBMIT_MUSIC = Endpoint(
    method="POST",
    path="/suno/submit/music",
    name="submit_suno_music",
    family="suno",
    home="desk",
    summary="Make songs",
    description=(
        "Starts two songs, from a description, from your own words, or going on from an earlier song, and answers with the id of a task of "
        "the model `suno_music`. Follow it with a fetch until it is `SUCCESS` or `FAILURE`. A failed task costs nothing."
    ),
    request=schema.MusicBody,
    response=schema.SubmitEnvelope,
    error=schema.ErrorEnvelope,
    errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound),
    statuses={**_MONEY, errors.TaskNotFound: 400},
    price_unit="call",
    cases=(
        Case(
            name="inspiration",
            title="From a description",
            prose="Suno writes the words and picks the style.",
            request={"gpt_description_prompt": "bright pop song about the weekend", "make_instrumental": False, "mv": "chirp-v4"},
            response=_SUBMITTED,
        ),
        Case(
            name="custom",
            title="From your own words",
            prose="Mark the parts: `[Verse]`, `[Chorus]`. Styles go into `tags`.",
            request={"prompt": _WORDS, "title": "City Lights", "tags": "emotional punk", "mv": "chirp-v4"},
            response=_SUBMITTED,
        ),
        Case(
            name="continuation",
            title="Going on from a song",
            prose="`task_id` is the earlier task, `continue_clip_id` one of its songs, `continue_at` where to go on.",
            request={
                "prompt": "[Verse 2]\nRain on every window",
                "tags": "emotional punk",
                "mv": "chirp-v4",
                "task": "extend",
                "task_id": _TASK_ID,
                "continue_clip_id": _CLIP_ID,
                "continue_at": 20.0,
            },
            response=_SUBMITTED,
        ),
    ),
)

SUBMIT_LYRICS = Endpoint(
    method="POST",
    path="/suno/submit/lyrics",
    name="submit_suno_lyrics",
    family="suno",
    home="desk",
    summary="Write lyrics",
    description="Starts lyrics and answers with the id of a task of the model `suno_lyrics`; fetch it like songs.",
    request=schema.LyricsBody,
    response=schema.SubmitEnvelope,
    error=schema.ErrorEnvelope,
    errors=JSON_SUBMIT_ERRORS,
    statuses=_MONEY,
    price_unit="call",
    cases=(
        Case(
            name="lyrics",
            title="Lyrics about something",
            prose="Say what they are about.",
            request={"prompt": "city lights after the rain"},
            response=_SUBMITTED,
        ),
        Case(
            name="prompt-missing",
            title="What a mistake looks like",
            prose="The error names the field and the rule, in the family's words and, under `error`, where OpenAI's clients look.",
            request={"prompt": ""},
            response=_refused(
                "prompt_empty: prompt is required, it says what the lyrics are about.", code="missing_required_parameter", param="prompt"
            ),
            status=400,
        ),
    ),
)

SUBMIT_ACTION = Endpoint(
    method="POST",
    path="/suno/submit/{action}",
    name="submit_suno_action",
    family="suno",
    home="desk",
    summary="Make songs or lyrics, the action in any case",
    description="As the two above: `MUSIC` and `LYRICS`, the relay's own words, are `music` and `lyrics`. Others are an `invalid_action`.",
    request=schema.MusicBody,
    response=schema.SubmitEnvelope,
    error=schema.ErrorEnvelope,
    errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound),
    statuses={**_MONEY, errors.TaskNotFound: 400},
    price_unit="call",
    cases=(
        Case(
            name="upper-case",
            title="The relay's own spelling",
            prose="A client that was made for a relay works as it is.",
            request={"gpt_description_prompt": "bright pop song about the weekend"},
            response=_SUBMITTED,
            path_values={"action": "MUSIC"},
        ),
    ),
)

FETCH_TASK = Endpoint(
    method="GET",
    path="/suno/fetch/{task_id}",
    name="fetch_suno_task",
    family="suno",
    home="desk",
    summary="Follow a task",
    description="Shows a task of your account. Fetching is free and asks no vendor; every fetch signs fresh addresses for finished songs.",
    response=schema.FetchEnvelope,
    error=schema.ErrorEnvelope,
    errors=FETCH_ERRORS,
    statuses={errors.TaskNotFound: 400},
    cases=(_SONG_DONE, _LYRICS_DONE),
)

FETCH_TASKS = Endpoint(
    method="POST",
    path="/suno/fetch",
    name="fetch_suno_tasks",
    family="suno",
    home="desk",
    summary="Follow many tasks",
    description="Shows up to 100 tasks of your account; ids that are not yours are missing in the answer.",
    request=schema.FetchBody,
    response=schema.FetchManyEnvelope,
    error=schema.ErrorEnvelope,
    errors=(errors.InvalidRequest, errors.BodyTooLarge, errors.UnsupportedMediaType, *READ_ERRORS),
    cases=(
        Case(
            name="many",
            title="Several at once",
            prose="`action` may be given and is ignored.",
            request={"ids": [_TASK_ID, "task_of_somebody_else"], "action": "MUSIC"},
            response={"code": "success", "message": "", "data": [_task("MUSIC", [_CLIP])]},
        ),
    ),
)


def decode_action(call: MediaCall) -> Ask:
    """Return what a submit asks for whose action is in the path. Raises InvalidRequest: there is no such action."""
    match call.values["action"].upper():
        case "MUSIC":
            return decode_music(call)
        case "LYRICS":
            return decode_lyrics(call)
        case action:
            raise InvalidRequest(f"invalid_action: {action:.60} is not MUSIC or LYRICS.", param="action", code="invalid_value")


FAMILY = MediaFamily(
    name="suno",
    prefix="/suno/",
    routes=(
        MediaRoute(endpoint=SUBMIT_MUSIC, action="submit", decode=decode_music, with_parent=check_parent),
        MediaRoute(endpoint=SUBMIT_LYRICS, action="submit", decode=decode_lyrics),
        MediaRoute(endpoint=SUBMIT_ACTION, action="submit", decode=decode_action, with_parent=check_parent),
        MediaRoute(endpoint=FETCH_TASK, action="fetch"),
        MediaRoute(endpoint=FETCH_TASKS, action="fetch_many", decode=decode_ids, encode=encode_fetched_many),
    ),
    encode_submitted=encode_submitted,
    encode_fetched=encode_fetched,
    encode_error=encode_error,
    field_names={
        "lyrics": "prompt",
        "style": "tags",
        "negative_style": "negative_tags",
        "instrumental": "make_instrumental",
        "parent": "continue_clip_id",
        "parent.task": "task_id",
        "callback_url": "notify_hook",
        "suno_mv": "mv",
        "suno_task": "task",
        "suno_continue_at": "continue_at",
    },
    kinds=frozenset(("music",)),
)
