"""The system API of the portal that this product grows from: the same account, keys, tasks and log, in its shape."""

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from modelgate.control import yescale_reference as reference
from modelgate.control.actions import Action, Call
from modelgate.control.errors import NoSuchObject, refused
from modelgate.control.key_reference import DEFAULT_GROUP
from modelgate.control.keys import KeyStore
from modelgate.control.yescale_shapes import LINES_OF_TYPE, mask, nanos_of, number_of, show_key, show_log, show_task, show_user
from modelgate.core.errors import InvalidRequest, ModelgateError, PermissionDenied
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.listings import AccountUse, KeyListing
from modelgate.core.log import LogFilter, LogRow
from modelgate.core.money import Book
from modelgate.core.records import Task
from modelgate.identity.key_bounds import MAX_MODELS, MAX_NETWORKS, check_expiry, clean_models, clean_networks
from modelgate.identity.keys import digest_of, new_key
from modelgate.identity.roles import may

PREFIX: Final = "/yescale/"
MAX_KEYS: Final = 10_000
"""More of one account are not looked at: the list has no pages."""

UrlsOf = Callable[[Task], Sequence[str]]
"""Our addresses of a task's outputs, one for each, empty where there is no file (any more)."""


class LogStore(Protocol):
    """One account's totals, log and tasks. Times are in seconds since the epoch."""

    async def use(self, account: str, *, book: Book) -> AccountUse: ...

    async def log(self, wanted: LogFilter, *, offset: int, limit: int) -> list[LogRow] | None:
        """Return what was paid for and paid in, newest first; None: too much would have to be looked through."""
        ...

    async def tasks(self, account: str, *, book: Book, since: float, until: float, offset: int, limit: int) -> list[tuple[Task, int]]:
        """Return tasks that began in a span, both ends in it, latest first, each with its charge in nano-USD."""
        ...


def yescale_actions(keys: KeyStore, logs: LogStore, *, urls_of: UrlsOf) -> tuple[Action, ...]:
    """Return the actions."""
    room = _Room(keys, logs, urls_of=urls_of)
    return (
        Action(endpoint=reference.USER, handle=room.user, lenient=True),
        Action(endpoint=reference.KEY_LIST, handle=room.list_keys, lenient=True),
        Action(endpoint=reference.CREATE_KEY, handle=room.create_key, permission="use", lenient=True),
        Action(endpoint=reference.DELETE_KEY, handle=room.delete_key, permission="use", lenient=True),
        Action(endpoint=reference.EDIT_QUOTA, handle=room.edit_quota, permission="use", lenient=True),
        Action(endpoint=reference.TASKS, handle=room.list_tasks, lenient=True),
        Action(endpoint=reference.LOGS, handle=room.list_logs, lenient=True),
    )


def encode_yescale_error(error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error in the envelope, with its own HTTP status."""
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    if error.retry_after is not None:
        headers.append(("retry-after", error.retry_after))
    body = msgspec.json.encode(reference.Failure(message=error.message_for(request_id)))
    return HttpResponse(status=error.status, headers=HeaderBlock(HeaderBlock.of(*headers).raw + error.header_lines), body=body)


class _Room:
    def __init__(self, keys: KeyStore, logs: LogStore, *, urls_of: UrlsOf) -> None:
        self._keys = keys
        self._logs = logs
        self._urls_of = urls_of

    async def user(self, call: Call) -> reference.UserAnswer:
        use = await self._logs.use(call.account(), book=call.query.book)
        return reference.UserAnswer(data=show_user(call.member, use))

    async def list_keys(self, call: Call) -> reference.KeyListAnswer:
        query: reference.KeyListQuery = call.query
        found = await self._keys.list_of(call.account(), book=query.book, limit=MAX_KEYS, after="", now=call.now)
        keyword, token = query.keyword.casefold(), query.token
        kept = [one for one in found if keyword in one.key.name.casefold() and (not token or _is_of(one, token))]
        return reference.KeyListAnswer(data=[show_key(one, now=call.now) for one in kept])

    async def create_key(self, call: Call) -> reference.KeyAnswer:
        body: reference.CreateKeyBody = call.body
        wanted = _wanted(body, call)
        secret, plain = new_key(account=call.account(), book=call.query.book, name=body.name.strip())
        await self._keys.add(msgspec.structs.replace(plain, **wanted), now=call.now)
        return reference.KeyAnswer(data=show_key(await self._again(plain.id, call), now=call.now, secret=secret))

    async def delete_key(self, call: Call) -> reference.Done:
        await self._keys.delete((await self._own(call)).key.id, now=call.now)
        return reference.Done()

    async def edit_quota(self, call: Call) -> reference.KeyAnswer:
        found = await self._own(call)
        limit_nanos = found.spent_nanos + found.set_aside_nanos + nanos_of(call.body.remain_quota)
        await self._keys.edit(found.key.id, {"limit_nanos": limit_nanos}, now=call.now)
        return reference.KeyAnswer(data=show_key(await self._again(found.key.id, call), now=call.now))

    async def list_tasks(self, call: Call) -> reference.TaskListAnswer:
        query: reference.TaskQuery = call.query
        found = await self._logs.tasks(
            call.account(),
            book=query.book,
            since=query.start_timestamp,
            until=query.end_timestamp + 1,  # its whole second
            offset=_offset(query.p, query.page_size),
            limit=query.page_size,
        )
        return reference.TaskListAnswer(data=[show_task(task, charge, self._urls_of(task)) for task, charge in found])

    async def list_logs(self, call: Call) -> reference.LogListAnswer:
        query: reference.LogQuery = call.query
        offset = _offset(query.p, query.page_size)
        username = call.member.email
        if query.username not in ("", username, call.member.name):
            return reference.LogListAnswer(data=[])
        kinds, status = LINES_OF_TYPE.get(query.type, ((), ""))
        if query.token_name and query.model_name and offset > reference.MAX_OFFSET_OF_BOTH:
            raise _beyond("p")
        wanted = LogFilter(
            books=(query.book,),
            kinds=kinds,
            account=call.account(),
            key_name=query.token_name,
            model=query.model_name,
            status=status,
            since=query.start_timestamp,
            until=query.end_timestamp + 1 if query.end_timestamp else None,  # its whole second
        )
        found = await self._logs.log(wanted, offset=offset, limit=query.page_size)
        if found is None:
            raise _beyond("start_timestamp")
        return reference.LogListAnswer(data=[show_log(row, account=call.account(), username=username) for row in found])

    async def _own(self, call: Call) -> KeyListing:
        """Return the account's key with the number, or the id, in the path. Raises NoSuchObject."""
        wanted = call.values["key_id"]
        for found in await self._keys.list_of(call.account(), book=None, limit=MAX_KEYS, after="", now=call.now):
            if wanted in (found.key.id, str(number_of(found.key.id))):
                return found
        raise NoSuchObject("You have no key with that id.")

    async def _again(self, key_id: str, call: Call) -> KeyListing:
        found = await self._keys.get(key_id, account_id=call.account(), now=call.now)
        if found is None:  # deleted by another at this very moment
            raise NoSuchObject
        return found


def _wanted(body: reference.CreateKeyBody, call: Call) -> dict[str, object]:
    """Return the fields of `ApiKey` that a body asks for.

    Raises:
        InvalidRequest: one cannot be used. PermissionDenied: the group is not the caller's to choose.
    """
    if not body.name.strip():
        raise refused("name", "it is empty")
    if body.remain_quota is None and not body.unlimited_quota:
        raise InvalidRequest(
            "remain_quota is missing: say it, or unlimited_quota.", param="remain_quota", code="missing_required_parameter"
        )
    group = body.group or DEFAULT_GROUP
    if group != DEFAULT_GROUP and not may(call.member, "configure"):
        raise PermissionDenied("A key's price group is chosen by owners and admins.")
    expires_at = None if body.expired_time == reference.NEVER else float(body.expired_time)
    models = _split(body.model_limits, r",", most=MAX_MODELS, field="model_limits") if body.model_limits_enabled else ()
    networks = _split(body.allow_ips or "", r"[,\s]", most=MAX_NETWORKS, field="allow_ips")
    try:
        check_expiry(expires_at, now=call.now)
    except ValueError as error:
        raise refused("expired_time", str(error)) from None
    try:
        models = clean_models(models)
    except ValueError as error:
        raise refused("model_limits", str(error)) from None
    try:
        ips = clean_networks(networks)
    except ValueError as error:
        raise refused("allow_ips", str(error)) from None
    return {
        "group": group,
        "limit_nanos": None if body.unlimited_quota else nanos_of(body.remain_quota or 0),
        "expires_at": expires_at,
        "models": models,
        "ips": ips,
    }


def _split(text: str, at: str, *, most: int, field: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in re.split(at, text) if part.strip())
    if len(parts) > most:
        raise refused(field, f"it has more than {most} entries")
    return parts


def _offset(page: int, size: int) -> int:
    offset = (page - 1) * size
    if offset > reference.MAX_OFFSET:
        raise _beyond("p")
    return offset


def _beyond(name: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is beyond what can be listed; narrow the span of time.", param=name, code="invalid_value")


def _is_of(found: KeyListing, token: str) -> bool:
    return found.key.digest == digest_of(token) or mask(found.key.hint) == token
