"""wrk against one target, with the CPU it costs the target and the counts that must agree."""

import re
import subprocess
from pathlib import Path

import msgspec

from bench.gateway import Gateway
from bench.mock import Mock
from bench.processes import cpu_s
from bench.scenarios import Scenario

WRK_TIMEOUT_S = 60


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `cpu_us` is the target's CPU per request or chunk (`per`), `cpu_all_us` that of its whole process tree."""

    rps: float
    requests: int
    units: int
    cpu_us: float
    cpu_all_us: float
    p50_ms: float
    p99_ms: float


class CountsDiffer(Exception):
    """Records and requests differ: whatever was measured is worth nothing."""


def script_for(scenario: Scenario, secret: str, folder: Path) -> Path:
    """Write the wrk script and the body it sends."""
    body = folder / f"{scenario.model}.json"
    body.write_bytes(scenario.body())
    script = folder / f"{scenario.model}.lua"
    script.write_text(
        f"""local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {secret}"
"""
    )
    return script


def run_wrk(scenario: Scenario, *, port: int, script: Path, seconds: float, on: list[int]) -> tuple[float, int, float, float]:
    """Return requests per second, requests, and the median and 99th percentile latency in ms."""
    cpus = ",".join(str(core) for core in on)
    command = ["taskset", "-c", cpus, "wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds:g}s", "--latency", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "-s", str(script), f"http://127.0.0.1:{port}/v1/chat/completions"],
        capture_output=True,
        text=True,
        check=True,
        timeout=WRK_TIMEOUT_S + seconds,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise CountsDiffer(f"{scenario.name}: not every answer was good:\n{done.stdout}")
    requests = re.search(r"(\d+) requests in", done.stdout)
    rps = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    assert requests is not None
    assert rps is not None
    return float(rps[1]), int(requests[1]), _percentile(done.stdout, "50%"), _percentile(done.stdout, "99%")


def measure_nginx(scenario: Scenario, mock: Mock, *, script: Path, seconds: float, on: list[int]) -> Run:
    """Measure the reference proxy."""
    pids = mock.proxy_pids()
    before, chunks = cpu_s(pids), _chunks(scenario, mock)
    rps, requests, p50, p99 = run_wrk(scenario, port=mock.proxy_ports[scenario.model], script=script, seconds=seconds, on=on)
    used = cpu_s(pids) - before
    units = _chunks(scenario, mock) - chunks if scenario.stream else requests
    each = used / units * 1e6
    return Run(rps=rps, requests=requests, units=units, cpu_us=each, cpu_all_us=each, p50_ms=p50, p99_ms=p99)


def measure_modelgate(scenario: Scenario, mock: Mock, gateway: Gateway, *, script: Path, seconds: float, on: list[int]) -> Run:
    """Measure ours, and see that every request that reached the upstream is posted, once."""
    relays, everything = gateway.relay_pids(), gateway.pids()
    arrived, records, chunks = _settled(scenario, mock), gateway.records(), _chunks(scenario, mock)
    before, before_all = cpu_s(relays), cpu_s(everything)
    rps, requests, p50, p99 = run_wrk(scenario, port=gateway.port, script=script, seconds=seconds, on=on)
    used = cpu_s(relays) - before
    units = _chunks(scenario, mock) - chunks if scenario.stream else requests
    arrived = _settled(scenario, mock) - arrived
    posted = gateway.wait_until_posted(records + arrived) - records
    used_all = cpu_s(everything) - before_all
    if posted != arrived or not requests <= posted <= requests + scenario.connections:
        raise CountsDiffer(f"{scenario.name}: wrk finished {requests} requests, the upstream got {arrived}, the book has {posted}")
    total = _chunks(scenario, mock) - chunks if scenario.stream else requests
    return Run(
        rps=rps, requests=requests, units=units, cpu_us=used / units * 1e6, cpu_all_us=used_all / total * 1e6, p50_ms=p50, p99_ms=p99
    )


def _settled(scenario: Scenario, mock: Mock) -> int:
    """Requests at the upstream once no more arrive: those under way when wrk left are read to their end."""
    before = -1
    while (now := mock.requests(scenario)) != before:
        before = now
        subprocess.run(["sleep", "0.2"], check=True)
    return now


def _chunks(scenario: Scenario, mock: Mock) -> int:
    return mock.stream_counts()["chunks"] if scenario.stream else 0


def _percentile(text: str, name: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
