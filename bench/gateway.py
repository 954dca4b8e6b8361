"""A throwaway installation of Modelgate, set up by its own command line: upstreams, prices, a live key with limits."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from bench.mock import Mock
from bench.processes import START_S, cpu_s, free_port, pin, start, stop, tree
from bench.scenarios import SCENARIOS

RATES = ("--rpm", "1000000000", "--tpm", "1000000000")
LIMIT_USD = "1000000"
RATES_USD = ("--input", "1.25", "--cached", "0.13", "--output", "10")
QUIET_S = 0.5
"""The journals are empty and the book rests when the whole tree used next to nothing for so long."""
QUIET_CPU_S = 0.05
DRAIN_S = 60.0


class Gateway:
    """One running `modelgate serve`, relays on the device's core, everything else elsewhere."""

    def __init__(self, home: Path, mock: Mock | None, *, relay_cores: list[int], others: list[int], workers: int = 1) -> None:
        self.home = home
        self.port = free_port()
        self.secret = ""
        self._data = home / "data"
        self._log = home / "modelgate.log"
        self._mock = mock
        self._relay_cores = relay_cores
        self._others = others
        self._workers = workers

    def __enter__(self) -> "Gateway":
        self.home.mkdir()
        self._set_up()
        command = [*self._command, "serve", "--data", str(self._data), "--port", str(self.port), "--workers", str(self._workers)]
        self._process = start([*command, "--log-level", "warning"], on=self._others, log=self._log, env=self._environment())
        deadline = time.monotonic() + START_S
        while "ready http" not in self._log.read_text():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SystemExit(f"bench: modelgate did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.05)
        for index, pid in enumerate(self.relay_pids()):
            pin(pid, [self._relay_cores[index % len(self._relay_cores)]])
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "modelgate.cli.main"]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELGATE_")}
        return {name: value for name, value in kept.items() if not name.endswith(("_API_KEY", "_HOST", "_proxy", "_PROXY"))}

    def _run(self, *arguments: str, stdin: str = "") -> str:
        command = [*self._command, *arguments, "--data", str(self._data)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=self._environment(), check=False)
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def _set_up(self) -> None:
        self._add_upstreams()
        created = self._run("keys", "create", "--name", "bench", *RATES, "--limit", LIMIT_USD, "--json")
        self.secret = json.loads(created)["secret"]

    def _add_upstreams(self) -> None:
        assert self._mock is not None
        for scenario in SCENARIOS:
            scheme, ca = ("https", ["--ca-file", str(self._mock.ca_file)]) if scenario.tls else ("http", [])
            base_url = f"{scheme}://127.0.0.1:{self._mock.upstream_ports[scenario.model]}/v1"
            models = ["--name", scenario.model, "--models", scenario.model]
            self._run("upstreams", "add", "openai", "--base-url", base_url, *models, *ca, stdin="sk-bench\n")
            self._run("prices", "set", scenario.model, *RATES_USD)

    def pids(self) -> list[int]:
        """All processes."""
        return tree(self._process.pid)

    def relay_pids(self) -> list[int]:
        """The relays, in order."""
        processes = json.loads((self._data / "run" / "processes.json").read_text())["processes"]
        return [facts["pid"] for name, facts in sorted(processes.items()) if name.startswith("relay")]

    def records(self) -> int:
        """Requests that the book has posted."""
        connection = sqlite3.connect(f"file:{self._data / 'modelgate.db'}?mode=ro", uri=True, timeout=10)
        try:
            count: int = connection.execute("SELECT count(*) FROM request_record").fetchone()[0]
        finally:
            connection.close()
        return count

    def wait_until_posted(self, records: int) -> int:
        """Wait until the journals are drained into the book and all is quiet; return the number of records."""
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline and self.records() < records:
            time.sleep(0.1)
        before = cpu_s(self.pids())
        while time.monotonic() < deadline:
            time.sleep(QUIET_S)
            now = cpu_s(self.pids())
            if now - before < QUIET_CPU_S:
                break
            before = now
        return self.records()
