"""The metrics page sums over processes."""

import os
import subprocess
import sys
from pathlib import Path

from modelgate.telemetry.counts import counts_file
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import other_files, render_page

CHILD = """
import sys
from pathlib import Path
from modelgate.telemetry.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]))
for _ in range(3):
    metrics.request_finished(
        endpoint="chat", model="m", upstream="u", status=200, total_ms=40, first_byte_ms=8, input_tokens=5, amount_nanos=10**9
    )
metrics.set_connections("client", 4)
metrics.set_journal_backlog(2)
metrics.flush()
"""


def relay(path: Path, *, stays: bool = False) -> "subprocess.Popen[bytes]":
    """Run a relay that counts three requests, until it has."""
    code = CHILD + "print(flush=True); input()" if stays else CHILD + "print(flush=True)"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    if not stays:
        process.communicate()
    return process


def test_totals_are_those_of_all_and_gauges_those_of_the_living(tmp_path: Path) -> None:
    dead, living = (counts_file(tmp_path, name) for name in ("relay-0", "relay-1"))
    relay(dead)
    process = relay(living, stays=True)
    own = Metrics(counts_file(tmp_path, "desk"))
    own.request_finished(endpoint="kling", model="k", upstream="v", status=200, total_ms=700_000)
    own.flush()
    counts_file(tmp_path, "torn").write_bytes(b"half")
    page = render_page(own.current(), other_files(counts_file(tmp_path, "desk"))).decode().splitlines()
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 6.0' in page
    assert 'modelgate_requests_total{endpoint="kling",model="k",status="200",upstream="v"} 1.0' in page
    assert 'modelgate_tokens_total{direction="input",model="m",upstream="u"} 30.0' in page
    assert 'modelgate_charged_usd_total{model="m",upstream="u"} 6.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.025",upstream="u"} 0.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="chat",le="0.05",upstream="u"} 6.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="kling",le="600.0",upstream="v"} 0.0' in page
    assert 'modelgate_request_duration_seconds_bucket{endpoint="kling",le="+Inf",upstream="v"} 1.0' in page
    assert 'modelgate_request_duration_seconds_sum{endpoint="chat",upstream="u"} 0.24' in page
    assert 'modelgate_open_connections{side="client"} 4.0' in page
    assert "modelgate_journal_backlog_records 2.0" in page
    process.communicate(b"\n")
    relay(dead)  # a successor, which ends too
    page = render_page(own.current(), other_files(counts_file(tmp_path, "desk"))).decode().splitlines()
    assert 'modelgate_requests_total{endpoint="chat",model="m",status="200",upstream="u"} 9.0' in page
    assert "modelgate_journal_backlog_records 0.0" in page


def test_a_relay_does_without_the_library() -> None:
    code = "import sys, modelgate.app.relay; print('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=True, capture_output=True).stdout == b"False\n"
