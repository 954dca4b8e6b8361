"""One call on its way: what is known of it so far, and the one place where its hold is resolved."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from operator import attrgetter
from typing import Protocol, TypeVar

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest
from modelgate.core.records import RequestFacts
from modelgate.core.usage import Usage
from modelgate.gateway.refusals import RefusalLog
from modelgate.gateway.vendor_words import VendorWords
from modelgate.identity.table import Caller
from modelgate.metering.meter import Hold, Meter
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateCounters, RateState
from modelgate.routing.table import Candidate
from modelgate.telemetry.metrics import Metrics

BYTES_PER_TOKEN = 4
"""English text, roughly; only for estimates, which are flagged as such and never above the hold."""

MAX_LOOP_BYTES = 256 * 1024
"""A larger request is read in a thread where all of it has to be: one of many small parts takes seconds, in which nobody else would be
served."""

T = TypeVar("T")


async def beside_loop(request: HttpRequest, work: Callable[[], T]) -> T:
    """Return what reading all of a request gives; raises what it raises."""
    return await asyncio.to_thread(work) if len(request.body) > MAX_LOOP_BYTES else work()


def settle(done: "asyncio.Future[None]") -> None:
    """Wake who waits for a commit; nobody does when the server gave the request up meanwhile."""
    if not done.done():
        done.set_result(None)


TOKENS_PER_MESSAGE = 3
IMAGE_TOKENS = 765
"""A picture of 1024 pixels square by the tile rule; only for estimates."""


class Words(msgspec.Struct, frozen=True):
    """What of a call can be counted by a tokenizer where its upstream did not count: texts of the prompt and of the answer."""

    prompt: list[str]
    answer: list[str]
    messages: int = 1
    images: int = 0


TokenCounter = Callable[[list[str]], Awaitable[list[int] | None]]
"""Counts the tokens of each text with a real tokenizer, somewhere else than in a relay; None: it cannot now."""


class CallDesk:
    """What every call of this process needs to settle: the meter, the counters, the clock."""

    __slots__ = ("clock", "count_tokens", "counting", "meter", "metrics", "rates", "refusals", "vendor_words")

    def __init__(
        self,
        *,
        meter: Meter,
        rates: RateCounters,
        metrics: Metrics,
        clock: Clock,
        count_tokens: TokenCounter | None = None,
        refusals: RefusalLog | None = None,
    ) -> None:
        self.meter = meter
        self.rates = rates
        self.metrics = metrics
        self.clock = clock
        self.count_tokens = count_tokens
        self.refusals = refusals or RefusalLog()
        self.vendor_words = VendorWords(clock=clock)
        self.counting: set[asyncio.Task[None]] = set()


class Asked(Protocol):
    """What is known of a request's body: enough to route, to hold money and to keep a record."""

    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool | None: ...


class Call:
    """The facts of one request, filled in as it goes. `ignored`: what was left out of it for the upstream that answers."""

    __slots__ = (
        "asked",
        "attempts",
        "caller",
        "candidate",
        "charged_nanos",
        "desk",
        "endpoint",
        "first_byte_at",
        "hold",
        "ignored",
        "note",
        "price",
        "rate",
        "request",
        "tried",
    )

    def __init__(
        self, *, desk: CallDesk, request: HttpRequest, endpoint: str, caller: Caller, asked: Asked, price: Price, rate: RateState | None
    ) -> None:
        """`endpoint` is the word for it in records and metrics."""
        self.desk = desk
        self.request = request
        self.endpoint = endpoint
        self.caller = caller
        self.asked = asked
        self.price = price
        self.rate = rate
        self.hold: Hold | None = None
        self.candidate: Candidate | None = None
        self.charged_nanos = 0
        self.ignored: tuple[str, ...] = ()
        self.attempts = 0
        self.tried: tuple[str, ...] = ()
        self.first_byte_at = 0.0
        self.note = ""

    def capture(
        self,
        usage: Usage | None,
        *,
        output_bytes: int,
        error: str,
        committed: Callable[[], None],
        words: Callable[[], Words] | None = None,
    ) -> None:
        """Charge what was used; `committed` is called once that is durable.

        Without credible usage the charge is an estimate, never above the hold: the words are counted by the tokenizer where there is
        one, else by their sizes.
        """
        if usage is not None:
            try:
                self.charge(usage, self.price.charge(usage), error=error, committed=committed)
                return
            except ValueError:
                self.add_note("usage_refused")
        if words is None or self.desk.count_tokens is None:
            self._charge_estimate(self._sized(output_bytes), error=error, committed=committed)
            return
        counting = asyncio.get_running_loop().create_task(self._count(words, output_bytes, error=error, committed=committed))
        self.desk.counting.add(counting)
        counting.add_done_callback(self.desk.counting.discard)

    async def _count(self, words: Callable[[], Words], output_bytes: int, *, error: str, committed: Callable[[], None]) -> None:
        count_tokens = self.desk.count_tokens
        assert count_tokens is not None
        usage = self._sized(output_bytes)
        try:
            found = await beside_loop(self.request, words)
            counts = await count_tokens([*found.prompt, *found.answer])
            if counts is not None:
                prompt = sum(counts[: len(found.prompt)]) + TOKENS_PER_MESSAGE * (found.messages + 1) + IMAGE_TOKENS * found.images
                usage = Usage(input_tokens=prompt, output_tokens=sum(counts[len(found.prompt) :]), estimated=True)
        except ModelgateError:  # a request that cannot be read to be counted: its size will do
            pass
        finally:
            self._charge_estimate(usage, error=error, committed=committed)

    def _sized(self, output_bytes: int) -> Usage:
        prompt = max(1, len(self.request.body) // BYTES_PER_TOKEN)
        return Usage(input_tokens=prompt, output_tokens=output_bytes // BYTES_PER_TOKEN, estimated=True)

    def _charge_estimate(self, usage: Usage, *, error: str, committed: Callable[[], None]) -> None:
        assert self.hold is not None
        self.charge(usage, min(self.price.charge(usage), self.hold.amount_nanos), error=error, committed=committed)

    def charge(self, usage: Usage, amount_nanos: int, *, error: str, committed: Callable[[], None]) -> None:
        """Charge an amount that is known; `committed` is called once that is durable."""
        assert self.hold is not None
        self.charged_nanos = amount_nanos
        facts = self._close(usage, status=200, error=error, amount_nanos=amount_nanos)
        self.desk.meter.capture(self.hold, amount_nanos=amount_nanos, facts=facts, committed=committed)

    async def release(self, error: ModelgateError) -> None:
        """Give the hold back after a failure; returns when that is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.give_back(error, committed=partial(settle, done))
        await done

    def give_back(self, error: ModelgateError, *, committed: Callable[[], None]) -> None:
        """Give the hold back after a failure; `committed` is called once that is durable."""
        assert self.hold is not None
        facts = self._close(Usage(calls=0), status=error.status, error=error.code or error.type, amount_nanos=0)
        self.desk.meter.release(self.hold, facts=facts, committed=committed)

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
            endpoint=self.endpoint,
            model=self.asked.model,
            upstream=upstream,
            status=status,
            total_ms=total_ms,
            first_byte_ms=first_byte_ms,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            amount_nanos=amount_nanos,
        )
        # In the order of the fields: by name it takes four times as long, the longest of all steps of a call.
        return RequestFacts(
            self.asked.model,
            int(started * 1000),
            request.id,
            key.account,
            key.id,
            key.book,
            self.endpoint,
            status,
            upstream,
            usage.input_tokens,
            usage.output_tokens,
            first_byte_ms,
            total_ms,
            usage.estimated,
            candidate.upstream_model if candidate is not None else "",
            self.attempts,
            self.asked.stream is True,
            usage.cached_tokens,
            units_of(usage),
            self.price.formula,
            error,
            self.note,
            self.tried,
        )


_UNITS = (
    "cache_write_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "images",
    "milliseconds",
    "characters",
)


_counts_of = attrgetter(*_UNITS)


def units_of(usage: Usage) -> dict[str, int]:
    """Return the less usual counts that are there, for the record; images under the kind that they were charged as."""
    counts = _counts_of(usage)
    if not any(counts):
        return {}
    units = {name: count for name, count in zip(_UNITS, counts, strict=True) if count}
    if usage.variant and usage.images:
        units[f"images:{usage.variant}"] = units.pop("images")
    return units
