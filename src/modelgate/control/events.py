"""The log of what owners and admins changed: every action that they take is written down after it was taken."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, refused
from modelgate.control.lists import DEFAULT_ROWS, After, Limit, Next, page_of
from modelgate.core.endpoints import Case
from modelgate.core.http import HttpResponse
from modelgate.core.listings import AdminEvent
from modelgate.core.records import Json
from modelgate.identity.roles import sees_all_accounts

MAX_DETAIL_BYTES: Final = 4_000
MAX_SUBJECT_LENGTH: Final = 300
MAX_CURSOR_DIGITS: Final = 18
SECRETS: Final = frozenset(("password", "secret", "secrets", "token", "code", "access_key"))
"""Fields of bodies that are left out, at any depth."""
UNTOLD: Final = frozenset(("redeem_code", "renew_playground_key"))
"""What owners and admins do for themselves only."""


class EventLog(Protocol):
    """The log. It grows by what people do by hand, and is never trimmed."""

    async def note(self, event: AdminEvent) -> None:
        """Add a line; its number is given by the store."""
        ...

    async def list_of(self, *, limit: int, after: int) -> list[AdminEvent]:
        """Return lines, latest first, behind that of number `after` (0: from the start)."""
        ...


class EventObject(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an owner or admin did."""

    id: Annotated[int, Meta(description="Number of the line.")]
    at: Annotated[float, Meta(description="When, seconds since the epoch.")]
    member: Annotated[str, Meta(description="Id of the member who did it.")]
    email: Annotated[str, Meta(description="Their email then.")]
    action: Annotated[str, Meta(description="What they did: the name of the endpoint in the OpenAPI document.")]
    subject: Annotated[str, Meta(description="What it was done to: the id or name in the path; empty where there is none.")]
    detail: Annotated[Json, Meta(description="The body that was sent, without secrets; null where there was none or it was too long.")]


class EventList(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, latest first."""

    data: Annotated[list[EventObject], Meta(description="The lines.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines."""

    limit: Limit = DEFAULT_ROWS
    after: After = ""


def event_actions(log: EventLog) -> tuple[Action, ...]:
    """Return the action that shows the log."""

    async def list_them(call: Call) -> EventList:
        query: EventQuery = call.query
        if query.after and not (query.after.isascii() and query.after.isdigit() and len(query.after) <= MAX_CURSOR_DIGITS):
            raise refused("after", "it is not the `next` of a page")
        shown, more = page_of(await log.list_of(limit=query.limit + 1, after=int(query.after or 0)), query.limit)
        return EventList(data=[_shown(event) for event in shown], next=str(shown[-1].id) if more else None)

    return (Action(endpoint=LIST_EVENTS, handle=list_them, permission="configure"),)


def recorded(actions: Iterable[Action], log: EventLog) -> tuple[Action, ...]:
    """Return the actions, those that change something writing down what an owner or admin did by them."""
    return tuple(_recorded(action, log) if _is_told(action) else action for action in actions)


def _is_told(action: Action) -> bool:
    return action.endpoint.method != "GET" and action.permission is not None and action.endpoint.name not in UNTOLD


def _recorded(action: Action, log: EventLog) -> Action:
    async def handle(call: Call) -> msgspec.Struct | HttpResponse | None:
        answer = await action.handle(call)
        if sees_all_accounts(call.member):
            await log.note(_event_of(action, call))
        return answer

    return msgspec.structs.replace(action, handle=handle)


def _event_of(action: Action, call: Call) -> AdminEvent:
    detail = msgspec.json.encode(_told(call.body)).decode() if call.body is not None else ""
    return AdminEvent(
        id=0,
        at=call.now,
        member=call.member.id,
        email=call.member.email,
        action=action.endpoint.name,
        subject=" ".join(call.values.values())[:MAX_SUBJECT_LENGTH],
        detail=detail if len(detail) <= MAX_DETAIL_BYTES else "",
    )


def _told(body: Any) -> Any:
    """Return a body as JSON values, without what is secret in it and without what was not said."""
    built = msgspec.to_builtins(body)
    return _without_secrets(built)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items() if name not in SECRETS}
    return [_without_secrets(inner) for inner in value] if isinstance(value, list | tuple) else value


def _shown(event: AdminEvent) -> EventObject:
    return EventObject(
        id=event.id,
        at=event.at,
        member=event.member,
        email=event.email,
        action=event.action,
        subject=event.subject,
        detail=msgspec.json.decode(event.detail) if event.detail else None,
    )


LIST_EVENTS = declared(
    "GET",
    "/api/events",
    "list_events",
    family="admin",
    summary="See what owners and admins changed",
    description="Every change that an owner or admin made through the account API, latest first. The command line is not in it.",
    query=EventQuery,
    response=EventList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="events",
            title="The latest changes",
            prose="Somebody changed a price.",
            response={
                "object": "list",
                "data": [
                    {
                        "id": 17,
                        "at": 1763884920.5,
                        "member": "mem_6tRbXw2QnYk9PzLs4VcM8H",
                        "email": "ada@acme.example",
                        "action": "set_price",
                        "subject": "my-model",
                        "detail": {"rates": {"input": "0.50", "output": "1.50"}, "free": False},
                    }
                ],
                "next": None,
            },
        ),
    ),
)
