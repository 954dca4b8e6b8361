"""The exact cache before the pipeline, for keys and requests that ask for it.

look --found--> a record of its own, priced as the setting says --> hit
 +---absent---> the pipeline; a complete 200 answer is kept      --> stored, or miss
"""

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.money import round_half_up
from modelgate.core.usage import Usage
from modelgate.gateway.answer_cache import MAX_AGE_S, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, AnswerCache, CachedAnswer, cache_key
from modelgate.gateway.answer_stream import AnswerStream
from modelgate.gateway.attempts import Exchange
from modelgate.gateway.call import Call, CallDesk, settle
from modelgate.gateway.callers import authenticate
from modelgate.gateway.calls import AnyKind, CallGateway, Whole
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.recorded_stream import RecordedStream, Room, lines_of_answer
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.rates import RateState

HEADER = b"modelgate-cache"
HIT_PRICE_SETTING = "cache_hit_price"
"""The operator's setting: which share of the original charge a hit costs, a decimal string from 0 to 1."""
MAX_RECORDING_BYTES = 32 * 1024 * 1024
"""What all streams that are being copied for the cache may hold together."""
NOTE = "cache_hit"

_SECONDS = re.compile(rb"\d{1,6}")


class _Asked:
    """What is known of a request that is not read: what the same one before it asked for."""

    __slots__ = ("model", "stream")

    def __init__(self, answer: CachedAnswer) -> None:
        self.model = answer.model
        self.stream = answer.stream


class WatchedKind:
    """A kind that notes the call it is used for, by which the model and the charge are learned."""

    def __init__(self, kind: AnyKind) -> None:
        self._kind = kind
        self.name = kind.name
        self.operation = kind.operation
        self.request_id_header = kind.request_id_header
        self.rate_lines = kind.rate_lines
        self.peek = kind.peek
        self.estimate = kind.estimate
        self.encode_error = kind.encode_error
        self.call: Call | None = None

    def exchange(
        self, call: Call, peeked: Any, *, configuration: Configuration, on_stream_over: Callable[[AnswerStream], None]
    ) -> Exchange[Whole | AnswerStream]:
        """Note the call."""
        self.call = call
        return self._kind.exchange(call, peeked, configuration=configuration, on_stream_over=on_stream_over)


class CachedCalls:
    """Satisfies `gateway.calls.ByCache`."""

    def __init__(self, *, keys: KeyTable, desk: CallDesk, hit_price: Callable[[], str]) -> None:
        """`hit_price` gives the share of the original charge that a hit costs."""
        self._keys = keys
        self._desk = desk
        self._hit_price = hit_price
        self._cache = AnswerCache()
        self.room = Room(MAX_RECORDING_BYTES)

    async def handle(self, request: HttpRequest, kind: AnyKind, calls: CallGateway) -> HttpResponse:
        """Answer a request that has the header."""
        try:
            caller = await authenticate(request, keys=self._keys, clock=self._desk.clock)
        except ModelgateError as error:
            self._desk.refusals.note(request, error, endpoint=kind.name)
            return kind.encode_error(error, request.id)
        return await self.answer(request, kind, caller, calls)

    async def answer(self, request: HttpRequest, kind: AnyKind, caller: Caller, calls: CallGateway) -> HttpResponse:
        """Return the answer from the cache, or the pipeline's."""
        try:
            max_age_s = seconds_of(request, caller)
        except InvalidRequest as error:
            self._desk.refusals.note(request, error, endpoint=kind.name)
            return kind.encode_error(error, request.id)
        if not max_age_s:
            return await calls.handle(request, kind, caller)
        if len(request.body) > MAX_REQUEST_BYTES:
            return _said(await calls.handle(request, kind, caller), b"miss")
        key = cache_key(request, caller.key)
        found = self._cache.get(key, now=self._desk.clock(), max_age_s=max_age_s)
        if found is not None:
            return await self._hit(request, kind, caller, calls, found=found)
        watched = WatchedKind(kind)
        response = await calls.handle(request, watched, caller)
        return self._keep(response, key, watched.call, max_age_s=max_age_s)

    async def _hit(self, request: HttpRequest, kind: AnyKind, caller: Caller, calls: CallGateway, *, found: CachedAnswer) -> HttpResponse:
        """Charge and record a hit as a request of its own, and give the answer."""
        desk = self._desk
        rate: RateState | None = None
        call: Call | None = None
        try:
            rate = desk.rates.admit(caller.key, now=desk.clock())
            check_model(caller.key, found.model)
            call = Call(desk=desk, request=request, endpoint=kind.name, caller=caller, asked=_Asked(found), price=found.price, rate=rate)
            amount_nanos = round_half_up(Decimal(found.charged_nanos) * Decimal(self._hit_price()))
            call.hold = await desk.meter.open_hold(
                key=caller.key,
                period=caller.period,
                period_ends_at=caller.period_ends_at,
                amount_nanos=amount_nanos,
                request_id=request.id,
            )
            call.add_note(NOTE)
            paid: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            call.charge(Usage(calls=0), amount_nanos, error="", committed=partial(settle, paid))
        except ModelgateError as error:
            if call is not None and call.hold is not None:
                await call.release(error)
            else:
                desk.refusals.note(request, error, endpoint=kind.name, model=found.model)
            return calls.refusal(error, kind, request, rate)
        await paid
        lines = found.header_lines + b"age: %d\r\n" % max(0, int(desk.clock() - found.stored_at))
        if kind.request_id_header:
            lines += b"%b: %b\r\n" % (kind.request_id_header, request.id.encode())
        if rate is not None:
            lines += calls.rate_lines(kind, rate)
        return _said(HttpResponse(status=200, headers=HeaderBlock(lines), body=found.body), b"hit")

    def _keep(self, response: HttpResponse, key: bytes, call: Call | None, *, max_age_s: int) -> HttpResponse:
        """Keep a complete answer, a stream's when it has come to its end, and say so."""
        if response.status != 200 or call is None:
            return response
        body, lines = response.body, lines_of_answer(response.headers)
        if isinstance(body, AnswerStream):
            source = body

            def finish(copy: bytes | None) -> None:
                if copy is not None and source.is_whole:
                    self._put(key, call, body=copy, header_lines=lines, max_age_s=max_age_s)

            response.body = RecordedStream(source, room=self.room, max_bytes=MAX_ANSWER_BYTES, finish=finish)
        elif isinstance(body, bytes | bytearray) and len(body) <= MAX_ANSWER_BYTES:
            self._put(key, call, body=bytes(body), header_lines=lines, max_age_s=max_age_s)
        else:
            return _said(response, b"miss")
        return _said(response, b"stored")

    def _put(self, key: bytes, call: Call, *, body: bytes, header_lines: bytes, max_age_s: int) -> None:
        now, asked = self._desk.clock(), call.asked
        answer = CachedAnswer(header_lines, body, asked.model, asked.stream, call.price, call.charged_nanos, now, now + max_age_s)
        self._cache.put(key, answer)


def seconds_of(request: HttpRequest, caller: Caller) -> int:
    """Return how old an answer may be, by the request's header or else the key; 0: the cache is off. Raises InvalidRequest."""
    given = request.headers.get(HEADER)
    if given is None:
        return caller.key.cache_s or 0
    if given.lower() == b"off":
        return 0
    if not _SECONDS.fullmatch(given) or int(given) > MAX_AGE_S:
        raise InvalidRequest(
            f"modelgate-cache is a whole number of seconds from 0 to {MAX_AGE_S}, or off.", param="modelgate-cache", code="invalid_value"
        )
    return int(given)


def _said(response: HttpResponse, word: bytes) -> HttpResponse:
    if response.status == 200:
        response.headers = response.headers.with_line(HEADER, word)
    return response
