"""The metrics page: Prometheus text, summed over the processes of a node. Only the desk needs it, so only the desk loads the library."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modelgate.core.money import NANOS_PER_USD
from modelgate.telemetry.counts import BUCKETS_S, SUFFIX, ProcessCounts, SeriesCounts, no_buckets, read_counts

_BOUNDS = (*(str(bound) for bound in BUCKETS_S), "+Inf")

Labels = tuple[str, ...]


def render_page(own: ProcessCounts, others: Iterable[Path] = ()) -> bytes:
    """Return the page: what this process says of itself, and what others have left in their files."""
    counted = [own, *filter(None, map(read_counts, others))]
    registry = CollectorRegistry()
    registry.register(_Summed(counted))
    return generate_latest(registry)


def other_files(own: Path) -> list[Path]:
    """Return the files beside this process's."""
    return sorted(path for path in own.parent.glob(f"*{SUFFIX}") if path != own)


class _Summed(Collector):
    """The sums, as the library wants them."""

    def __init__(self, counted: list[ProcessCounts]) -> None:
        self._series = [one for process in counted for one in process.series]
        self._counted = counted
        self._alive = [process for process in counted if process.is_alive]

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, also those that have counted nothing yet."""
        yield from self._counters()
        yield _histogram(
            "modelgate_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ((one, one.totals, one.total_ms) for one in self._series),
        )
        yield _histogram(
            "modelgate_first_byte_seconds",
            "From the first byte of a request to the first of its answer.",
            ((one, one.first_bytes, one.first_byte_ms) for one in self._series),
        )
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        requests, tokens, nanos, webhooks = (Counter[Labels]() for _ in range(4))
        for one in self._series:
            requests[one.endpoint, one.model, one.upstream, str(one.status)] += one.requests
            tokens[one.model, one.upstream, "input"] += one.input_tokens
            tokens[one.model, one.upstream, "output"] += one.output_tokens
            nanos[one.model, one.upstream] += one.amount_nanos
        for process in self._counted:
            webhooks.update({(outcome,): count for outcome, count in process.webhooks.items()})
        yield _counter("modelgate_requests", "Requests finished.", ("endpoint", "model", "upstream", "status"), requests)
        yield _counter("modelgate_tokens", "Model tokens counted.", ("model", "upstream", "direction"), tokens)
        yield _counter("modelgate_charged_usd", "US dollars charged.", ("model", "upstream"), nanos, unit=NANOS_PER_USD)
        yield _counter("modelgate_webhooks", "Tries of webhooks, by what they came to.", ("outcome",), webhooks)

    def _gauges(self) -> Iterator[Metric]:
        connections = Counter[str]()
        for process in self._alive:
            connections.update(process.connections)
        opened = GaugeMetricFamily("modelgate_open_connections", "Connections open now.", labels=("side",))
        for side, count in connections.items():
            opened.add_metric((side,), count)
        yield opened
        backlog = sum(process.backlog_records or 0 for process in self._alive)
        yield GaugeMetricFamily("modelgate_journal_backlog_records", "Journalled records not posted yet.", value=backlog)


def _counter(name: str, help_text: str, labels: Labels, sums: Counter[Labels], *, unit: int = 1) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in sums.items():
        if count:
            family.add_metric(values, count / unit)
    return family


def _histogram(name: str, help_text: str, counted: Iterable[tuple[SeriesCounts, list[int], int]]) -> Metric:
    buckets: dict[tuple[str, str], list[int]] = {}
    sums_ms = Counter[tuple[str, str]]()
    for one, counts, sum_ms in counted:
        labels = (one.endpoint, one.upstream)
        buckets[labels] = [have + more for have, more in zip(buckets.get(labels, no_buckets()), counts, strict=True)]
        sums_ms[labels] += sum_ms
    family = HistogramMetricFamily(name, help_text, labels=("endpoint", "upstream"))
    for labels, counts in buckets.items():
        family.add_metric(labels, list(zip(_BOUNDS, accumulate(counts), strict=True)), sum_value=sums_ms[labels] / 1000)
    return family
