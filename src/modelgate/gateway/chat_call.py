"""One chat on its way: what is known of it so far, and the one place where its hold is resolved."""

import asyncio
from collections.abc import Callable
from functools import partial

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest
from modelgate.core.records import RequestFacts
from modelgate.core.usage import Usage
from modelgate.formats.openai_chat.schema import Peek
from modelgate.identity.table import Caller
from modelgate.metering.meter import Hold, Meter
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateCounters, RateState
from modelgate.routing.table import Candidate
from modelgate.telemetry.metrics import Metrics

BYTES_PER_TOKEN = 4
"""English text, roughly; only for estimates, which are flagged as such and never above the hold."""


class ChatDesk:
    """What every chat of this process needs to settle: the meter, the counters, the clock."""

    __slots__ = ("clock", "meter", "metrics", "rates")

    def __init__(self, *, meter: Meter, rates: RateCounters, metrics: Metrics, clock: Clock) -> None:
        self.meter = meter
        self.rates = rates
        self.metrics = metrics
        self.clock = clock


class ChatCall:
    """The facts of one request, filled in as it goes."""

    __slots__ = (
        "attempts",
        "caller",
        "candidate",
        "desk",
        "first_byte_at",
        "hold",
        "note",
        "peeked",
        "price",
        "rate",
        "request",
    )

    def __init__(self, *, desk: ChatDesk, request: HttpRequest, caller: Caller, peeked: Peek, price: Price, rate: RateState | None) -> None:
        self.desk = desk
        self.request = request
        self.caller = caller
        self.peeked = peeked
        self.price = price
        self.rate = rate
        self.hold: Hold | None = None
        self.candidate: Candidate | None = None
        self.attempts = 0
        self.first_byte_at = 0.0
        self.note = ""

    def capture(self, usage: Usage | None, *, output_bytes: int, status: int, error: str, committed: Callable[[], None]) -> None:
        """Charge what was used; `committed` is called once that is durable. Without usage the charge is an estimate from sizes."""
        assert self.hold is not None
        amount = -1
        if usage is not None:
            try:
                amount = self.price.charge(usage)
            except ValueError:
                self.add_note("usage_refused")
        if amount < 0 or usage is None:
            usage = Usage(
                input_tokens=max(1, len(self.request.body) // BYTES_PER_TOKEN),
                output_tokens=output_bytes // BYTES_PER_TOKEN,
                estimated=True,
            )
            amount = min(self.price.charge(usage), self.hold.amount_nanos)
        facts = self._facts(usage, status=status, error=error)
        self._count(facts, amount)
        self.desk.meter.capture(self.hold, amount_nanos=amount, facts=facts, committed=committed)

    async def release(self, error: ModelgateError) -> None:
        """Give the hold back after a failure; returns when that is durable."""
        assert self.hold is not None
        facts = self._facts(Usage(calls=0), status=error.status, error=error.code or error.type)
        self._count(facts, 0)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.desk.meter.release(self.hold, facts=facts, committed=partial(done.set_result, None))
        await done

    def add_note(self, word: str) -> None:
        """Remember something out of the ordinary for the record."""
        self.note = f"{self.note} {word}" if self.note else word

    def _count(self, facts: RequestFacts, amount_nanos: int) -> None:
        if self.rate is not None:
            self.desk.rates.add_tokens(self.caller.key, facts.input_tokens + facts.output_tokens, now=self.desk.clock())
        self.desk.metrics.request_finished(
            endpoint=facts.endpoint,
            model=facts.model,
            upstream=facts.upstream,
            status=facts.status,
            total_ms=facts.total_ms,
            first_byte_ms=facts.first_byte_ms,
            input_tokens=facts.input_tokens,
            output_tokens=facts.output_tokens,
            amount_nanos=amount_nanos,
        )

    def _facts(self, usage: Usage, *, status: int, error: str) -> RequestFacts:
        key = self.caller.key
        started = self.request.started
        candidate = self.candidate
        now = self.desk.clock()
        return RequestFacts(
            request_id=self.request.id,
            account=key.account,
            key=key.id,
            book=key.book,
            endpoint="chat",
            model=self.peeked.model,
            at_ms=int(started * 1000),
            status=status,
            upstream=candidate.upstream.id if candidate is not None else "",
            upstream_model=candidate.upstream_model if candidate is not None else "",
            attempts=self.attempts,
            stream=bool(self.peeked.stream),
            first_byte_ms=max(0, int(((self.first_byte_at or now) - started) * 1000)),
            total_ms=max(0, int((now - started) * 1000)),
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            price=self.price.formula,
            estimated=usage.estimated,
            error=error,
            note=self.note,
        )
