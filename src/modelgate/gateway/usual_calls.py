"""The usual call, by callbacks: a conversation that asks for one whole answer, of a key that is known here, at the one upstream that has
the model, in that upstream's own dialect.

    begin: take money, stage the hold --committed--> ask on an idle connection --answered--> stage the charge --committed--> reply

It is the way of `CallGateway.handle` without a coroutine, for half of the CPU. Whatever is out of the ordinary goes that way: before
there is a hold by declining the request, after it by `CallGateway.carry_on` with what there is by then. What can be known from the head
alone, and of a model for this key, is worked out once and kept with the head's bytes; a changed key or configuration makes it void.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from math import inf

import msgspec

from modelgate.core.errors import ModelgateError, Overloaded
from modelgate.core.http import HttpRequest, HttpResponse, Reply
from modelgate.core.providers import Quirks
from modelgate.core.records import RequestFacts
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import ChatPeek, UnreadableAnswer, WireFormat
from modelgate.gateway.attempts import prepared_head
from modelgate.gateway.call import Call, CallDesk, units_of
from modelgate.gateway.callers import presented_key
from modelgate.gateway.calls import AnyKind, CallGateway
from modelgate.gateway.chat import ChatKind
from modelgate.gateway.chat_exchange import JSON_TYPE
from modelgate.gateway.configuration import Configuration, Door
from modelgate.gateway.idempotency import is_asked
from modelgate.gateway.paths import usual_format
from modelgate.gateway.state_ids import BoundIds
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.metering.meter import RETRY_AFTER_S, Hold
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateState
from modelgate.routing.health import Health
from modelgate.routing.table import Candidate
from modelgate.transport.client import Pool, Transport
from modelgate.transport.connection import JOIN_BYTES, Connection
from modelgate.transport.errors import TransportError
from modelgate.transport.framing import ResponseHead
from modelgate.transport.response import UpstreamResponse

MAX_BODY_BYTES = JOIN_BYTES
MAX_MODELS = 64
"""Models remembered for each head."""
JSON_LINE = b"content-type: %b\r\n" % JSON_TYPE


class Terms(msgspec.Struct):
    """On what terms a key is served a model: at whose door, in which words, at what price.

    `beginning` and `middle` are what stands around the request id where nothing but that and the body differs between requests; empty: they
    are made for each.
    """

    candidate: Candidate
    door: Door
    pool: Pool
    price: Price
    wire_format: WireFormat
    quirks: Quirks
    is_renamed: bool
    ids: BoundIds
    beginning: bytes = b""
    middle: bytes = b""


class Known(msgspec.Struct):
    """What a head says, by one configuration and as long as no key changes. Of a model that is nothing for this way the terms are None.

    `tells_openai`: answers have no header lines but those of OpenAI's dialect.
    """

    kind: ChatKind
    tells_openai: bool
    caller: Caller
    configuration: Configuration
    keys_forgotten: int
    good_until: float
    terms: dict[str, Terms | None]


class UsualCall(msgspec.Struct, eq=False):
    """One call on this way, told of its commits, its upstream and its end: a `core.http.Begun` and a `transport.connection.Listener`.

    `reply` None: it was dropped, and its upstream tells it nothing more.
    """

    usual: "UsualCalls"
    request: HttpRequest
    reply: Reply | None
    known: Known
    terms: Terms
    peeked: ChatPeek
    rate: RateState | None = None
    hold: Hold | None = None
    ignored: tuple[str, ...] = ()
    connection: Connection | None = None
    body: bytes | bytearray = b""

    def cancel(self) -> bool:
        """Drop it. Its hold stays open, and is found by whoever recovers the journal."""
        self.reply = None
        if self.connection is not None:
            self.connection.leave(self)
        return False

    def held(self, is_committed: bool) -> None:
        """The hold is durable, so the upstream may be asked; or the journal broke."""
        if self.reply is None:
            return
        try:
            if is_committed:
                self._ask()
            else:
                self.reply.await_answer(self.request, self._refuse)
        except Exception as fault:  # noqa: BLE001  # a hold must never be left open, nor its caller without an answer
            self.failed(fault)

    def _ask(self) -> None:
        terms, request = self.terms, self.request
        body, beginning, middle = request.body, terms.beginning, terms.middle
        if not beginning:
            body, beginning, middle = self._prepare(terms, request)
        whole = b"%b%b%bContent-Length: %d\r\n\r\n%b" % (beginning, request.id.encode(), middle, len(body), body)  # type: ignore[str-format]
        self.connection = terms.pool.ask_idle(whole, self, timeouts=terms.door.timeouts)
        if self.connection is None:
            self.known.terms.pop(self.peeked.model, None)  # the transport may have made a new pool
            self._hand_over(None)

    def _prepare(self, terms: Terms, request: HttpRequest) -> tuple[bytes | bytearray, bytes, bytes]:
        """Return the body for the upstream, and what stands before and behind the request id; keep these where they stay the same."""
        pass_request = terms.wire_format.pass_request
        ask = pass_request(request, self.peeked, terms.candidate.upstream_model, terms.quirks, terms.ids)
        self.ignored = ask.ignored
        beginning = prepared_head(self.usual.transport, terms.door, ask.path)
        middle = b"\r\ncontent-type: %b\r\n%b" % (ask.content_type, ask.lines)
        if ask.body is request.body and not terms.is_renamed and terms.wire_format.passes_untouched(terms.quirks):
            terms.beginning, terms.middle = beginning, middle
        return ask.body, beginning, middle

    def whole(self, head: ResponseHead, body: bytes) -> None:
        """The answer is here in one piece."""
        terms = self.terms
        pass_response = terms.wire_format.pass_response
        try:
            usage, amount_nanos = None, 0
            if head.status == 200 and not head.is_events:
                try:
                    passed = pass_response(body, self.peeked, terms.is_renamed, terms.ids)
                    usage, self.body = passed.usage, passed.body
                    if usage is not None:
                        amount_nanos = terms.price.charge(usage)
                except (UnreadableAnswer, ValueError):
                    usage = None
            if usage is not None:
                self._charge(usage, amount_nanos)
            else:
                self.begun(UpstreamResponse(None, head, body))
        except Exception as fault:  # noqa: BLE001  # as above
            self.failed(fault)

    def _charge(self, usage: Usage, amount_nanos: int) -> None:
        """Count the call everywhere it is counted and stage its charge. As `Call.charge`, whose record it writes to the letter."""
        terms, request, key = self.terms, self.request, self.known.caller.key
        desk, endpoint, model, upstream = self.usual.desk, self.known.kind.name, self.peeked.model, terms.candidate.upstream.id
        clock = desk.clock
        started, now = request.started, clock()
        total_ms = int((now - started) * 1000)
        tokens_in, tokens_out = usage.input_tokens, usage.output_tokens
        if self.rate is not None:
            desk.rates.add_tokens(key, tokens_in + tokens_out, now=now)
        desk.metrics.request_finished(
            endpoint=endpoint,
            model=model,
            upstream=upstream,
            status=200,
            total_ms=total_ms,
            first_byte_ms=total_ms,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            amount_nanos=amount_nanos,
        )
        facts = RequestFacts(
            model,
            int(started * 1000),
            request.id,
            key.account,
            key.id,
            key.book,
            endpoint,
            200,
            upstream,
            tokens_in,
            tokens_out,
            total_ms,
            total_ms,
            False,
            terms.candidate.upstream_model,
            1,
            False,
            usage.cached_tokens,
            units_of(usage),
            terms.price.formula,
        )
        assert self.hold is not None
        desk.meter.capture(self.hold, amount_nanos=amount_nanos, facts=facts, committed=self.paid)

    def paid(self) -> None:
        """The charge is durable, so the answer may go."""
        if self.reply is None:
            return
        known, rate = self.known, self.rate
        try:
            if known.tells_openai and not self.ignored:
                lines = JSON_LINE if rate is None else JSON_LINE + rate.header_lines()
            else:
                lines = self.usual.calls.lines_of(self, known.kind, JSON_TYPE)
        except Exception as fault:  # noqa: BLE001  # the hold is over, but its caller waits
            self.reply.await_answer(self.request, partial(_raise, fault))
        else:
            self.reply.answer(lines, self.body)

    def begun(self, response: UpstreamResponse) -> None:
        """The answer is not the usual one."""
        answer = self.usual.loop.create_future()
        answer.set_result(response)
        self._hand_over(answer)

    def failed(self, error: Exception) -> None:
        """There is no answer, or there is a fault."""
        answer = self.usual.loop.create_future()
        answer.set_exception(error)
        answer.exception()  # should the ordinary way fail before it asks for this, that is no news
        self._hand_over(answer)

    def _hand_over(self, begun: "asyncio.Future[UpstreamResponse] | None") -> None:
        assert self.reply is not None
        self.reply.await_answer(self.request, partial(self._carry_on, begun))

    async def _carry_on(self, begun: "asyncio.Future[UpstreamResponse] | None", request: HttpRequest) -> HttpResponse:
        """Answer by a coroutine, the hold being open."""
        usual, known, terms = self.usual, self.known, self.terms
        call = Call(
            desk=usual.desk,
            request=request,
            endpoint=known.kind.name,
            caller=known.caller,
            asked=self.peeked,
            price=terms.price,
            rate=self.rate,
        )
        call.hold = self.hold
        return await usual.calls.carry_on(
            call, known.kind, self.peeked, candidates=[terms.candidate], configuration=known.configuration, begun=begun
        )

    async def _refuse(self, request: HttpRequest) -> HttpResponse:
        """Refuse a request whose hold could not be written."""
        error, kind = Overloaded(retry_after_s=RETRY_AFTER_S), self.known.kind
        self.usual.desk.refusals.note(request, error, endpoint=kind.name, model=self.peeked.model)
        return self.usual.calls.refusal(error, kind, request, self.rate)


async def _raise(fault: Exception, request: HttpRequest) -> HttpResponse:
    """Leave a fault to the edge."""
    del request
    raise fault


class UsualCalls:
    """What the edge offers its requests first. One per relay."""

    def __init__(
        self,
        calls: CallGateway,
        *,
        kinds: Mapping[str, AnyKind],
        keys: KeyTable,
        desk: CallDesk,
        transport: Transport,
        health: Health,
    ) -> None:
        self.calls = calls
        self.desk = desk
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self._kinds = kinds
        self._keys = keys
        self._health = health
        self.configuration: Configuration | None = None
        """The current one, kept here by whoever is told of it: each request asks."""

    def begin(self, request: HttpRequest, reply: Reply) -> UsualCall | None:
        """See `core.http.Begin`."""
        headers = request.headers
        known = headers.known
        if type(known) is not Known or known.configuration is not self.configuration or known.keys_forgotten != self._keys.forgotten:
            known = headers.known = self._learn(request)
            if known is None:
                return None
        body, clock = request.body, self.desk.clock
        now = clock()
        if now >= known.good_until or len(body) > MAX_BODY_BYTES:
            return None
        peek = known.kind.peek
        try:
            peeked = peek(request)
        except Exception:  # noqa: BLE001  # whatever it is, it will be said on the other way
            return None
        model = peeked.model
        terms = known.terms.get(model) or self._terms_of(known, model)
        if terms is None or not self._health.is_fine(terms.candidate.place):
            return None
        is_plain = terms.wire_format.is_plain
        if not is_plain(peeked):
            return None
        n = peeked.n
        amount_nanos = terms.price.estimate_chat(body_bytes=len(body), max_output_tokens=peeked.output_limit, n=1 if n is None else n)
        # The rest of this function is one of its own only for its length.
        return self._hold(UsualCall(self, request, reply, known, terms, peeked), amount_nanos, now)

    def _hold(self, call: UsualCall, amount_nanos: int, now: float) -> UsualCall | None:
        caller, meter, request = call.known.caller, self.desk.meter, call.request
        key = caller.key
        lease = meter.take_now(key, period=caller.period, period_ends_at=caller.period_ends_at, amount_nanos=amount_nanos)
        if lease is None:
            return None
        try:
            call.rate = self.desk.rates.admit(key, now=now)
        except Exception:  # noqa: BLE001  # as above; nearly always the rate is exceeded
            meter.give_back(lease, amount_nanos)
            return None
        request.key = key
        call.hold = meter.hold_now(key, lease=lease, amount_nanos=amount_nanos, request_id=request.id, committed=call.held)
        return call

    def _learn(self, request: HttpRequest) -> Known | None:
        """Return what the head of a request says; None: nothing for this way."""
        kind = self._kinds.get(usual_format(request.path)) if request.method == "POST" else None
        configuration = self.configuration
        if not isinstance(kind, ChatKind) or configuration is None or is_asked(request):
            return None
        caller = self._keys.presented(presented_key(request.headers))
        if caller is None or caller.key.cache_s is not None or caller.key.disabled or caller.key.ips:
            return None
        good_until = caller.key.expires_at if caller.key.expires_at is not None else inf
        tells_openai = not kind.request_id_header and kind.rate_lines is None
        return Known(kind, tells_openai, caller, configuration, self._keys.forgotten, good_until, {})

    def _terms_of(self, known: Known, model: str) -> Terms | None:
        """Return the terms for a model; None: it is not had by this way."""
        if model in known.terms:
            return None
        if len(known.terms) >= MAX_MODELS:
            known.terms.clear()
        try:
            terms = self._find_terms(known, model)
        except (ModelgateError, TransportError):
            terms = None
        known.terms[model] = terms
        return terms

    def _find_terms(self, known: Known, model: str) -> Terms | None:
        """Return the terms. Raises ModelgateError, TransportError: whatever it is, it will be said on the other way."""
        key, kind, configuration = known.caller.key, known.kind, known.configuration
        check_model(key, model)
        offer, price = configuration.offer_to(key, operation=kind.operation, model=model)
        candidate, own_name = offer.only, kind.wire_format.name
        if candidate is None or candidate.upstream.max_concurrent > 0 or configuration.spoken_to(candidate.upstream, own_name) != own_name:
            return None
        door = configuration.door(candidate.upstream, candidate.credential)
        pool = self.transport.pool(door.target)
        if pool.proxy_header:
            return None
        return Terms(
            candidate,
            door,
            pool,
            price,
            kind.wire_format,
            configuration.quirks_of(candidate.upstream),
            candidate.upstream_model != model,
            BoundIds(configuration.seals, account=key.account, upstream=candidate.upstream.id, credential=candidate.credential.id),
        )
