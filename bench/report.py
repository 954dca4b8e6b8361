"""The table for people and the JSON for machines."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.load import Run
from bench.scenarios import CHAT, STREAM, Scenario

TARGETS = {"rps": 0.45, "cpu": 2.2, "cpu_all": 3.2, "stream_cpu": 1.5}
"""At least so much of nginx's requests per second; at most so many times its CPU."""


def median(runs: Sequence[Run], field: str) -> float:
    """Return the median of one number over the rounds."""
    return statistics.median(getattr(run, field) for run in runs)


def summarize(nginx: Sequence[Run], modelgate: Sequence[Run]) -> dict[str, float]:
    """Return the medians of both, and the ratios of the medians."""
    fields = ("rps", "cpu_us", "cpu_all_us", "p50_ms", "p99_ms")
    summary = {f"nginx_{field}": median(nginx, field) for field in fields}
    summary |= {f"modelgate_{field}": median(modelgate, field) for field in fields}
    summary["ratio_rps"] = summary["modelgate_rps"] / summary["nginx_rps"]
    summary["ratio_cpu"] = summary["modelgate_cpu_us"] / summary["nginx_cpu_us"]
    summary["ratio_cpu_all"] = summary["modelgate_cpu_all_us"] / summary["nginx_cpu_us"]
    return {name: round(value, 3) for name, value in summary.items()}


def print_table(rows: Sequence[tuple[Scenario, dict[str, float]]]) -> None:
    """Print one line for each scenario; CPU is µs per request, for streams per chunk."""
    print(f"\n{'':34}{'requests/s':^22}{'CPU µs, one core':^24}{'whole tree':^16}{'p50 / p99 ms':^26}")
    print(f"{'':34}{'nginx':>9}{'ours':>8}{'x':>5}{'nginx':>10}{'ours':>8}{'x':>6}{'ours':>9}{'x':>6}{'nginx':>14}{'ours':>15}")
    for scenario, one in rows:
        print(
            f"{scenario.name:34}{one['nginx_rps']:9,.0f}{one['modelgate_rps']:8,.0f}{one['ratio_rps']:5.2f}"
            f"{one['nginx_cpu_us']:10.1f}{one['modelgate_cpu_us']:8.1f}{one['ratio_cpu']:6.2f}"
            f"{one['modelgate_cpu_all_us']:9.1f}{one['ratio_cpu_all']:6.2f}"
            f"{one['nginx_p50_ms']:7.2f} /{one['nginx_p99_ms']:6.2f}{one['modelgate_p50_ms']:7.2f} /{one['modelgate_p99_ms']:6.2f}"
        )


def verdict(results: dict[str, dict[str, float]]) -> list[str]:
    """Print the ratios that have a bound, and return those that miss it."""
    missed = []
    lines = []
    chat, stream = results.get(CHAT.name), results.get(STREAM.name)
    if chat is not None:
        lines += [("ratio_to_nginx_rps", chat["ratio_rps"], TARGETS["rps"], chat["ratio_rps"] >= TARGETS["rps"])]
        lines += [("ratio_to_nginx_cpu", chat["ratio_cpu"], TARGETS["cpu"], chat["ratio_cpu"] <= TARGETS["cpu"])]
        lines += [("ratio_to_nginx_cpu_all", chat["ratio_cpu_all"], TARGETS["cpu_all"], chat["ratio_cpu_all"] <= TARGETS["cpu_all"])]
    if stream is not None:
        good = stream["ratio_cpu"] <= TARGETS["stream_cpu"]
        lines += [("ratio_to_nginx_cpu_per_chunk", stream["ratio_cpu"], TARGETS["stream_cpu"], good)]
    for name, value, bound, good in lines:
        print(f"{name}: {value:.2f}")
        if not good:
            missed.append(f"{name} is {value:.2f}, the bound is {bound}")
    return missed


def write_json(path: Path, results: dict[str, Any]) -> None:
    """Write everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwritten: {path}")
