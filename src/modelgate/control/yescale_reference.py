"""The system API of the portal that this product grows from, as documented to readers. Contract: guides, section 6.

Its words are its own: a *quota* is 1/500,000 USD, a *token* is a key, ids are integers, `-1` is never.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from modelgate.control.errors import ForeignOrigin, NoSuchObject, SignInNeeded
from modelgate.control.lists import MAX_FILTER_LENGTH, BookName
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest, Overloaded, PermissionDenied
from modelgate.core.money import MAX_USD
from modelgate.identity.sessions import UnknownAccessKey

QUOTA_PER_USD: Final = 500_000
MAX_QUOTA: Final = MAX_USD * QUOTA_PER_USD
NEVER: Final = -1
MAX_TIME_S: Final = 100_000_000_000
MAX_KEY_NAME_LENGTH: Final = 50
MAX_LIST_TEXT_LENGTH: Final = 20_000
MAX_PAGE_SIZE: Final = 10_000
MAX_PAGES: Final = 100_001
MAX_OFFSET: Final = 100_000
MAX_OFFSET_OF_BOTH: Final = 10_000
"""With a key and a model named: no sums tell how many lines there are, and they are walked."""
TASKS_AT_ONCE: Final = 1_000

_Quota = Annotated[int, Meta(ge=0, le=MAX_QUOTA, description="Quota the key may still spend; 500,000 is 1 USD.", examples=[50_000_000])]
_Time = Annotated[int, Meta(ge=0, le=MAX_TIME_S, description="In seconds since the epoch.", examples=[1763884926])]
_Filter = Annotated[str, Meta(max_length=MAX_FILTER_LENGTH)]
_Page = Annotated[int, Meta(ge=1, le=MAX_PAGES, description="Which page, from 1.")]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Whose access key was sent."""

    access_token: Annotated[str, Meta(description="Beginning and end of the access key; the rest is not kept.")]
    display_name: Annotated[str, Meta(description="What to call this person.")]
    email: Annotated[str, Meta(description="Email address they sign in with.")]
    quota: Annotated[int, Meta(description="What the account may still spend; the plain balance where it pays later without bound.")]
    used_quota: Annotated[int, Meta(description="What the account spent in all.")]
    request_count: Annotated[int, Meta(description="Requests of the account, and tasks of it that ended.")]
    role: Annotated[int, Meta(description="1: member or viewer, 10: admin, 100: owner.")]
    telegram_id: Annotated[str, Meta(description="Always empty.")]
    username: Annotated[str, Meta(description="The email address again.")]


class KeyItem(msgspec.Struct, frozen=True, kw_only=True):
    """A key."""

    id: Annotated[int, Meta(description="Number of the key: always the same for the same key.")]
    user_id: Annotated[int, Meta(description="Number of the account.")]
    name: Annotated[str, Meta(description="What the key is called.")]
    key: Annotated[str, Meta(description="The key, all but its ends masked; whole in the answer that made it.")]
    status: Annotated[int, Meta(description="1: can be used, 2: disabled, 3: expired, 4: its quota is used up.")]
    created_time: Annotated[int, Meta(description="When it was made, in seconds since the epoch.")]
    accessed_time: Annotated[int, Meta(description="When it was last used; when it was made, if never.")]
    expired_time: Annotated[int, Meta(description="When it ends; -1: never.")]
    remain_quota: Annotated[int, Meta(description="What it may still spend; 0 where it has no limit.")]
    used_quota: Annotated[int, Meta(description="What it spent; in the current period, if its limit starts anew.")]
    unlimited_quota: Annotated[bool, Meta(description="Whether it has no limit of its own.")]
    group: Annotated[str, Meta(description="Its price group.")]
    model_limits_enabled: Annotated[bool, Meta(description="Whether it may use only some models.")]
    model_limits: Annotated[str, Meta(description="These models, separated by commas; `gpt-*` is every model whose name begins so.")]
    allow_ips: Annotated[str, Meta(description="Addresses and networks it may be used from, one a line; empty: any.")]
    deleted_at: Annotated[None, Meta(description="Always null.")] = msgspec.field(name="DeletedAt", default=None)


class TaskItem(msgspec.Struct, frozen=True, kw_only=True):
    """An asynchronous task."""

    id: Annotated[int, Meta(description="Number of the task: always the same for the same task.")]
    task_id: Annotated[str, Meta(description="Id of the task, as all other endpoints know it.")]
    platform: Annotated[str, Meta(description="The family of endpoints it came by, such as `kling`.")]
    user_id: Annotated[int, Meta(description="Number of the account.")]
    quota: Annotated[int, Meta(description="What it is charged; what is held, as long as it runs.")]
    action: Annotated[str, Meta(description="What is made, such as `image`.")]
    status: Annotated[Literal["QUEUED", "SUBMITTED", "IN_PROGRESS", "UNKNOWN", "SUCCESS", "FAILURE"], Meta(description="How far it is.")]
    fail_reason: Annotated[str, Meta(description="Why it failed.")]
    submit_time: Annotated[int, Meta(description="When it came, in seconds since the epoch.")]
    start_time: Annotated[int, Meta(description="When its vendor took it; 0: not yet.")]
    finish_time: Annotated[int, Meta(description="When it ended; 0: not yet.")]
    progress: Annotated[str, Meta(description="Such as `45%`.")]
    created_at: Annotated[int, Meta(description="As `submit_time`.")]
    updated_at: Annotated[int, Meta(description="When it last changed.")]
    data: Annotated[Any, Meta(description="`model`, and `outputs` with `kind`, `url` and `text` once it succeeded.")]


class LogItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    id: Annotated[int, Meta(description="Number of the line: always the same for the same line.")]
    user_id: Annotated[int, Meta(description="Number of the account.")]
    created_at: Annotated[int, Meta(description="When it began; of a top-up when it was booked. In seconds since the epoch.")]
    type: Annotated[int, Meta(description="1: top-up, 2: consumption, 5: error.")]
    content: Annotated[str, Meta(description="In words; the note of a top-up, what went wrong.")]
    username: Annotated[str, Meta(description="Name of the account's user who asks.")]
    token_name: Annotated[str, Meta(description="Name of the key.")]
    model_name: Annotated[str, Meta(description="Name of the model.")]
    quota: Annotated[int, Meta(description="What it cost; of a top-up what came in.")]
    prompt_tokens: Annotated[int, Meta(description="Tokens of the input.")]
    completion_tokens: Annotated[int, Meta(description="Tokens of the output.")]
    use_time: Annotated[int, Meta(description="How long it took, in whole seconds.")]
    is_stream: Annotated[bool, Meta(description="Whether the answer was streamed.")]
    channel: Annotated[int, Meta(description="Always 0: which upstream answered is the operator's affair.")]
    token_id: Annotated[int, Meta(description="Number of the key; 0 for a top-up.")]
    group: Annotated[str, Meta(description="Price group of the key.")]
    ip: Annotated[str, Meta(description="Always empty: addresses are not kept.")]
    other: Annotated[str, Meta(description="JSON as a text: `request_id`, and what else is known.")]


class UserAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A user in the envelope."""

    data: Annotated[User, Meta(description="The user.")]
    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class KeyListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Keys in the envelope."""

    data: Annotated[list[KeyItem], Meta(description="The keys, newest first.")]
    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class KeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A key in the envelope."""

    data: Annotated[KeyItem, Meta(description="The key.")]
    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class TaskListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks in the envelope."""

    data: Annotated[list[TaskItem], Meta(description="The tasks, latest first.")]
    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class LogListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Log lines in the envelope."""

    data: Annotated[list[LogItem], Meta(description="The lines, latest first.")]
    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope alone."""

    message: Annotated[str, Meta(description="Empty.")] = ""
    success: Annotated[bool, Meta(description="Always true.")] = True


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope of an error."""

    message: Annotated[str, Meta(description="What is wrong, with the request's id.")]
    data: Annotated[None, Meta(description="Always null.")] = None
    success: Annotated[bool, Meta(description="Always false.")] = False


class BookQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which book."""

    book: BookName = "live"


class KeyListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys."""

    keyword: Annotated[_Filter, Meta(description="Only keys whose name holds this.")] = ""
    token: Annotated[_Filter, Meta(description="Only the key whose secret this is, or whose masked form this is.")] = ""
    book: BookName = "live"


class TaskQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks."""

    start_timestamp: Annotated[_Time, Meta(description="Only tasks that came at this time or later, in seconds since the epoch.")]
    end_timestamp: Annotated[_Time, Meta(description="Only tasks that came at this time or before.")]
    p: _Page = 1
    page_size: Annotated[int, Meta(ge=1, le=TASKS_AT_ONCE, description="Most tasks in the answer.")] = TASKS_AT_ONCE
    book: BookName = "live"


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines."""

    p: _Page = 1
    page_size: Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE, description="Most lines in the answer.")] = MAX_PAGE_SIZE
    type: Annotated[int, Meta(ge=0, le=10, description="0: all, 1: top-ups, 2: consumption, 5: errors. Of others there are none.")] = 0
    token_name: Annotated[_Filter, Meta(description="Only of the key with this name.")] = ""
    model_name: Annotated[_Filter, Meta(description="Only of this model.")] = ""
    username: Annotated[_Filter, Meta(description="Only of this user; of others than oneself there are none.")] = ""
    start_timestamp: _Time = 0
    end_timestamp: Annotated[_Time, Meta(description="In seconds since the epoch; 0: up to now.")] = 0
    book: BookName = "live"


class CreateKeyBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The key to make. Fields that are not listed are passed over."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_KEY_NAME_LENGTH, description="What to call the key.", examples=["my app"])]
    remain_quota: Annotated[int, Meta(ge=0, le=MAX_QUOTA, description="Quota it may spend.", examples=[500_000])] | None = None
    unlimited_quota: Annotated[bool, Meta(description="Whether it has no limit of its own; goes before `remain_quota`.")] = False
    expired_time: Annotated[int, Meta(ge=NEVER, le=MAX_TIME_S, description="When it ends, in seconds since the epoch; -1: never.")] = NEVER
    group: Annotated[str, Meta(max_length=100, description="Its price group; only owners and admins choose another than `default`.")] = ""
    model_limits_enabled: Annotated[bool, Meta(description="Whether it may use only the models in `model_limits`.")] = False
    model_limits: Annotated[str, Meta(max_length=MAX_LIST_TEXT_LENGTH, description="Models, separated by commas.")] = ""
    allow_ips: (
        Annotated[str, Meta(max_length=MAX_LIST_TEXT_LENGTH, description="Addresses and networks it may be used from, one a line.")] | None
    ) = None


class QuotaBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the key may still spend."""

    remain_quota: _Quota


_READING_ERRORS = (SignInNeeded, UnknownAccessKey, PermissionDenied, InvalidRequest, Overloaded)
_WRITING_ERRORS = (*_READING_ERRORS, ForeignOrigin, NoSuchObject)
_AS_A_WHOLE = "Part of the system API that clients of this family of portals know; `/api` can do more. Send an access key as bearer."
_KEY = {
    "id": 2207613492185321,
    "user_id": 5534023222112865,
    "name": "my app",
    "key": "sk-live-**********Xc3D",
    "status": 1,
    "created_time": 1763884926,
    "accessed_time": 1763884957,
    "expired_time": -1,
    "remain_quota": 500000,
    "used_quota": 0,
    "unlimited_quota": False,
    "group": "default",
    "model_limits_enabled": False,
    "model_limits": "",
    "allow_ips": "",
    "DeletedAt": None,
}


def _endpoint(method: str, path: str, name: str, *, errors: Any = _READING_ERRORS, **about: Any) -> Endpoint:
    about["description"] = f"{about['description']} {_AS_A_WHOLE}"
    return Endpoint(method=method, path=f"/yescale/{path}", name=name, family="yescale", home="desk", error=Failure, errors=errors, **about)


USER = _endpoint(
    "GET",
    "user",
    "yescale_user",
    summary="See the user and the balance",
    description="Shows whose access key was sent, with the money of their account.",
    query=BookQuery,
    response=UserAnswer,
    cases=(
        Case(
            name="user",
            title="A user",
            prose="500,000 quota is 1 USD.",
            response={
                "data": {
                    "access_token": "ak-Zk3vH…Ko7h",
                    "display_name": "Ada",
                    "email": "ada@example.com",
                    "quota": 4750000,
                    "used_quota": 250000,
                    "request_count": 117,
                    "role": 1,
                    "telegram_id": "",
                    "username": "ada@example.com",
                },
                "message": "",
                "success": True,
            },
        ),
    ),
)
KEY_LIST = _endpoint(
    "GET",
    "apikeylist",
    "yescale_list_keys",
    summary="List keys",
    description="The account's keys, newest first, their secrets masked.",
    query=KeyListQuery,
    response=KeyListAnswer,
    cases=(Case(name="list", title="All keys", prose="One.", response={"data": [_KEY], "message": "", "success": True}),),
)
CREATE_KEY = _endpoint(
    "POST",
    "createkey",
    "yescale_create_key",
    summary="Make a key",
    description="The answer has the whole key, this once.",
    query=BookQuery,
    request=CreateKeyBody,
    response=KeyAnswer,
    errors=_WRITING_ERRORS,
    cases=(
        Case(
            name="create",
            title="A key of 1 USD",
            prose="Say `remain_quota`, or `unlimited_quota`.",
            request={"name": "my app", "remain_quota": 500000},
            response={
                "data": {**_KEY, "key": "sk-live-Zk3vH0…Xc3D", "accessed_time": 1763884926},
                "message": "",
                "success": True,
            },
        ),
    ),
)
DELETE_KEY = _endpoint(
    "DELETE",
    "deletekey/{key_id}",
    "yescale_delete_key",
    summary="Delete a key",
    description="It stops at once. `key_id` is the number of the key, or its id elsewhere (`key_…`).",
    response=Done,
    errors=_WRITING_ERRORS,
    cases=(
        Case(
            name="delete",
            title="Delete one",
            prose="What it spent stays in the log.",
            response={"message": "", "success": True},
            path_values={"key_id": "2207613492185321"},
        ),
    ),
)
EDIT_QUOTA = _endpoint(
    "PUT",
    "editquota/{key_id}",
    "yescale_edit_quota",
    summary="Change what a key may still spend",
    description="Sets the key's limit to what it spent plus this. A key without a limit has one then.",
    request=QuotaBody,
    response=KeyAnswer,
    errors=_WRITING_ERRORS,
    cases=(
        Case(
            name="quota",
            title="100 USD",
            prose="On top of what it spent.",
            request={"remain_quota": 50000000},
            response={"data": {**_KEY, "remain_quota": 50000000}, "message": "", "success": True},
            path_values={"key_id": "2207613492185321"},
        ),
    ),
)
TASKS = _endpoint(
    "GET",
    "task",
    "yescale_list_tasks",
    summary="List asynchronous tasks",
    description="Tasks for pictures, videos and songs that came in a span of time, latest first.",
    query=TaskQuery,
    response=TaskListAnswer,
    cases=(
        Case(
            name="tasks",
            title="Of an hour",
            prose="Both times are needed.",
            query={"start_timestamp": "1763881326", "end_timestamp": "1763884926"},
            response={
                "data": [
                    {
                        "id": 3911872240913447,
                        "task_id": "task_4fK2mQpX7cVbN1sLr8YwZd",
                        "platform": "kling",
                        "user_id": 5534023222112865,
                        "quota": 1750,
                        "action": "image",
                        "status": "SUCCESS",
                        "fail_reason": "",
                        "submit_time": 1763884900,
                        "start_time": 1763884901,
                        "finish_time": 1763884926,
                        "progress": "100%",
                        "created_at": 1763884900,
                        "updated_at": 1763884926,
                        "data": {
                            "model": "kling-v1",
                            "outputs": [
                                {
                                    "kind": "image",
                                    "url": "https://gateway.example/files/task_4fK2mQpX7cVbN1sLr8YwZd-0.png?expires=1771660926&signature=…",
                                    "text": "",
                                }
                            ],
                        },
                    }
                ],
                "message": "",
                "success": True,
            },
        ),
    ),
)
LOGS = _endpoint(
    "GET",
    "logs",
    "yescale_list_logs",
    summary="List the log",
    description="Requests, charged tasks and top-ups of the account, latest first.",
    query=LogQuery,
    response=LogListAnswer,
    cases=(
        Case(
            name="logs",
            title="Consumption",
            prose="One line of it.",
            query={"type": "2", "page_size": "1"},
            response={
                "data": [
                    {
                        "id": 8113004772630214,
                        "user_id": 5534023222112865,
                        "created_at": 1763884926,
                        "type": 2,
                        "content": "",
                        "username": "ada@example.com",
                        "token_name": "my app",
                        "model_name": "gpt-4o",
                        "quota": 420,
                        "prompt_tokens": 120,
                        "completion_tokens": 54,
                        "use_time": 2,
                        "is_stream": True,
                        "channel": 0,
                        "token_id": 2207613492185321,
                        "group": "default",
                        "ip": "",
                        "other": '{"request_id":"req_0a1b2c","endpoint":"/v1/chat/completions","cached_tokens":0}',
                    }
                ],
                "message": "",
                "success": True,
            },
        ),
    ),
)
