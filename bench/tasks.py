"""The task worker with ten thousand running tasks: its CPU, how late its polls are, and its memory."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.processes import cpu_s, memory_mb, start, stop, waited_s
from bench.tasks_sandbox import job_id
from modelgate.core.records import Task
from modelgate.formats.media.requests import MusicRequest, VideoRequest, encode_request
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.tasks import insert_task

TASKS = 10_000
SECONDS = 60.0
SETTLE_S = 45.0
"""Every task has been polled several times: what its vendor says at first is written, connections are open."""
START_S = 30.0
WORKER_START_S = 6.0
MAX_CPU_PERCENT = 70.0
MAX_LATE_S = 1.0
MAX_GROWTH = 1.05
MODES = {"single": ("fal", "video"), "batch": ("suno", "music")}
"""Mode -> vendor and operation: fal is asked about one job at a time, Suno's relay about a hundred."""


def measure_tasks(home: Path, *, device: int, others: list[int], seconds: float = SECONDS, tasks: int = TASKS) -> dict[str, Any]:
    """Measure both modes, print them, and return the figures by mode."""
    found = {}
    for mode, (vendor, operation) in MODES.items():
        folder = home / f"tasks-{mode}"
        folder.mkdir()
        found[mode] = _measure(folder, vendor, operation, device=device, others=others, seconds=seconds, tasks=tasks)
        one = found[mode]
        print(
            f"tasks, {mode}: {one['polls_per_s']:.0f} calls/s, worker {one['cpu_percent']:.0f} % of a core "
            f"(ready without one {one['waited_percent']:.0f} %), "
            f"late at worst {one['worst_s']:.2f} s (p99 {one['p99_s']:.2f}), {one['memory_begin_mb']:.0f} -> {one['memory_end_mb']:.0f} MB",
            flush=True,
        )
    return found


def judge_tasks(found: dict[str, Any]) -> list[str]:
    """Return a line for each bound that is missed."""
    missed = []
    for mode, one in found.items():
        if one["cpu_percent"] > MAX_CPU_PERCENT:
            missed.append(f"tasks, {mode}: {one['cpu_percent']:.0f} % of a core, at most {MAX_CPU_PERCENT:.0f}")
        if one["worst_s"] > MAX_LATE_S:
            missed.append(f"tasks, {mode}: a poll {one['worst_s']:.2f} s late, at most {MAX_LATE_S:.0f}")
        if one["memory_end_mb"] > one["memory_begin_mb"] * MAX_GROWTH:
            missed.append(f"tasks, {mode}: memory grew from {one['memory_begin_mb']:.0f} to {one['memory_end_mb']:.0f} MB")
    return missed


def _measure(folder: Path, vendor: str, operation: str, *, device: int, others: list[int], seconds: float, tasks: int) -> dict[str, float]:
    data, out = folder / "data", folder / "late.json"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELGATE_")}
    environment = {**kept, "MODELGATE_DATA": str(data), "MODELGATE_LOG_LEVEL": "warning"}
    migrate = [sys.executable, "-m", "modelgate.cli.main", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    _fill(data / "modelgate.db", vendor, operation, tasks)
    run = data / "run"
    run.mkdir(exist_ok=True)
    path = run / "sandbox.sock"
    sandbox_command = [sys.executable, "-m", "bench.tasks_sandbox", vendor, str(tasks), str(path)]
    sandbox = start(sandbox_command, on=others, log=folder / "sandbox.log", env=environment)
    try:
        _wait_for(path, sandbox, folder / "sandbox.log")
        _make_due(data / "modelgate.db", from_=time.time() + WORKER_START_S)
        worker = start([sys.executable, "-m", "bench.tasks_worker", str(out)], on=[device], log=folder / "worker.log", env=environment)
        try:
            time.sleep(SETTLE_S)
            worker.send_signal(signal.SIGUSR1)
            began, cpu_before, memory_before = time.monotonic(), cpu_s([worker.pid]), memory_mb([worker.pid])
            vendor_before, waited_before = cpu_s([sandbox.pid]), waited_s(worker.pid)
            time.sleep(seconds)
            lasted, cpu_after, memory_after = time.monotonic() - began, cpu_s([worker.pid]), memory_mb([worker.pid])
            vendor_after, waited_after = cpu_s([sandbox.pid]), waited_s(worker.pid)
        finally:
            stop(worker)
    finally:
        stop(sandbox)
    late = json.loads(out.read_text())
    if not late:
        raise SystemExit(f"bench: the worker asked nothing:\n{(folder / 'worker.log').read_text()[-2000:]}")
    return {
        "polls_per_s": late["calls"] / lasted,
        "cpu_percent": 100 * (cpu_after - cpu_before) / lasted,
        "waited_percent": 100 * (waited_after - waited_before) / lasted,
        "vendor_cpu_percent": 100 * (vendor_after - vendor_before) / lasted,
        "worst_s": late["worst_s"],
        "p99_s": late["p99_s"],
        "p50_s": late["p50_s"],
        "memory_begin_mb": memory_before,
        "memory_end_mb": memory_after,
    }


def _wait_for(path: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not path.exists():
        if time.monotonic() > deadline or process.poll() is not None:
            raise SystemExit(f"bench: the sandbox did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _make_due(path: Path, *, from_: float) -> None:
    """Spread the tasks over the first interval, which begins when the worker has started."""
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        database.execute("UPDATE task SET due_at = ? + (rowid * 7919 % 5000) / 1000.0", (from_,))
        database.execute("UPDATE task SET wake_at = due_at")


def _fill(path: Path, vendor: str, operation: str, count: int) -> None:
    """Write tasks that a vendor works on, due one after the other within the first interval."""
    request = VideoRequest(model="pika-2.2", prompt="a cat on a skateboard", seconds=5, resolution="720p")
    song = MusicRequest(model="suno", prompt="a song about the sea")
    encoded = encode_request(song if operation == "music" else request)
    database, now = Database(sqlite_url(path)), time.time()

    def insert_all(connection: Any) -> None:
        for index in range(count):
            task = Task(
                id=f"task_bench{index:08d}",
                account="acct_bench",
                key="key_bench",
                book="test",
                family="tasks",
                operation=operation,
                model="bench",
                state="running",
                request=encoded,
                progress=50,
                amount_nanos=0,
                request_id=f"req_{index:024x}",
                upstream=f"up_sandbox_{vendor}",
                credential=f"cred_sandbox_{vendor}",
                vendor_task=f"fal-ai/pika/requests/{job_id(index)}" if vendor == "fal" else job_id(index),
                created_at=now,
                updated_at=now,
                submitted_at=now,
                due_at=now,
                deadline_at=now + 86_400,
            )
            insert_task(connection, task, period="never", limit_nanos=None, owner="", lease_until=now)

    database.run(insert_all)
    database.close()
