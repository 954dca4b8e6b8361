"""`python -m bench`: start everything, measure in interleaved rounds, print the table, judge."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.dialects_load import judge_dialects, measure_dialects
from bench.gateway import Gateway
from bench.load import CountsDiffer, measure_modelgate, measure_nginx, run_wrk, script_for
from bench.log_rows import judge_log, measure_log
from bench.mock import Mock
from bench.processes import cores, leave_on_signals, memory_mb
from bench.report import print_table, summarize, verdict, write_json
from bench.scenarios import CHAT, SCENARIOS, STREAM, Scenario
from bench.tasks import judge_tasks, measure_tasks

OUT = Path(__file__).parent / "out"
FILES = 20_000
WARM_UP_S = 1.0
LATENCY_RATE = 200
LATENCY_S = 5.0
CROWD = 1000
DIALECTS = "dialects"
TASKS = "tasks"
LOGS = "logs"
SETTLE_S = 1.0


def main() -> None:
    """Measure what was asked for; exit 1 when counts differ, 2 when a bound is missed and --strict was given."""
    options = parse_options()
    leave_on_signals()
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    device, others = cores()
    chosen = [one for one in SCENARIOS if not options.only or options.only in one.model]
    results: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "at": int(time.time())}
    with tempfile.TemporaryDirectory(prefix="modelgate-bench-") as folder:
        home = Path(folder)
        try:
            if chosen:
                results |= measure_beside_nginx(chosen, home=home, device=device, others=others, options=options)
            if options.only in ("", DIALECTS):
                turns = {"rounds": options.rounds, "seconds": max(1, round(options.seconds / 2))}  # wrk wants whole seconds
                results["dialects"] = measure_dialects(home, device=device, others=others, **turns)
            if options.only in ("", TASKS):
                results["tasks"] = measure_tasks(home, device=device, others=others)
            if options.only in ("", LOGS):
                results["logs"] = measure_log()
        except CountsDiffer as error:
            sys.exit(f"bench: {error}")
    missed = verdict(results.get("scenarios", {}))
    if "dialects" in results:
        missed += judge_dialects(results["dialects"])
    if "tasks" in results:
        missed += judge_tasks(results["tasks"])
    if "logs" in results:
        missed += judge_log(results["logs"])
    write_json(OUT / f"{time.strftime('%Y%m%d-%H%M%S')}.json", results)
    for line in missed:
        print(f"missed: {line}")
    if missed and options.strict:
        sys.exit(2)


def parse_options() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Modelgate against nginx.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; medians are taken (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one run (4)")
    parser.add_argument(
        "--only", default="", help="dialects, tasks, logs, or part of a scenario's model name, such as 1k or stream; leaves out the reports"
    )
    parser.add_argument("--strict", action="store_true", help="exit 2 when a bound is missed")
    return parser.parse_args()


def measure_beside_nginx(
    chosen: list[Scenario], *, home: Path, device: int, others: list[int], options: argparse.Namespace
) -> dict[str, Any]:
    """Measure the scenarios and, unless one of them was asked for, what is only reported."""
    results: dict[str, Any] = {}
    with Mock(home, device=device, others=others) as mock:
        with Gateway(home / "gateway", mock, relay_cores=[device], others=others) as gateway:
            results["scenarios"] = measure_all(chosen, mock, gateway, home=home, others=others, options=options)
            if not options.only:
                results["latency"] = measure_latency(mock, gateway, home=home, on=others)
        if not options.only:
            results["memory_mb"] = measure_memory(mock, home=home, device=device, others=others)
            results["relays"] = measure_two_relays(mock, home=home, all_cores=[device, *others], seconds=options.seconds)
    return results


def measure_all(
    chosen: list[Scenario], mock: Mock, gateway: Gateway, *, home: Path, others: list[int], options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Measure every scenario on both, in turns, and print the table."""
    rows = []
    raw: dict[str, Any] = {}
    for scenario in chosen:
        script = script_for(scenario, gateway.secret, home)
        for port in (mock.proxy_ports[scenario.model], gateway.port):
            run_wrk(scenario, port=port, script=script, seconds=WARM_UP_S, on=others)
        gateway.wait_until_posted(0)
        runs: dict[str, list[Any]] = {"nginx": [], "modelgate": []}
        for _ in range(options.rounds):
            runs["nginx"].append(measure_nginx(scenario, mock, script=script, seconds=options.seconds, on=others))
            runs["modelgate"].append(measure_modelgate(scenario, mock, gateway, script=script, seconds=options.seconds, on=others))
        summary = summarize(runs["nginx"], runs["modelgate"])
        rows.append((scenario, summary))
        raw[scenario.name] = {**summary, "rounds": {name: [msgspec.structs.asdict(run) for run in all_] for name, all_ in runs.items()}}
        print(f"{scenario.name}: {summary['ratio_rps']:.2f} of nginx's requests/s at {summary['ratio_cpu']:.2f} times its CPU", flush=True)
    print_table(rows)
    return raw


def measure_latency(mock: Mock, gateway: Gateway, *, home: Path, on: list[int]) -> dict[str, Any]:
    """Report latency at a fixed rate: the upstream itself, through nginx, through ours."""
    ports = {"direct": mock.upstream_ports[CHAT.model], "nginx": mock.proxy_ports[CHAT.model], "modelgate": gateway.port}
    found = {}
    for name, port in ports.items():
        arguments = [str(port), gateway.secret, str(LATENCY_RATE), str(LATENCY_S), str(home / f"{CHAT.model}.json")]
        command = ["taskset", "-c", ",".join(map(str, on)), sys.executable, "-m", "bench.latency", *arguments]
        found[name] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(f"\nlatency at {LATENCY_RATE} requests/s, ms (p50 / p99), and what is added to the upstream's own:")
    for name, one in found.items():
        added = one["p50_ms"] - found["direct"]["p50_ms"]
        print(f"  {name:10}{one['p50_ms']:7.2f} /{one['p99_ms']:6.2f}   +{added:.2f}")
    return found


def measure_memory(mock: Mock, *, home: Path, device: int, others: list[int]) -> dict[str, float]:
    """Report the memory of a fresh installation, and of its relay alone: at rest, with idle connections, with streams."""
    folder = home / "memory"
    found: dict[str, float] = {}
    with Gateway(folder, mock, relay_cores=[device], others=others) as gateway:
        script_for(STREAM, gateway.secret, folder)
        time.sleep(SETTLE_S)
        found = {"rest_all": memory_mb(gateway.pids()), "rest_relay": memory_mb(gateway.relay_pids())}
        for name, what in (("idle", "idle"), ("streaming", str(folder / f"{STREAM.model}.json"))):
            arguments = [str(gateway.port), gateway.secret, str(CROWD), what]
            command = ["taskset", "-c", ",".join(map(str, others)), sys.executable, "-m", "bench.crowd", *arguments]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
                assert crowd.stdout is not None
                if crowd.stdout.readline() != "ready\n":
                    raise SystemExit("bench: the crowd did not get through")
                found[f"{name}_all"], found[f"{name}_relay"] = memory_mb(gateway.pids()), memory_mb(gateway.relay_pids())
                crowd.communicate("")
    found = {name: round(value, 1) for name, value in found.items()}
    print(f"\nmemory (PSS) of a fresh start, MB, all processes and relay alone; {CROWD} connections:")
    for name in ("rest", "idle", "streaming"):
        print(f"  {name:10}{found[f'{name}_all']:8.1f}{found[f'{name}_relay']:8.1f}")
    return found


def measure_two_relays(mock: Mock, *, home: Path, all_cores: list[int], seconds: float) -> dict[str, float]:
    """Report two relays against one. Load and book share the cores with them, so this is no measure of scaling on two cores."""
    found = {}
    for workers in (1, 2):
        folder = home / f"relays{workers}"
        with Gateway(folder, mock, relay_cores=all_cores, others=all_cores, workers=workers) as gateway:
            script = script_for(CHAT, gateway.secret, folder)
            run_wrk(CHAT, port=gateway.port, script=script, seconds=WARM_UP_S, on=all_cores)
            found[f"{workers}_rps"] = run_wrk(CHAT, port=gateway.port, script=script, seconds=seconds, on=all_cores)[0]
    print(f"\none relay {found['1_rps']:,.0f} requests/s, two {found['2_rps']:,.0f} (load and upstream on the same {len(all_cores)} cores)")
    return found


if __name__ == "__main__":
    main()
