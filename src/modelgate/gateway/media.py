"""The way of a media task: one pipeline for every family, from a request to an answer."""

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import parse_qsl

import msgspec

from modelgate.core.errors import (
    InvalidRequest,
    ModelgateError,
    NoUpstream,
    Overloaded,
    TaskNotFound,
    UnknownPath,
    UpstreamError,
    UpstreamRefused,
)
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey, Task
from modelgate.formats.media import refusals
from modelgate.formats.media.family import Ask, MediaCall, MediaFamily, MediaRoute, Page
from modelgate.formats.media.requests import MusicRequest, decode_request, fills_dialog, kind_of
from modelgate.gateway.callers import authenticate
from modelgate.gateway.families import Found, MediaRoutes, render_family_error
from modelgate.gateway.files import FileLinks, Files
from modelgate.gateway.submissions import MediaDesk, Submissions, Terms
from modelgate.gateway.task_events import MAX_WATCHERS, TaskEvents
from modelgate.gateway.waiting import Waiting, error_of
from modelgate.metering.media import amount_of
from modelgate.metering.rates import RateState
from modelgate.tasks.store import TaskDesk

MAX_FETCHED = 100
"""Tasks shown in one answer."""
MAX_QUERY_FIELDS = 64
MAX_LISTED = 1_000
"""How far back a list reaches that counts from the newest."""
NO_CONTENT = 204
_EVENTS = HeaderBlock.of(("content-type", "text/event-stream"), ("cache-control", "no-store"))


class MediaGateway:
    """Serves every route of every media family."""

    def __init__(
        self,
        desk: MediaDesk,
        *,
        routes: MediaRoutes,
        submissions: Submissions,
        store: TaskDesk,
        links: FileLinks,
        files: Files,
        waiting: Waiting,
        wait_s: float,
    ) -> None:
        """`wait_s` is how long a call that wants its results at once may take; then its task expires."""
        self._desk = desk
        self._routes = routes
        self._submissions = submissions
        self._store = store
        self._links = links
        self._files = files
        self._waiting = waiting
        self._wait_s = wait_s
        self._watchers = 0

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; every failure is said in the family's own words.

        Raises:
            UnknownPath: outside of every family.
        """
        family = self._routes.family_of(request.path)
        if family is None:
            raise UnknownPath
        said = _Said(family.name, request)
        try:
            response = await self._answer(self._routes.find(request.method, request.path), request, said)
        except ModelgateError as error:
            if said.submits:
                self._desk.refusals.note(request, error, endpoint=family.name, model=said.model)
            response = render_family_error(family, error, request.id, route=said.route)
        self._count(said, response.status, request)
        if said.rate is not None:
            response.headers = HeaderBlock(response.headers.raw + said.rate.header_lines())
        return response

    async def _answer(self, found: Found, request: HttpRequest, said: "_Said") -> HttpResponse:
        family, route = found.family, found.route
        said.endpoint, said.route = route.endpoint.name, route
        said.submits = route.action in ("submit", "make")
        if route.action == "file":
            return await self._file(found, request)
        caller = await authenticate(request, keys=self._desk.keys, clock=self._desk.clock)
        call = _call_of(found, request, operations_of=partial(self._desk.configuration().operations_of, caller.key.book))
        request.body = b""
        if route.action == "answer":
            assert route.encode is not None
            return _answered(route, route.encode(call, request_id=request.id))
        if route.action == "list":
            return await self._list(found, call, caller.key, request.id)
        if route.action == "quote":
            return await self._quote(found, call, caller.key, said)
        if route.action == "fetch_many":
            assert route.decode is not None
            assert route.encode is not None
            tasks = await self._found_many(family, route.decode(call), caller.key)
            return _answered(route, route.encode([(task, self._urls_of(family, task)) for task in tasks], request_id=request.id))
        if route.action in ("fetch", "cancel", "content", "events"):
            task = await self._found(family, call.values["task_id"], caller.key)
            said.model = task.model
            if route.action == "content":
                if route.decode is not None:
                    route.decode(call)
                return await self._files.serve(request, _file_of(task))
            if route.action == "events":
                return self._events(family, task, request.id)
            if route.action == "cancel":
                task = await self._submissions.cancel(task)
            if route.lacks is not None and route.lacks(task):
                task = await self._submissions.ask(task)
            encode = route.encode or family.encode_fetched
        else:
            said.rate = self._desk.rates.admit(caller.key, now=self._desk.clock())
            task = await self._submitted(found, caller.key, call, said)
            encode = route.encode or (family.encode_submitted if route.action == "submit" else family.encode_fetched)
        said.model = task.model
        return _answered(route, encode(task, urls=self._urls_of(family, task), request_id=request.id))

    async def _submitted(self, found: Found, key: ApiKey, call: MediaCall, said: "_Said") -> Task:
        """Return the task that a call asks for: taken by a vendor as a rule, and at its end for `make`."""
        if found.route.action == "submit":
            task = await self._submit(found, key, call, said)
            _raise_if_refused(task)
            if fills_dialog(task.operation) and task.vendor_task:
                await self._submissions.end_dialog(task.parent)
            return task
        async with self._waiting:
            task = await self._submit(found, key, call, said)
            (task,) = await self._waiting.until_ended([task])
        if task.state != "succeeded":
            raise error_of(task)
        return task

    async def _submit(self, found: Found, key: ApiKey, call: MediaCall, said: "_Said") -> Task:
        family, route = found.family, found.route
        assert route.decode is not None
        ask, terms, pinned = await self._terms(found, key, call, said)
        if route.action == "make":
            terms = msgspec.structs.replace(terms, deadline_s=min(terms.deadline_s, self._wait_s))
        task = await self._submissions.draft(
            key, family=family.name, ask=ask, terms=terms, rules=route.inputs, request_id=said.request.id, pinned=pinned
        )
        (taken,) = await self._submissions.take((task,), key)
        said.request.key = None  # from here on there is a task to look at
        return await self._submissions.move(taken)

    async def _terms(self, found: Found, key: ApiKey, call: MediaCall, said: "_Said") -> tuple[Ask, Terms, str]:
        """Return what a call asks for, with the vendor's defaults in it, on what terms, and the only upstream that may have it."""
        route = found.route
        assert route.decode is not None
        ask: Ask = route.decode(call)
        said.model = ask.request.model
        ask, earlier = await self._with_parent(found, ask, key)
        terms = self._submissions.terms(key, ask, field_names=found.field_names, earlier=earlier)
        wanted = terms.request
        if wanted.n > terms.max_n:
            raise InvalidRequest(f"'n' is {wanted.n}, but this model makes at most {terms.max_n} at once.", param="n", code="invalid_value")
        return msgspec.structs.replace(ask, request=wanted), terms, earlier.upstream if earlier is not None else ""

    async def _quote(self, found: Found, call: MediaCall, key: ApiKey, said: "_Said") -> HttpResponse:
        ask, terms, _ = await self._terms(found, key, call, said)
        assert found.route.encode is not None
        body = found.route.encode(
            model=ask.request.model,
            operation=ask.operation,
            amount_nanos=amount_of(terms.price, ask.operation, ask.request),
            price=terms.price.formula,
            request_id=said.request.id,
        )
        return _answered(found.route, body)

    async def _list(self, found: Found, call: MediaCall, key: ApiKey, request_id: str) -> HttpResponse:
        """Answer with a page of the account's tasks, newest first."""
        family, route = found.family, found.route
        assert route.decode is not None
        assert route.encode is not None
        page: Page = route.decode(call)
        before = await self._found(family, page.after, key) if page.after else None
        shown: list[Task] = []
        wanted = min(page.offset + page.limit, MAX_LISTED) + 1
        while len(shown) < wanted:
            tasks = await self._store.list_of(key.account, book=key.book, limit=wanted, before=before)
            shown += [_seen_by(family, task) for task in tasks if kind_of(task.operation) in family.kinds]
            if len(tasks) < min(wanted, MAX_FETCHED):
                break
            before = tasks[-1]
        pairs = [(task, self._urls_of(family, task)) for task in shown[page.offset : wanted - 1]]
        return _answered(route, route.encode(pairs, page=page, has_more=len(shown) >= wanted, request_id=request_id))

    def _events(self, family: MediaFamily, task: Task, request_id: str) -> HttpResponse:
        """Answer with the task's changes as they come."""
        if self._watchers >= MAX_WATCHERS:
            raise Overloaded(retry_after_s=5.0)
        self._watchers += 1

        def on_end() -> None:
            self._watchers -= 1

        def encode(shown: Task) -> bytes:
            return family.encode_fetched(_seen_by(family, shown), urls=self._urls_of(family, shown), request_id=request_id)

        source = TaskEvents(task, look=self._store.get, encode=encode, clock=self._desk.clock, on_end=on_end)
        return HttpResponse(status=200, headers=_EVENTS, body=source)

    async def _with_parent(self, found: Found, ask: Ask, key: ApiKey) -> tuple[Ask, Task | None]:
        """Return the ask with what it builds on made known, and that task, whose upstream has it (None: it builds on nothing).

        Raises:
            TaskNotFound: there is no such task or result in this account.
            InvalidRequest: the task has not come so far.
        """
        named, route, names = ask.request.parent, found.route, found.field_names
        if named is None:
            return ask, None
        output_field = names.get("parent", "parent")
        task_field = names.get("parent.task", output_field) if named.task else output_field
        task = await self._store.get(named.task, account=key.account) if named.task else None
        if task is None and named.output and not named.task:
            task = await self._store.find_output(named.output, account=key.account, book=key.book)
        if task is None or task.book != key.book:
            raise TaskNotFound(param=task_field)
        if named.output and all(output.vendor_id != named.output for output in task.outputs):
            raise TaskNotFound(param=output_field)  # a result of somebody else's is not to be had by naming a task of one's own beside it
        if task.state not in ask.parent_states:
            raise InvalidRequest(f"The task {task.id} is {task.state}; it must be {' or '.join(ask.parent_states)}.", code="task_not_ready")
        parent = msgspec.structs.replace(named, task=task.id, vendor_task=task.vendor_task, operation=task.operation)
        ask = msgspec.structs.replace(ask, request=msgspec.structs.replace(ask.request, parent=parent))
        if route.with_parent is not None:
            ask = route.with_parent(ask, task)
        if fills_dialog(ask.operation):
            ask = _at_quality_of(task, ask, field=names.get("quality", "quality"))
        return ask, task if ask.request.parent is not None else None

    async def _file(self, found: Found, request: HttpRequest) -> HttpResponse:
        """Answer with the first file of a task, or its preview, to whoever knows its id: it cannot be guessed."""
        task = await self._store.get(found.values["task_id"])
        if task is None or task.family != found.family.name:  # others' files are behind signed addresses alone
            raise TaskNotFound
        if task.finished_at is None and found.family.preview_path:
            return await self._files.serve_preview(task)
        return await self._files.serve(request, _file_of(task))

    def _count(self, said: "_Said", status: int, request: HttpRequest) -> None:
        total_ms = max(0, int((self._desk.clock() - request.started) * 1000))
        self._desk.metrics.request_finished(
            endpoint=said.endpoint,
            model=said.model,
            upstream="",
            status=status,
            total_ms=total_ms,
            first_byte_ms=total_ms,
            input_tokens=0,
            output_tokens=0,
            amount_nanos=0,  # a task is charged when it ends
        )

    def _urls_of(self, family: MediaFamily, task: Task) -> list[str]:
        return self._links.urls_of(task, preview_path=family.preview_path if task.family == family.name else "")

    async def _found(self, family: MediaFamily, task_id: str, key: ApiKey) -> Task:
        task = await self._store.get(task_id, account=key.account)
        if task is None or task.book != key.book or kind_of(task.operation) not in family.kinds:
            raise TaskNotFound
        return _seen_by(family, task)

    async def _found_many(self, family: MediaFamily, ids: Sequence[str], key: ApiKey) -> list[Task]:
        """Return those of the tasks that are the caller's, in the order asked for, at most `MAX_FETCHED`."""
        tasks = [await self._store.get(task_id, account=key.account) for task_id in dict.fromkeys(ids[:MAX_FETCHED])]
        shown = [task for task in tasks if task is not None and task.book == key.book and kind_of(task.operation) in family.kinds]
        return [_seen_by(family, task) for task in shown]


class _Said:
    """What is known of a request for its record, as far as it came."""

    __slots__ = ("endpoint", "model", "rate", "request", "route", "submits")

    def __init__(self, family: str, request: HttpRequest) -> None:
        self.request = request
        self.submits = False
        self.endpoint = family
        self.route: MediaRoute | None = None
        self.model = ""
        self.rate: RateState | None = None


def _call_of(found: Found, request: HttpRequest, *, operations_of: Callable[[str], tuple[str, ...]]) -> MediaCall:
    try:
        query = dict(parse_qsl(request.query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)) if request.query else {}
    except ValueError:
        raise InvalidRequest(f"The query has more than {MAX_QUERY_FIELDS} parameters.") from None
    return MediaCall(
        body=request.body,
        content_type=(request.headers.get(b"content-type") or b"").decode("latin-1"),
        values=found.values,
        query=query,
        alias=found.alias,
        operations_of=operations_of,
    )


def _file_of(task: Task) -> str:
    """Return the first file of a task. Raises InvalidRequest while there is none, TaskNotFound when there will be none."""
    if task.finished_at is None:
        raise InvalidRequest("The task is not finished yet.", code="task_not_ready")
    blob = next((output.blob for output in task.outputs if output.blob), "") if task.state == "succeeded" else ""
    if not blob:
        raise TaskNotFound("The task has no file.")
    return blob


def _answered(route: MediaRoute, body: bytes) -> HttpResponse:
    if route.status == NO_CONTENT:
        return HttpResponse(status=NO_CONTENT, headers=HeaderBlock())
    return HttpResponse(status=route.status, headers=HeaderBlock.of(("content-type", "application/json")), body=body)


def _at_quality_of(dialog: Task, ask: Ask, *, field: str) -> Ask:
    """Return what fills in a dialog at the quality at which its dialog was opened: the vendor goes on with that job, so it has that price.

    Raises:
        InvalidRequest: it asks for another.
    """
    request, opened = ask.request, decode_request(dialog.operation, dialog.request)
    if isinstance(request, MusicRequest) or isinstance(opened, MusicRequest):
        return ask
    if request.quality not in ("", opened.quality):
        usual = opened.quality or "the usual one"
        message = f"{field} is {request.quality}, but the dialog was opened at another, {usual}: it goes on at that."
        raise InvalidRequest(message, param=field, code="invalid_value")
    return msgspec.structs.replace(ask, request=msgspec.structs.replace(request, quality=opened.quality))


def _seen_by(family: MediaFamily, task: Task) -> Task:
    """Return a task as a family may read it: another family's facts say nothing to it."""
    return task if task.family == family.name else msgspec.structs.replace(task, facts=b"{}")


def _raise_if_refused(task: Task) -> None:
    """Say at once what the vendor said at once. Numbered cases:

    1. not refused, or taken and failed later: no error here, the fetch tells;
    2. the caller's fault: 400 with the vendor's words;
    3. nobody could take it: 503 or 502.
    """
    if task.state != "failed" or task.vendor_task:
        return
    if task.error_code in refusals.CALLER_FAULTS:
        message = task.error_message or "The upstream refused this request as not valid."
        raise UpstreamRefused(message, status=400, code=task.error_code)
    if task.error_code in (refusals.RATE_LIMITED, refusals.VENDOR_UNAVAILABLE):
        raise NoUpstream("Every upstream of this model is busy. Try again shortly.", retry_after_s=5.0)
    raise UpstreamError("No upstream took this task. It was not charged.")
