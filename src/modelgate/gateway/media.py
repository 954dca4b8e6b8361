"""The way of a media task: one pipeline for every family, submit and fetch."""

from modelgate.core.errors import (
    InvalidRequest,
    ModelgateError,
    NoUpstream,
    TaskNotFound,
    UnknownPath,
    UpstreamError,
    UpstreamRefused,
)
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey, Task
from modelgate.formats.media import refusals
from modelgate.formats.media.family import MediaFamily, MediaRoute
from modelgate.gateway.callers import authenticate
from modelgate.gateway.families import MediaRoutes, render_family_error
from modelgate.gateway.files import FileLinks
from modelgate.gateway.submissions import MediaDesk, Submissions
from modelgate.identity.table import Caller
from modelgate.metering.rates import RateState
from modelgate.tasks.store import TaskStore


class MediaGateway:
    """Serves every route of every media family."""

    def __init__(self, desk: MediaDesk, *, routes: MediaRoutes, submissions: Submissions, store: TaskStore, links: FileLinks) -> None:
        self._desk = desk
        self._routes = routes
        self._submissions = submissions
        self._store = store
        self._links = links

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a submit or a fetch; every failure is said in the family's own words.

        Raises:
            UnknownPath: outside of every family.
        """
        family = self._routes.family_of(request.path)
        if family is None:
            raise UnknownPath
        rate: RateState | None = None
        endpoint, model = "", ""
        try:
            _, route, task_id = self._routes.find(request.method, request.path)
            endpoint = route.endpoint.name
            caller = await authenticate(request, keys=self._desk.keys, clock=self._desk.clock)
            if route.action == "fetch":
                task = await self._found(family, task_id, caller.key)
                body = family.encode_fetched(task, urls=self._urls_of(task), request_id=request.id)
            else:
                rate = self._desk.rates.admit(caller.key, now=self._desk.clock())
                task = await self._submit(family, route, caller, request)
                body = family.encode_submitted(task, request_id=request.id)
            model = task.model
            response = HttpResponse(status=200, headers=HeaderBlock.of(("content-type", "application/json")), body=body)
        except ModelgateError as error:
            response = render_family_error(family, error, request.id)
        self._count(endpoint or family.name, model, response.status, request)
        return _with_rates(response, rate)

    def _count(self, endpoint: str, model: str, status: int, request: HttpRequest) -> None:
        total_ms = max(0, int((self._desk.clock() - request.started) * 1000))
        self._desk.metrics.request_finished(
            endpoint=endpoint,
            model=model,
            upstream="",
            status=status,
            total_ms=total_ms,
            first_byte_ms=total_ms,
            input_tokens=0,
            output_tokens=0,
            amount_nanos=0,  # a task is charged when it ends
        )

    async def _found(self, family: MediaFamily, task_id: str, key: ApiKey) -> Task:
        task = await self._store.get(task_id, account=key.account)
        if task is None or task.book != key.book or task.family != family.name:
            raise TaskNotFound
        return task

    def _urls_of(self, task: Task) -> list[str]:
        return [self._links.url_of(output.blob) for output in task.outputs if output.blob] if task.state == "succeeded" else []

    async def _submit(self, family: MediaFamily, route: MediaRoute, caller: Caller, request: HttpRequest) -> Task:
        assert route.decode is not None
        key = caller.key
        content_type = (request.headers.get(b"content-type") or b"").decode("latin-1")
        wanted, facts = route.decode(request.body, content_type)
        request.body = b""
        terms = self._submissions.terms(key, wanted, operation=route.operation, field_names=family.field_names)
        if wanted.n > terms.max_n:
            raise InvalidRequest(f"'n' is {wanted.n}, but this model makes at most {terms.max_n} at once.", param="n", code="invalid_value")
        task = await self._submissions.draft(
            key,
            wanted,
            family=family.name,
            operation=route.operation,
            facts=facts,
            terms=terms,
            rules=route.inputs,
            request_id=request.id,
        )
        (taken,) = await self._submissions.take((task,), key)
        task = await self._submissions.move(taken)
        _raise_if_refused(task)
        return task


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


def _with_rates(response: HttpResponse, rate: RateState | None) -> HttpResponse:
    if rate is not None:
        response.headers = HeaderBlock(response.headers.raw + rate.header_lines())
    return response
