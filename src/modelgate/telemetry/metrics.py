"""Counting requests, for the metrics page.

Each process counts in memory, because the relay's way affords a microsecond and no more. Once a second it leaves its counts in a
file beside the others', which the desk sums up when it is asked: `counts` says how, `metrics_page` makes the page.
"""

import os
from bisect import bisect_right
from pathlib import Path

from modelgate.telemetry.counts import BUCKETS_S, ProcessCounts, SeriesCounts, Side, copy_counts, read_counts, write_counts
from modelgate.telemetry.logs import log

MAX_SERIES = 2_000
"""Distinct (endpoint, model, upstream, status) in one process; whatever comes after is counted as model `other`."""
MAX_SAMPLES = 1_000
OTHER = "other"
_BUCKETS_MS = tuple(int(bound * 1000) for bound in BUCKETS_S)

_Series = tuple[str, str, str, int]


class _Gathered:
    """One series. `samples` are requests not added up yet: many at once cost a third of each alone.

    A sample is (total_ms, first_byte_ms, input_tokens, output_tokens, amount_nanos).
    """

    __slots__ = ("counts", "samples")

    def __init__(self, counts: SeriesCounts) -> None:
        self.counts = counts
        self.samples: list[tuple[int, int, int, int, int]] = []

    def add_up(self) -> bool:
        """Add the samples up; return whether there were any."""
        samples, self.samples = self.samples, []
        if not samples:
            return False
        counts = self.counts
        totals, first_bytes, inputs, outputs, amounts = zip(*samples, strict=True)
        counts.requests += len(samples)
        counts.input_tokens += sum(inputs)
        counts.output_tokens += sum(outputs)
        counts.amount_nanos += sum(amounts)
        counts.total_ms += sum(totals)
        counts.first_byte_ms += sum(first_bytes)
        _add_to_buckets(counts.totals, sorted(totals))
        _add_to_buckets(counts.first_bytes, sorted(filter(None, first_bytes)))
        return True


def _add_to_buckets(buckets: list[int], ascending: list[int]) -> None:
    below = 0
    for index, bound in enumerate(_BUCKETS_MS):
        upto = bisect_right(ascending, bound, below)
        buckets[index] += upto - below
        below = upto
    buckets[-1] += len(ascending) - below


class Metrics:
    """The metrics of this process; one for each process. `flush` is due once a second."""

    def __init__(self, path: Path | None = None) -> None:
        """Count into a file, from where a predecessor of the same name has left it; without one, for this process alone."""
        self._path = path
        left = read_counts(path) if path is not None else None
        self._counts = counts = ProcessCounts(pid=os.getpid())
        if left is not None:
            counts.series, counts.webhooks = left.series, left.webhooks
        self._gathered: dict[_Series, _Gathered] = {
            (one.endpoint, one.model, one.upstream, one.status): _Gathered(one) for one in counts.series
        }
        self._is_fresh = False
        self._is_written = True

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
        gathered = self._gathered.get((endpoint, model, upstream, status)) or self._new_series(endpoint, model, upstream, status)
        samples = gathered.samples
        samples.append((total_ms, first_byte_ms, input_tokens, output_tokens, amount_nanos))
        if len(samples) >= MAX_SAMPLES:
            gathered.add_up()
            self._is_fresh = True

    def _new_series(self, endpoint: str, model: str, upstream: str, status: int) -> _Gathered:
        if len(self._gathered) >= MAX_SERIES:
            model = upstream = OTHER
        series = (endpoint, model, upstream, status)
        gathered = self._gathered.get(series)
        if gathered is None:
            gathered = self._gathered[series] = _Gathered(SeriesCounts(*series))
            self._counts.series.append(gathered.counts)
        return gathered

    def webhook_tried(self, outcome: str) -> None:
        """Count one try of a webhook: `delivered`, `pending` (to be tried again), `failed`, `gone` or `skipped`."""
        webhooks = self._counts.webhooks
        webhooks[outcome] = webhooks.get(outcome, 0) + 1
        self._is_fresh = True

    def set_connections(self, side: Side, count: int) -> None:
        """Say how many connections this process has open, to clients or to upstreams."""
        self._is_fresh = self._is_fresh or self._counts.connections.get(side) != count
        self._counts.connections[side] = count

    def set_journal_backlog(self, records: int) -> None:
        """Say how many records of this process's journal wait to be posted."""
        self._is_fresh = self._is_fresh or self._counts.backlog_records != records
        self._counts.backlog_records = records

    def current(self) -> ProcessCounts:
        """Return a copy of the counts of now."""
        self._add_up()
        return copy_counts(self._counts)

    def flush(self) -> None:
        """Leave the counts in the file, if there is anything new. Where the disk is full they wait in memory until it has room."""
        self._add_up()
        if self._path is None or not self._is_fresh:
            return
        try:
            write_counts(self._path, self._counts)
        except OSError as error:
            if self._is_written:
                log.error("metrics_not_written", path=str(self._path), reason=error.strerror)
            self._is_written = False
        else:
            self._is_written = True
            self._is_fresh = False

    def _add_up(self) -> None:
        for gathered in self._gathered.values():
            self._is_fresh = gathered.add_up() or self._is_fresh
