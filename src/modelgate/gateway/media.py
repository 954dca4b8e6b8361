"""The way of a media task: one pipeline for every family, submit and fetch."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import (
    ModelgateError,
    NoUpstream,
    TaskNotFound,
    UnknownPath,
    UpstreamError,
    UpstreamRefused,
)
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.ids import new_id
from modelgate.core.providers import Provider
from modelgate.core.records import ApiKey, Task
from modelgate.formats.media import refusals
from modelgate.formats.media.family import MediaFamily, MediaRoute
from modelgate.formats.media.requests import ImageRequest, MediaRequest, decode_request, encode_request
from modelgate.gateway.callers import authenticate
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.families import MediaRoutes, render_family_error
from modelgate.gateway.files import FileLinks
from modelgate.gateway.inputs import Inputs
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.periods import current_period
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateCounters, RateState
from modelgate.tasks.recorder import LEASE_S
from modelgate.tasks.store import TaskStore
from modelgate.telemetry.metrics import Metrics

SUBMIT_WAIT_S = 5.0
"""How long a submit waits for the vendor's first word before it answers all the same; the worker goes on."""
MAX_MOVING = 256
"""Submits that may wait for a vendor at once; further ones are queued and left to the worker."""
DEFAULT_DEADLINE_S = 3600.0


class Mover(Protocol):
    """The only one who moves a task on."""

    async def advance(self, task: Task) -> Task:
        """Move a task that is leased to this process by one step and return it as it is then."""
        ...


class MediaDesk(msgspec.Struct, frozen=True, kw_only=True):
    """What every submit asks: who may, at what rate, where to, at what price."""

    keys: KeyTable
    rates: RateCounters
    configuration: Callable[[], Configuration]
    providers: Mapping[str, Provider]
    metrics: Metrics
    clock: Clock


class MediaGateway:
    """Serves every route of every media family."""

    def __init__(
        self,
        desk: MediaDesk,
        *,
        routes: MediaRoutes,
        inputs: Inputs,
        store: TaskStore,
        mover: Mover,
        links: FileLinks,
        log_fault: Callable[[BaseException, str], None],
    ) -> None:
        """`log_fault(error, request_id)` hears of a mover's faults; the worker tries those tasks again."""
        self._desk = desk
        self._routes = routes
        self._inputs = inputs
        self._store = store
        self._mover = mover
        self._links = links
        self._log_fault = log_fault
        self._moving: set[asyncio.Task[Task]] = set()

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

    async def drain(self, timeout_s: float) -> None:
        """Wait for submits that are at a vendor; what is not done by then is found again by the next process."""
        if self._moving:
            await asyncio.wait(self._moving, timeout=timeout_s)

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
        key = caller.key
        task = await self._accept(family, route, key, request)
        period, _ = current_period(key.limit_reset, task.created_at)  # the table's may have ended since the key was looked up
        lease_until = task.created_at + LEASE_S
        try:
            task = await self._store.insert(task, period=period, limit_nanos=key.limit_nanos, lease_until=lease_until)
        except ModelgateError:
            await self._inputs.discard(decode_request(task.operation, task.request))
            raise
        task = await self._move(task)
        _raise_if_refused(task)
        return task

    async def _accept(self, family: MediaFamily, route: MediaRoute, key: ApiKey, request: HttpRequest) -> Task:
        """Return the task a body asks for, its inputs stored. Nothing else is kept yet, and no picture stays in memory."""
        assert route.decode is not None
        content_type = (request.headers.get(b"content-type") or b"").decode("latin-1")
        wanted, facts = route.decode(request.body, content_type)
        request.body = b""
        check_model(key, wanted.model)
        price, deadline_s = self._price(key, route.operation, wanted.model)
        task_id = new_id("task")
        stored = await self._inputs.store(wanted, rules=route.inputs, task_id=task_id)
        now = self._desk.clock()
        return Task(
            id=task_id,
            account=key.account,
            key=key.id,
            book=key.book,
            family=family.name,
            operation=route.operation,
            model=stored.model,
            state="queued",
            request=encode_request(stored),
            facts=facts,
            amount_nanos=amount_of(price, stored),
            weight=weight_of(stored),
            request_id=request.id,
            created_at=now,
            updated_at=now,
            due_at=now,
            deadline_at=now + deadline_s,
        )

    def _price(self, key: ApiKey, operation: str, model: str) -> tuple[Price, float]:
        """Return the price of a model that has a route, and how long its slowest vendor may take."""
        offer, price = self._desk.configuration().offer_to(key, operation=operation, model=model)
        deadlines = [
            provider.media[operation].deadline_s
            for route in offer.routes
            if (provider := self._desk.providers.get(route.upstream.provider)) is not None and operation in provider.media
        ]
        return price, max(deadlines, default=DEFAULT_DEADLINE_S)

    async def _move(self, task: Task) -> Task:
        """Let the mover submit the task and return it as it is after that, or after `SUBMIT_WAIT_S` as it was.

        The step itself is never cancelled: a vendor may have taken the job already.
        """
        if len(self._moving) >= MAX_MOVING:
            return await self._store.save(task) or task  # without the lease: whoever has time takes it
        step = asyncio.get_running_loop().create_task(self._mover.advance(task))
        self._moving.add(step)
        step.add_done_callback(self._moved)
        done, _ = await asyncio.wait((step,), timeout=SUBMIT_WAIT_S)
        return step.result() if done and not step.cancelled() and step.exception() is None else task

    def _moved(self, step: "asyncio.Task[Task]") -> None:
        self._moving.discard(step)
        if not step.cancelled() and (error := step.exception()) is not None:
            self._log_fault(error, "")


def amount_of(price: Price, request: MediaRequest) -> int:
    """Return what a request costs in nano-USD. Media prices are by the piece, so the hold is the charge."""
    match request:
        case ImageRequest():
            return price.charge_media(images=request.n, variant="with_image" if request.images else "")


def weight_of(request: MediaRequest) -> int:
    """Return how many of an upstream's concurrent places a request takes."""
    match request:
        case ImageRequest():
            return request.n


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
