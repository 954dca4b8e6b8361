"""Prometheus metrics, summed over the processes of a node.

Each process counts in plain dicts, because the relay's way affords a microsecond and no more; once a second (or when the page is
asked for) the counts go to prometheus_client, whose files in PROMETHEUS_MULTIPROC_DIR outlive the process, so that no total ever
falls. Gauges count live processes alone.
"""

import os
from bisect import bisect_right
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from modelgate.core.money import NANOS_PER_USD

MAX_SERIES = 2_000
"""Distinct (endpoint, model, upstream, status) in one process; whatever comes after is counted as model `other`."""
MAX_SAMPLES = 1_000
OTHER = "other"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_BUCKETS_MS = tuple(int(bound * 1000) for bound in BUCKETS_S)

Side = Literal["client", "upstream"]
_Series = tuple[str, str, str, int]


class _Counts:
    """What one series gained since the last flush. `samples` are requests not added up yet: many at once cost a third of each alone.

    A sample is (total_ms, first_byte_ms, input_tokens, output_tokens, amount_nanos).
    """

    __slots__ = (
        "amount_nanos",
        "first_byte_ms",
        "first_bytes",
        "input_tokens",
        "output_tokens",
        "requests",
        "samples",
        "total_ms",
        "totals",
    )

    def __init__(self) -> None:
        self.samples: list[tuple[int, int, int, int, int]] = []
        self.requests = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.amount_nanos = 0
        self.total_ms = 0
        self.first_byte_ms = 0
        self.totals = [0] * (len(_BUCKETS_MS) + 1)
        self.first_bytes = [0] * (len(_BUCKETS_MS) + 1)

    def add_up(self) -> None:
        """Add the samples up."""
        samples, self.samples = self.samples, []
        if not samples:
            return
        totals, first_bytes, inputs, outputs, amounts = zip(*samples, strict=True)
        self.requests += len(samples)
        self.input_tokens += sum(inputs)
        self.output_tokens += sum(outputs)
        self.amount_nanos += sum(amounts)
        self.total_ms += sum(totals)
        self.first_byte_ms += sum(first_bytes)
        _add_to_buckets(self.totals, sorted(totals))
        _add_to_buckets(self.first_bytes, sorted(filter(None, first_bytes)))


def _add_to_buckets(buckets: list[int], ascending: list[int]) -> None:
    below = 0
    for index, bound in enumerate(_BUCKETS_MS):
        upto = bisect_right(ascending, bound, below)
        buckets[index] += upto - below
        below = upto
    buckets[-1] += len(ascending) - below


class Metrics:
    """The metrics of this process; one for each process. `flush` is due once a second."""

    def __init__(self) -> None:
        self._fresh: dict[_Series, _Counts] = {}
        self._known: set[_Series] = set()
        registry = self._registry = CollectorRegistry()
        self._requests = Counter("modelgate_requests", "Requests finished.", ("endpoint", "model", "upstream", "status"), registry=registry)
        self._tokens = Counter("modelgate_tokens", "Model tokens counted.", ("model", "upstream", "direction"), registry=registry)
        self._amount = Counter("modelgate_charged_usd", "US dollars charged.", ("model", "upstream"), registry=registry)
        self._duration = Histogram(
            "modelgate_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("endpoint", "upstream"),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._first_byte = Histogram(
            "modelgate_first_byte_seconds",
            "From the first byte of a request to the first of its answer.",
            ("endpoint", "upstream"),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._webhooks = Counter("modelgate_webhooks", "Tries of webhooks, by what they came to.", ("outcome",), registry=registry)
        self._connections = Gauge(
            "modelgate_open_connections", "Connections open now.", ("side",), multiprocess_mode="livesum", registry=registry
        )
        self._backlog = Gauge(
            "modelgate_journal_backlog_records",
            "Journalled records not posted yet.",
            multiprocess_mode="livesum",
            registry=registry,
        )

    def request_finished(  # noqa: PLR0913  # one number each, by name
        self,
        *,
        endpoint: str,
        model: str,
        upstream: str,
        status: int,
        total_ms: int,
        first_byte_ms: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        amount_nanos: int = 0,
    ) -> None:
        """Count one request. `first_byte_ms` 0: no byte was sent; spans in milliseconds, money in nano-USD."""
        counts = self._fresh.get((endpoint, model, upstream, status)) or self._new_counts(endpoint, model, upstream, status)
        samples = counts.samples
        samples.append((total_ms, first_byte_ms, input_tokens, output_tokens, amount_nanos))
        if len(samples) >= MAX_SAMPLES:
            counts.add_up()

    def _new_counts(self, endpoint: str, model: str, upstream: str, status: int) -> _Counts:
        series = (endpoint, model, upstream, status)
        if series not in self._known:
            if len(self._known) >= MAX_SERIES:
                series = (endpoint, OTHER, OTHER, status)
            self._known.add(series)
        return self._fresh.setdefault(series, _Counts())

    def webhook_tried(self, outcome: str) -> None:
        """Count one try of a webhook: `delivered`, `pending` (to be tried again), `failed`, `gone` or `skipped`."""
        self._webhooks.labels(outcome).inc()

    def set_connections(self, side: Side, count: int) -> None:
        """Say how many connections this process has open, to clients or to upstreams."""
        self._connections.labels(side).set(count)

    def set_journal_backlog(self, records: int) -> None:
        """Say how many records of this process's journal wait to be posted."""
        self._backlog.set(records)

    def flush(self) -> None:
        """Hand the counts since the last flush to the shared files."""
        fresh, self._fresh = self._fresh, {}
        for (endpoint, model, upstream, status), counts in fresh.items():
            counts.add_up()
            self._requests.labels(endpoint, model, upstream, str(status)).inc(counts.requests)
            if counts.input_tokens:
                self._tokens.labels(model, upstream, "input").inc(counts.input_tokens)
            if counts.output_tokens:
                self._tokens.labels(model, upstream, "output").inc(counts.output_tokens)
            if counts.amount_nanos:
                self._amount.labels(model, upstream).inc(counts.amount_nanos / NANOS_PER_USD)
            _add(self._duration.labels(endpoint, upstream), counts.totals, counts.total_ms)
            _add(self._first_byte.labels(endpoint, upstream), counts.first_bytes, counts.first_byte_ms)

    def render(self) -> bytes:
        """Return the metrics page, summed over all processes of this node, or of this one when it runs alone."""
        self.flush()
        directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if directory is None:
            return generate_latest(self._registry)
        summed = CollectorRegistry()
        MultiProcessCollector(summed, path=directory)  # type: ignore[no-untyped-call]  # the library's
        return generate_latest(summed)


def _add(histogram: Histogram, counts: list[int], sum_ms: int) -> None:
    """Add many observations at once. prometheus_client has no call for it but its own cells (pinned; a test reads the page)."""
    for cell, count in zip(histogram._buckets, counts, strict=True):
        if count:
            cell.inc(count)
    histogram._sum.inc(sum_ms / 1000)
