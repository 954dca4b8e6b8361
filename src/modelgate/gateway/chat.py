"""The way of a chat: one function owns the control flow, every room is called once and none calls back."""

import asyncio
from collections.abc import Callable
from functools import partial

from modelgate.core.errors import ModelgateError, NoUpstream, UpstreamFailed
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.formats.openai_chat.request import count_images, peek
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.schema import Peek
from modelgate.gateway.callers import authenticate
from modelgate.gateway.chat_attempts import Attempts, Whole
from modelgate.gateway.chat_call import ChatCall, ChatDesk, settle
from modelgate.gateway.chat_stream import ChatStream
from modelgate.gateway.configuration import Configuration
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateState
from modelgate.routing.health import Health
from modelgate.routing.plan import is_open, plan_candidates, soonest_retry_s
from modelgate.routing.table import Candidate
from modelgate.transport.client import Transport

OPERATION = "openai_chat"
KEEPER_TICK_S = 5.0

_STREAM_HEADERS = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
_JSON_HEADERS = b"content-type: application/json\r\n"


class ChatGateway:
    """Serves POST /v1/chat/completions."""

    def __init__(
        self,
        *,
        keys: KeyTable,
        desk: ChatDesk,
        transport: Transport,
        configuration: Callable[[], Configuration | None],
        log_fault: Callable[[BaseException, str], None],
    ) -> None:
        """`configuration` gives the current one (None: none has come yet). `log_fault(error, request_id)` hears of our own faults."""
        self._keys = keys
        self._desk = desk
        self._configuration = configuration
        self._log_fault = log_fault
        self._health = Health()
        self._loop = asyncio.get_running_loop()  # kept: each look-up costs a system call
        self._streams: set[ChatStream] = set()
        self._attempts = Attempts(transport=transport, health=self._health, on_stream=self._streams.add, off_stream=self._streams.discard)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one chat request; every failure becomes an error of this dialect, and a hold that was taken is given back."""
        desk = self._desk
        rate: RateState | None = None
        call: ChatCall | None = None
        try:
            caller = await authenticate(request, keys=self._keys, clock=desk.clock)
            configuration = self._configuration()
            if configuration is None:
                raise NoUpstream("The gateway is starting. Try again shortly.", retry_after_s=1.0)
            rate = desk.rates.admit(caller.key, now=desk.clock())
            peeked = peek(request.body)
            check_model(caller.key, peeked.model)
            price, candidates = self._plan(caller, peeked, configuration)
            call = ChatCall(desk=desk, request=request, caller=caller, peeked=peeked, price=price, rate=rate)
            call.hold = await self._desk.meter.open_hold(
                key=caller.key,
                period=caller.period,
                period_ends_at=caller.period_ends_at,
                amount_nanos=_estimate(request, peeked, price),
                request_id=request.id,
            )
            outcome = await self._attempts.run(call, candidates, configuration=configuration)
            if isinstance(outcome, ChatStream):
                return HttpResponse(status=200, headers=_headers(_STREAM_HEADERS, rate), body=outcome)
            paid = self._charge(call, outcome)
        except ModelgateError as error:
            await _release(call, error)
            return _with_rates(encode_error(error, request.id), rate)
        except Exception as fault:  # noqa: BLE001  # the request's edge: a hold must never be left open
            self._log_fault(fault, request.id)
            unexpected = ModelgateError()
            await _release(call, unexpected)
            return _with_rates(encode_error(unexpected, request.id), rate)
        await paid
        return HttpResponse(status=200, headers=_headers(_JSON_HEADERS, rate), body=outcome.body)

    @property
    def open_streams(self) -> int:
        """How many streams are under way, drained ones included."""
        return len(self._streams)

    async def keep_streams(self) -> None:
        """Say a comment on silent streams now and then, until cancelled."""
        while True:
            await asyncio.sleep(KEEPER_TICK_S)
            for stream in tuple(self._streams):
                stream.tick()

    def _plan(self, caller: Caller, peeked: Peek, configuration: Configuration) -> tuple[Price, list[Candidate]]:
        model = peeked.model
        offer, price = configuration.offer_to(caller.key, operation=OPERATION, model=model)
        now = self._desk.clock()
        if offer.only is not None and is_open(offer.only, health=self._health, now=now):
            return price, [offer.only]
        candidates = plan_candidates(offer.routes, model=model, health=self._health, now=now)
        if not candidates:
            wait = soonest_retry_s(offer.routes, model=model, health=self._health, now=now)
            if wait is not None:
                raise UpstreamFailed("The upstream asks to be called later.", status=429, code="rate_limit_exceeded", retry_after_s=wait)
            raise NoUpstream("Every upstream of this model is at its bound of concurrent requests.", retry_after_s=1.0)
        return price, candidates

    def _charge(self, call: ChatCall, whole: Whole) -> "asyncio.Future[None]":
        """Stage the charge of an answer that came in one piece; the future is done when it is durable."""
        if whole.usage_refused:
            call.add_note("usage_refused")
        paid: asyncio.Future[None] = self._loop.create_future()
        call.capture(whole.usage, output_bytes=len(whole.body), status=200, error="", committed=partial(settle, paid))
        return paid


def _estimate(request: HttpRequest, peeked: Peek, price: Price) -> int:
    body = request.body
    return price.estimate_chat(
        body_bytes=len(body), images=count_images(body), max_output_tokens=peeked.output_limit, n=1 if peeked.n is None else peeked.n
    )


async def _release(call: ChatCall | None, error: ModelgateError) -> None:
    if call is not None and call.hold is not None:
        await call.release(error)


def _headers(base: bytes, rate: RateState | None) -> HeaderBlock:
    if rate is None:
        return HeaderBlock(base)
    return HeaderBlock(base + rate.header_lines())


def _with_rates(response: HttpResponse, rate: RateState | None) -> HttpResponse:
    if rate is not None:
        response.headers = _headers(response.headers.raw, rate)
    return response
