"""The way of a call that is answered at once: one function owns the control flow, every room is called once and none calls back.

What differs between conversations and other calls, and between dialects, is a `Kind`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from modelgate.core.errors import InvalidRequest, ModelgateError, NoUpstream, RateExceeded, UpstreamError, UpstreamFailed
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.rates import RateFacts, no_rate_lines
from modelgate.core.usage import Usage
from modelgate.gateway.answer_stream import AnswerStream
from modelgate.gateway.attempts import Attempts, Exchange, everybody_busy
from modelgate.gateway.call import Asked, Call, CallDesk, Words, settle
from modelgate.gateway.callers import authenticate
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.state_ids import Bound
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateState
from modelgate.routing.health import Health
from modelgate.routing.plan import is_open, plan_candidates, soonest_retry_s
from modelgate.routing.table import Candidate, Route
from modelgate.transport.client import Transport
from modelgate.transport.response import UpstreamResponse

KEEPER_TICK_S = 5.0
MAX_IGNORED_HEADER_CHARACTERS = 1000

_STREAM_LINES = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"


class Whole(msgspec.Struct, frozen=True):
    """An answer that came in one piece; `usage` None: the upstream said nothing credible."""

    body: bytes | bytearray
    content_type: bytes
    usage: Usage | None
    usage_refused: bool
    words: Callable[[], Words] | None


class Peeked(Asked, Protocol):
    """What is known of a request before it is read. `state`: an id of ours in it that binds it to one upstream, or empty."""

    @property
    def state(self) -> str: ...


PeekedT = TypeVar("PeekedT", bound=Peeked)


class Kind(Protocol[PeekedT]):
    """One kind of call in one client's dialect. `name` is the word for it in records, `operation` what routes are looked up by.
    `rate_lines(facts, now)` tells a key's limits as header lines; None: in OpenAI's form, which the meter renders itself."""

    name: str
    operation: str
    request_id_header: bytes
    rate_lines: Callable[[RateFacts, float], bytes] | None

    def peek(self, request: HttpRequest) -> PeekedT:
        """Read what routing and money need. Raises InvalidRequest."""
        ...

    def estimate(self, request: HttpRequest, peeked: PeekedT, price: Price) -> int:
        """Return an upper bound of the charge in nano-USD."""
        ...

    def exchange(
        self, call: Call, peeked: PeekedT, *, configuration: Configuration, on_stream_over: Callable[[AnswerStream], None]
    ) -> Exchange[Whole | AnswerStream]:
        """Return the request in the words of whichever upstream it is put to."""
        ...

    def encode_error(self, error: ModelgateError, request_id: str) -> HttpResponse:
        """Return an error in this dialect."""
        ...


AnyKind: TypeAlias = Kind[Any]
"""A kind whose peeks nobody but itself looks into."""


class Answered(Protocol):
    """What the header lines of an answer tell of. `ignored`: fields that were left out of the request."""

    @property
    def request(self) -> HttpRequest: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...
    @property
    def rate(self) -> RateState | None: ...


class ByCache(Protocol):
    """What answers the requests of keys that have a cache."""

    def answer(self, request: HttpRequest, kind: AnyKind, caller: Caller, calls: "CallGateway") -> Awaitable[HttpResponse]:
        """Return the answer from the cache, or that of `calls.handle`, which is given the caller and so does not come here again."""
        ...


class CallGateway:
    """Serves calls of every kind."""

    def __init__(
        self,
        *,
        keys: KeyTable,
        desk: CallDesk,
        transport: Transport,
        health: Health,
        configuration: Callable[[], Configuration | None],
        log_fault: Callable[[BaseException, str], None],
        by_cache: ByCache | None = None,
    ) -> None:
        """`configuration` gives the current one (None: none has come yet). `log_fault(error, request_id)` hears of our own faults."""
        self._keys = keys
        self._desk = desk
        self._configuration = configuration
        self._log_fault = log_fault
        self._by_cache = by_cache
        self._health = health
        self._loop = asyncio.get_running_loop()  # kept: each look-up costs a system call
        self._streams: set[AnswerStream] = set()
        self._attempts: Attempts[Whole | AnswerStream] = Attempts(transport=transport, health=health)

    async def handle(self, request: HttpRequest, kind: Kind[PeekedT], caller: Caller | None = None) -> HttpResponse:
        """Answer one request; every failure becomes an error of its dialect, and a hold that was taken is given back.

        `caller`: who asks, where that is known already and the cache has no say.
        """
        desk = self._desk
        rate: RateState | None = None
        peeked: PeekedT | None = None
        try:
            if caller is None:
                caller = await authenticate(request, keys=self._keys, clock=desk.clock)
                if caller.key.cache_s is not None and self._by_cache is not None:
                    return await self._by_cache.answer(request, kind, caller, self)
            configuration = self._configuration()
            if configuration is None:
                raise NoUpstream("The gateway is starting. Try again shortly.", retry_after_s=1.0)
            rate = desk.rates.admit(caller.key, now=desk.clock())
            peeked = kind.peek(request)
            check_model(caller.key, peeked.model)
            price, candidates = self._plan(caller, peeked, configuration, operation=kind.operation)
            call = Call(desk=desk, request=request, endpoint=kind.name, caller=caller, asked=peeked, price=price, rate=rate)
            call.hold = await desk.meter.open_hold(
                key=caller.key,
                period=caller.period,
                period_ends_at=caller.period_ends_at,
                amount_nanos=kind.estimate(request, peeked, price),
                request_id=request.id,
            )
        except ModelgateError as error:
            self._desk.refusals.note(request, error, endpoint=kind.name, model=peeked.model if peeked is not None else "")
            return self.refusal(error, kind, request, rate)
        except Exception as fault:  # noqa: BLE001  # the request's edge: whoever asked gets an answer in its dialect
            self._log_fault(fault, request.id)
            unexpected = ModelgateError()
            self._desk.refusals.note(request, unexpected, endpoint=kind.name, model=peeked.model if peeked is not None else "")
            return self.refusal(unexpected, kind, request, rate)
        return await self.carry_on(call, kind, peeked, candidates=candidates, configuration=configuration)

    async def carry_on(
        self,
        call: Call,
        kind: Kind[PeekedT],
        peeked: PeekedT,
        *,
        candidates: list[Candidate],
        configuration: Configuration,
        begun: Awaitable[UpstreamResponse] | None = None,
    ) -> HttpResponse:
        """Answer a request whose hold is open. `begun`: what comes of asking the first candidate, where it was asked already."""
        try:
            exchange = kind.exchange(call, peeked, configuration=configuration, on_stream_over=self._stream_over)
            outcome = await self._attempts.run(call, candidates, exchange, configuration=configuration, begun=begun)
            if isinstance(outcome, AnswerStream):
                self._streams.add(outcome)
                outcome.accept()
                return self._response(call, kind, outcome, content_type=outcome.content_type)
            paid = self._charge(call, outcome)
        except ModelgateError as error:
            await call.release(error)
            return self.refusal(error, kind, call.request, call.rate)
        except Exception as fault:  # noqa: BLE001  # the request's edge: a hold must never be left open
            self._log_fault(fault, call.request.id)
            unexpected = ModelgateError()
            await call.release(unexpected)
            return self.refusal(unexpected, kind, call.request, call.rate)
        await paid
        return self._response(call, kind, outcome.body, content_type=outcome.content_type)

    @property
    def open_streams(self) -> int:
        """How many streams are under way, drained ones included, and answers whose words are still being counted."""
        return len(self._streams) + len(self._desk.counting)

    async def end_streams(self, wait_s: float) -> None:
        """End what is under way still when no time is left: it is charged as far as it came, by its size if words are not counted soon."""
        for stream in tuple(self._streams):
            stream.fail(UpstreamError("The gateway stops."))
        if counting := tuple(self._desk.counting):
            _, late = await asyncio.wait(counting, timeout=wait_s)
            for task in late:
                task.cancel()  # which charges
            if late:
                await asyncio.wait(late, timeout=wait_s)

    async def keep_streams(self) -> None:
        """Say a comment on silent streams now and then, until cancelled."""
        while True:
            await asyncio.sleep(KEEPER_TICK_S)
            for stream in tuple(self._streams):
                stream.tick()

    def _plan(self, caller: Caller, peeked: Peeked, configuration: Configuration, *, operation: str) -> tuple[Price, list[Candidate]]:
        model = peeked.model
        offer, price = configuration.offer_to(caller.key, operation=operation, model=model)
        now = self._desk.clock()
        if offer.only is not None and not peeked.state and is_open(offer.only, health=self._health, now=now):
            return price, [offer.only]
        candidates = plan_candidates(offer.routes, model=model, health=self._health, now=now)
        if not candidates:
            wait = soonest_retry_s(offer.routes, model=model, health=self._health, now=now)
            if wait is not None:
                raise UpstreamFailed("The upstream asks to be called later.", status=429, code="rate_limit_exceeded", retry_after_s=wait)
            raise everybody_busy()
        if peeked.state:
            bound = configuration.seals.find(peeked.state, account=caller.key.account)
            candidates = _at_its_keeper(candidates, bound, offer.routes, asked=peeked)
        return price, candidates

    def _charge(self, call: Call, whole: Whole) -> "asyncio.Future[None]":
        """Stage the charge of an answer that came in one piece; the future is done when it is durable."""
        if whole.usage_refused:
            call.add_note("usage_refused")
        paid: asyncio.Future[None] = self._loop.create_future()
        call.capture(whole.usage, output_bytes=len(whole.body), error="", committed=partial(settle, paid), words=whole.words)
        return paid

    def _stream_over(self, stream: AnswerStream) -> None:
        self._streams.discard(stream)
        self._attempts.ended(stream.candidate)

    def _response(self, call: Call, kind: Kind[PeekedT], body: bytes | bytearray | AnswerStream, *, content_type: bytes) -> HttpResponse:
        lines = self.lines_of(call, kind, content_type)
        if isinstance(body, AnswerStream):
            lines += _STREAM_LINES
        return HttpResponse(status=200, headers=HeaderBlock(lines), body=body)

    def lines_of(self, call: Answered, kind: Kind[PeekedT], content_type: bytes) -> bytes:
        """Return the header lines of an answer."""
        lines = b"content-type: %b\r\n" % content_type
        if call.ignored:
            named = ", ".join(call.ignored)[:MAX_IGNORED_HEADER_CHARACTERS]
            lines += b"modelgate-ignored: %b\r\n" % _one_line(named)
        if kind.request_id_header:
            lines += b"%b: %b\r\n" % (kind.request_id_header, call.request.id.encode())
        if call.rate is not None:
            lines += self.rate_lines(kind, call.rate)
        return lines

    def refusal(self, error: ModelgateError, kind: Kind[PeekedT], request: HttpRequest, rate: RateState | None) -> HttpResponse:
        if isinstance(error, RateExceeded) and error.rates is not None and kind.rate_lines is not None:
            error.header_lines = kind.rate_lines(error.rates, self._desk.clock())
        response = kind.encode_error(error, request.id)
        error.__traceback__ = None  # its frames hold the failure that holds it, and the whole request: nobody looks for cycles
        if rate is not None:
            response.headers = HeaderBlock(response.headers.raw + self.rate_lines(kind, rate))
        return response

    def rate_lines(self, kind: Kind[PeekedT], rate: RateState) -> bytes:
        if kind.rate_lines is None:
            return rate.header_lines()
        return b"" if kind.rate_lines is no_rate_lines else kind.rate_lines(rate.facts(), self._desk.clock())


def _at_its_keeper(candidates: list[Candidate], bound: Bound, routes: Iterable[Route], *, asked: Peeked) -> list[Candidate]:
    """Return the one candidate that keeps what a request refers to.

    Raises:
        InvalidRequest: the model is never served there. NoUpstream: it is, but not now.
    """
    keeper = (bound.upstream, bound.credential)
    kept = [each for each in candidates if (each.upstream.id, each.credential.id) == keeper]
    if kept:
        return kept
    if not any((route.upstream.id, credential.id) == keeper for route in routes for credential in route.credentials):
        message = f"What '{asked.state[:60]}' names is kept by an upstream that does not serve '{asked.model[:200]}'. Send the whole input."
        raise InvalidRequest(message, code="unsupported_parameter")
    raise NoUpstream("The upstream that keeps the earlier answer cannot be asked now.", retry_after_s=1.0)


def _one_line(text: str) -> bytes:
    """Return a text fit for a header: a caller's field names may hold anything."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text).encode()
