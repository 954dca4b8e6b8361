"""Counting cheaply, and summing over processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelgate.telemetry import metrics as module
from modelgate.telemetry.metrics import Metrics

CHILD = """
from modelgate.telemetry.metrics import Metrics
metrics = Metrics()
for _ in range(3):
    metrics.request_finished(endpoint="chat", model="m", upstream="u", status=200, total_ms=40, first_byte_ms=8, input_tokens=5, amount_nanos=10**9)
metrics.set_connections("client", 4)
metrics.set_journal_backlog(2)
metrics.flush()
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    return Metrics()


def lines(page: bytes) -> set[str]:
    return set(page.decode().splitlines())


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
    page = lines(alone.render())
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
    first = next(
        line for line in alone.render().decode().splitlines() if "request_duration_seconds_bucket" in line and line.endswith(" 1.0")
    )
    assert f'le="{bound}"' in first


def test_labels_are_bounded(alone: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers choose the model's name: without a bound they could fill our memory and the scraper's."""
    monkeypatch.setattr(module, "MAX_SERIES", 3)
    for number in range(10):
        alone.request_finished(endpoint="chat", model=f"m{number}", upstream="u", status=404, total_ms=1)
        alone.flush()
    page = [line for line in alone.render().decode().splitlines() if line.startswith("modelgate_requests_total")]
    assert len(page) == 4
    assert 'modelgate_requests_total{endpoint="chat",model="other",status="404",upstream="other"} 7.0' in page


def test_nothing_is_counted_twice(alone: Metrics) -> None:
    alone.request_finished(endpoint="chat", model="m", upstream="u", status=200, total_ms=1)
    assert alone.render() == alone.render()


def test_the_page_sums_over_processes_and_keeps_the_dead_ones_counts(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", CHILD], env=environment, check=True)
    for gauge in tmp_path.glob("gauge_live*"):
        gauge.unlink()  # as the supervisor does when a process ends
    page = subprocess.run(
        [sys.executable, "-c", CHILD + "import sys; sys.stdout.buffer.write(metrics.render())"],
        env=environment,
        check=True,
        capture_output=True,
    ).stdout
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 9.0' in lines(page)
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.05",upstream="u"} 9.0' in lines(page)
    assert 'modelgate_open_connections{side="client"} 4.0' in lines(page)
    assert "modelgate_journal_backlog_records 2.0" in lines(page)


def test_many_requests_between_two_looks_are_all_counted(alone: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.telemetry.metrics.MAX_SAMPLES", 7)
    for number in range(20):
        alone.request_finished(
            endpoint="chat", model="m", upstream="u", status=200, total_ms=number * 100, first_byte_ms=number % 2, input_tokens=number
        )
    page = alone.render().decode()
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 20.0' in page
    assert 'modelgate_tokens_total{direction="input",model="m",upstream="u"} 190.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.5",upstream="u"} 6.0' in page
    assert 'modelgate_request_duration_seconds_sum{endpoint="chat",upstream="u"} 19.0' in page
    assert 'modelgate_first_byte_seconds_count{endpoint="chat",upstream="u"} 10.0' in page


def test_tries_of_webhooks_are_counted_by_what_they_came_to(alone: Metrics) -> None:
    for outcome in ("delivered", "pending", "delivered"):
        alone.webhook_tried(outcome)
    page = alone.render().decode()
    assert 'modelgate_webhooks_total{outcome="delivered"} 2.0' in page
    assert 'modelgate_webhooks_total{outcome="pending"} 1.0' in page
