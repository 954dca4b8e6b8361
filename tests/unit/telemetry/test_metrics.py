"""Counting cheaply, and going on from what was counted."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from modelgate.telemetry import metrics as module
from modelgate.telemetry.counts import counts_file, read_counts
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import render_page


@pytest.fixture
def alone() -> Metrics:
    return Metrics()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return counts_file(tmp_path / "metrics", "relay-0")


def page_of(metrics: Metrics) -> str:
    return render_page(metrics.current()).decode()


def lines(metrics: Metrics) -> set[str]:
    return set(page_of(metrics).splitlines())


def count(metrics: Metrics, requests: int = 1) -> None:
    for _ in range(requests):
        metrics.request_finished(endpoint="chat", model="m", upstream="u", status=200, total_ms=40, first_byte_ms=8, amount_nanos=10**9)


def requests_in(path: Path) -> int:
    counts = read_counts(path)
    assert counts is not None
    return sum(one.requests for one in counts.series)


def test_a_page_has_units_and_values(alone: Metrics) -> None:
    alone.request_finished(
        endpoint="chat",
        model="m",
        upstream="u",
        status=200,
        total_ms=40,
        first_byte_ms=8,
        input_tokens=5,
        output_tokens=7,
        amount_nanos=1_500_000_000,
    )
    alone.set_connections("upstream", 3)
    page = lines(alone)
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 1.0' in page
    assert 'modelgate_tokens_total{direction="input",model="m",upstream="u"} 5.0' in page
    assert 'modelgate_tokens_total{direction="output",model="m",upstream="u"} 7.0' in page
    assert 'modelgate_charged_usd_total{model="m",upstream="u"} 1.5' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.025",upstream="u"} 0.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.05",upstream="u"} 1.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="+Inf",upstream="u"} 1.0' in page
    assert 'modelgate_request_duration_seconds_count{endpoint="chat",upstream="u"} 1.0' in page
    assert 'modelgate_request_duration_seconds_sum{endpoint="chat",upstream="u"} 0.04' in page
    assert 'modelgate_first_byte_seconds_bucket{endpoint="chat",le="0.01",upstream="u"} 1.0' in page
    assert 'modelgate_open_connections{side="upstream"} 3.0' in page


@pytest.mark.parametrize(("milliseconds", "bound"), [(5, "0.005"), (6, "0.01"), (600_000, "600.0"), (600_001, "+Inf")])
def test_a_bound_belongs_to_its_bucket(alone: Metrics, milliseconds: int, bound: str) -> None:
    alone.request_finished(endpoint="e", model="m", upstream="u", status=200, total_ms=milliseconds)
    first = next(line for line in page_of(alone).splitlines() if "request_duration_seconds_bucket" in line and line.endswith(" 1.0"))
    assert f'le="{bound}"' in first


def test_labels_are_bounded(alone: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers choose the model's name: without a bound they could fill our memory and the scraper's."""
    monkeypatch.setattr(module, "MAX_SERIES", 3)
    for number in range(10):
        alone.request_finished(endpoint="chat", model=f"m{number}", upstream="u", status=404, total_ms=1)
        alone.flush()
    page = [line for line in page_of(alone).splitlines() if line.startswith("modelgate_requests_total")]
    assert len(page) == 4
    assert 'modelgate_requests_total{endpoint="chat",model="other",status="404",upstream="other"} 7.0' in page


def test_nothing_is_counted_twice(alone: Metrics) -> None:
    alone.request_finished(endpoint="chat", model="m", upstream="u", status=200, total_ms=1)
    assert page_of(alone) == page_of(alone)


def test_many_requests_between_two_looks_are_all_counted(alone: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.telemetry.metrics.MAX_SAMPLES", 7)
    for number in range(20):
        alone.request_finished(
            endpoint="chat", model="m", upstream="u", status=200, total_ms=number * 100, first_byte_ms=number % 2, input_tokens=number
        )
    page = page_of(alone)
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 20.0' in page
    assert 'modelgate_tokens_total{direction="input",model="m",upstream="u"} 190.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.5",upstream="u"} 6.0' in page
    assert 'modelgate_request_duration_seconds_sum{endpoint="chat",upstream="u"} 19.0' in page
    assert 'modelgate_first_byte_seconds_count{endpoint="chat",upstream="u"} 10.0' in page


def test_tries_of_webhooks_are_counted_by_what_they_came_to(alone: Metrics) -> None:
    for outcome in ("delivered", "pending", "delivered"):
        alone.webhook_tried(outcome)
    page = page_of(alone)
    assert 'modelgate_webhooks_total{outcome="delivered"} 2.0' in page
    assert 'modelgate_webhooks_total{outcome="pending"} 1.0' in page


def test_a_successor_goes_on_where_its_predecessor_was_killed(path: Path) -> None:
    """No total may fall, and a relay that dies every few seconds may not leave more files each time."""
    for _ in range(3):
        metrics = Metrics(path)
        metrics.set_connections("client", 4)
        metrics.webhook_tried("delivered")
        count(metrics, 2)
        metrics.flush()
        count(metrics)  # of the last second, and lost
    successor = Metrics(path)
    page = lines(successor)
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 6.0' in page
    assert 'modelgate_charged_usd_total{model="m",upstream="u"} 6.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.05",upstream="u"} 6.0' in page
    assert 'modelgate_webhooks_total{outcome="delivered"} 3.0' in page
    assert not any("modelgate_open_connections{" in line for line in page), "the connections died with it"
    assert sorted(path.parent.iterdir()) == [path]


def test_the_bound_on_series_holds_for_a_successor_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SERIES", 3)
    for life in range(3):
        metrics = Metrics(path)
        for number in range(5):
            metrics.request_finished(endpoint="chat", model=f"m{life}-{number}", upstream="u", status=404, total_ms=1)
        metrics.flush()
    page = [line for line in page_of(metrics).splitlines() if line.startswith("modelgate_requests_total")]
    assert len(page) == 4
    assert 'modelgate_requests_total{endpoint="chat",model="other",status="404",upstream="other"} 12.0' in page


def test_a_full_disk_ends_nobody_and_loses_nothing(path: Path) -> None:
    """Relays died of SIGBUS in a mapped file that could not grow, each again as soon as it was started."""
    metrics = Metrics(path)
    count(metrics)
    metrics.flush()
    draft = path.with_suffix(".new")
    draft.symlink_to("/dev/full")
    with capture_logs() as said:
        for _ in range(3):
            count(metrics)
            metrics.flush()
    assert [(line["event"], line["reason"]) for line in said] == [("metrics_not_written", os.strerror(28))]
    assert requests_in(path) == 1, "what was there stays whole"
    assert str(path.parent) not in Path("/proc/self/maps").read_text()
    draft.unlink()
    metrics.flush()
    assert requests_in(path) == 4


def test_nothing_is_written_when_nothing_has_changed(path: Path) -> None:
    metrics = Metrics(path)
    metrics.set_connections("client", 1)
    metrics.set_journal_backlog(0)
    metrics.flush()
    path.unlink()
    metrics.set_connections("client", 1)
    metrics.set_journal_backlog(0)
    metrics.flush()
    assert not path.exists()
    count(metrics)
    metrics.flush()
    assert requests_in(path) == 1
