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

ENDPOINT = "chat"
BYTES_PER_TOKEN = 4
"""English text, roughly; only for estimates, which are flagged as such and never above the hold."""


def settle(done: "asyncio.Future[None]") -> None:
    """Wake who waits for a commit; nobody does when the server gave the request up meanwhile."""
    if not done.done():
        done.set_result(None)


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
        hold = self.hold
        assert hold is not None
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
            amount = min(self.price.charge(usage), hold.amount_nanos)
        facts = self._close(usage, status=status, error=error, amount_nanos=amount)
        self.desk.meter.capture(hold, amount_nanos=amount, facts=facts, committed=committed)

    async def release(self, error: ModelgateError) -> None:
        """Give the hold back after a failure; returns when that is durable."""
        assert self.hold is not None
        facts = self._close(Usage(calls=0), status=error.status, error=error.code or error.type, amount_nanos=0)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.desk.meter.release(self.hold, facts=facts, committed=partial(settle, done))
        await done

    def add_note(self, word: str) -> None:
        """Remember something out of the ordinary for the record."""
        self.note = f"{self.note} {word}" if self.note else word

    def _close(self, usage: Usage, *, status: int, error: str, amount_nanos: int) -> RequestFacts:
        """Count the request everywhere it is counted and return its facts."""
        desk, request, key, candidate = self.desk, self.request, self.caller.key, self.candidate
        now, started = desk.clock(), request.started
        first_byte_at = self.first_byte_at or now
        upstream = candidate.upstream.id if candidate is not None else ""
        total_ms = int((now - started) * 1000)
        first_byte_ms = int((first_byte_at - started) * 1000)
        if self.rate is not None:
            desk.rates.add_tokens(key, usage.input_tokens + usage.output_tokens, now=now)
        desk.metrics.request_finished(
            endpoint=ENDPOINT,
            model=self.peeked.model,
            upstream=upstream,
            status=status,
            total_ms=total_ms,
            first_byte_ms=first_byte_ms,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            amount_nanos=amount_nanos,
        )
        return RequestFacts(
            request_id=request.id,
            account=key.account,
            key=key.id,
            book=key.book,
            endpoint=ENDPOINT,
            model=self.peeked.model,
            at_ms=int(started * 1000),
            status=status,
            upstream=upstream,
            upstream_model=candidate.upstream_model if candidate is not None else "",
            attempts=self.attempts,
            stream=self.peeked.stream is True,
            first_byte_ms=first_byte_ms,
            total_ms=total_ms,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            price=self.price.formula,
            estimated=usage.estimated,
            error=error,
            note=self.note,
        )
