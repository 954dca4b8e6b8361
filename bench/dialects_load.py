"""Each dialect over real sockets: whole answers and streams passed, streams translated for every pair. Part of `python -m bench`.

The relay has a core for itself. All kinds of traffic take turns within one run; ratios are medians of the rounds' own ratios.
"""

import json
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from bench.dialects import DIALECTS, PASSED, TRAFFIC, TRANSLATED, Traffic, print_dialects, ratio, turns
from bench.gateway import RATES_USD, Gateway
from bench.load import CountsDiffer, run_wrk
from bench.processes import cpu_s, free_port, start, stop, wait_for_port
from bench.scenarios import Scenario

INTERVAL_MS = 10.0
CONNECTIONS = 32
"""Few enough that a relay which translates is not busy all the time: then chunks come together, and a slow relay looks cheap."""
WARM_UP_S = 1.0
BOUNDS = {
    "ratio_anthropic_to_openai_cpu": 1.25,
    "ratio_gemini_to_openai_cpu": 1.25,
    "ratio_anthropic_to_openai_cpu_per_chunk": 1.25,
    "ratio_gemini_to_openai_cpu_per_chunk": 1.25,
    "ratio_translated_to_passed_cpu_per_chunk": 3.0,
}
_SHORT = {"anthropic_messages": "anthropic", "gemini_content": "gemini", "openai_responses": "responses"}


class Replaying:
    """The upstream of every dialect, a process."""

    def __init__(self, home: Path, *, on: list[int]) -> None:
        self.port = free_port()
        self._log = home / "replay.log"
        self._on = on

    def __enter__(self) -> "Replaying":
        command = [sys.executable, "-m", "bench.replay", str(self.port), str(INTERVAL_MS)]
        self._process = start(command, on=self._on, log=self._log)
        wait_for_port(self.port, self._process, self._log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def counts(self) -> dict[str, int]:
        """Requests and chunks so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


class DialectsGateway(Gateway):
    """An installation with one upstream for each dialect."""

    def __init__(self, home: Path, replaying: Replaying, *, device: int, others: list[int]) -> None:
        super().__init__(home, None, relay_cores=[device], others=others)
        self._replaying = replaying

    def _add_upstreams(self) -> None:
        for dialect in DIALECTS.values():
            base_url = f"http://127.0.0.1:{self._replaying.port}{dialect.base_path}"
            named = ["--name", dialect.model, "--models", dialect.model, "--base-url", base_url]
            self._run("upstreams", "add", dialect.provider, *named, stdin="sk-bench\n")
            self._run("prices", "set", dialect.model, *RATES_USD)


def measure_dialects(home: Path, *, device: int, others: list[int], rounds: int, seconds: float) -> dict[str, Any]:
    """Measure all kinds of traffic in turns, print them, and return the ratios with everything that was measured."""
    measured: list[dict[Traffic, float]] = []
    with Replaying(home, on=others) as replaying, DialectsGateway(home / "dialects", replaying, device=device, others=others) as gateway:
        for kind in TRAFFIC:
            run_wrk(_scenario(kind), port=gateway.port, script=_script(kind, gateway, home), seconds=WARM_UP_S, on=others)
        for number in range(rounds):
            gateway.wait_until_posted(0)
            measured.append({kind: _measure(kind, replaying, gateway, home=home, seconds=seconds, on=others) for kind in turns(number)})
    print("\ndialects: CPU µs of the relay per request (streams: per chunk), medians of rounds and of their ratios")
    print_dialects(measured)
    return {
        "ratios": _ratios(measured),
        "of": {kind.name: round(ratio(measured, kind), 3) for kind in TRAFFIC},
        "cpu_us": {kind.name: round(statistics.median(one[kind] for one in measured), 2) for kind in TRAFFIC},
        "rounds": [{kind.name: round(value, 2) for kind, value in one.items()} for one in measured],
    }


def judge_dialects(results: dict[str, Any]) -> list[str]:
    """Print the ratios, and return those that miss their bound."""
    missed = []
    for name, value in results["ratios"].items():
        print(f"{name}: {value:.2f}")
        if value > BOUNDS.get(name, value):
            missed.append(f"{name} is {value:.2f}, the bound is {BOUNDS[name]}")
    return missed


def _ratios(measured: list[dict[Traffic, float]]) -> dict[str, float]:
    found = {}
    for stream in (False, True):
        for pair in PASSED[1:]:
            name = f"ratio_{_SHORT[pair.client.name]}_to_openai_cpu{'_per_chunk' if stream else ''}"
            found[name] = ratio(measured, Traffic(pair, stream))
    found["ratio_translated_to_passed_cpu_per_chunk"] = max(ratio(measured, Traffic(pair, stream=True)) for pair in TRANSLATED)
    return {name: round(value, 3) for name, value in found.items()}


def _scenario(kind: Traffic) -> Scenario:
    return Scenario(name=kind.name, model=kind.pair.upstream.model, stream=kind.stream, connections=CONNECTIONS)


def _script(kind: Traffic, gateway: Gateway, folder: Path) -> Path:
    """Write the wrk script and the body it sends."""
    client, model = kind.pair.client, kind.pair.upstream.model
    stem = f"{client.name}-{model}-{'stream' if kind.stream else 'whole'}"
    body, script = folder / f"{stem}.json", folder / f"{stem}.lua"
    body.write_bytes(client.make_body(model, kind.stream))
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in client.headers(gateway.secret).items())
    path = client.path_for(model, stream=kind.stream)
    opened = f'local file = io.open("{body}", "rb")\nwrk.method, wrk.path, wrk.body = "POST", "{path}", file:read("*a")\nfile:close()\n'
    script.write_text(opened + headers)
    return script


def _measure(kind: Traffic, replaying: Replaying, gateway: Gateway, *, home: Path, seconds: float, on: list[int]) -> float:
    """Return the relay's CPU per request or chunk, and see that every request that reached the upstream is posted, once."""
    unit = "chunks" if kind.stream else "requests"
    before, records, relays = _settled(replaying), gateway.records(), gateway.relay_pids()
    used = cpu_s(relays)
    _, requests, _, _ = run_wrk(_scenario(kind), port=gateway.port, script=_script(kind, gateway, home), seconds=seconds, on=on)
    used = cpu_s(relays) - used
    units = replaying.counts()[unit] - before[unit]
    arrived = _settled(replaying)["requests"] - before["requests"]
    posted = gateway.wait_until_posted(records + arrived) - records
    if posted != arrived or not requests <= posted <= requests + CONNECTIONS:
        raise CountsDiffer(f"{kind.name}: wrk finished {requests} requests, the upstream got {arrived}, the book has {posted}")
    return used / units * 1e6


def _settled(replaying: Replaying) -> dict[str, int]:
    """Return the counts once no more arrive: what was under way when wrk left is read to its end."""
    before: dict[str, int] = {}
    while (now := replaying.counts()) != before:
        before = now
        subprocess.run(["sleep", "0.2"], check=True)
    return now
