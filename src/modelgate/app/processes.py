"""run/processes.json: what the supervisor runs, for doctor, /readyz and tests."""

import os
from pathlib import Path

import msgspec


class ProcessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One process. `pid` 0: not running now. `ready`: it serves. `restarts` counts those since the start."""

    pid: int
    ready: bool
    restarts: int = 0


class Processes(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, by name: `supervisor`, `book`, `desk`, `relay-0` …, and `sandbox` once it was needed."""

    base_url: str
    host: str
    port: int
    processes: dict[str, ProcessFacts] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of processes that should serve and do not."""
        return tuple(name for name, facts in self.processes.items() if not facts.ready)


def read_processes(path: Path) -> Processes | None:
    """Return what is written; None when no server runs here or the file cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Processes)
    except (OSError, msgspec.DecodeError):
        return None


def write_processes(path: Path, processes: Processes) -> None:
    """Replace the file, all of it or nothing."""
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(processes) + b"\n")
    os.replace(draft, path)
