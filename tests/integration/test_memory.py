"""What a fresh server keeps in memory: bounded in all, and nothing that nobody has asked for yet."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.environment import clean_environment

MAX_MB = 150
"""What a fresh start may take, all processes together, with one relay and before the sandbox is started."""
SETTLED_S = 2.0
WAIT_S = 60
ROLES = ("serve", "book", "desk", "relay")

HEAVY = (
    "PIL",
    "alembic",
    "argon2",
    "av",
    "cryptography",
    "numpy",
    "obstore",
    "psycopg",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "tiktoken",
)
"""In no process of a fresh start."""
UNWANTED = {
    "serve": ("asyncio", "click", "hashlib", "modelgate.cli", "modelgate.core", "sqlalchemy", "ssl", "structlog", "uvloop"),
    "book": (
        "click",
        "modelgate.cli",
        "modelgate.control",
        "modelgate.gateway",
        "modelgate.portal",
        "modelgate.sandbox",
        "starlette",
        "uvicorn",
    ),
    "desk": (
        "modelgate.app.control",
        "modelgate.cli",
        "modelgate.control",
        "modelgate.formats.anthropic_messages.wire",
        "modelgate.gateway.endpoints",
        "modelgate.portal.site",
        "modelgate.sandbox",
    ),
    "relay": ("click", "modelgate.cli", "modelgate.control", "modelgate.portal", "modelgate.sandbox", "sqlalchemy", "starlette", "uvicorn"),
}
ROLE = """
import atexit, os, pathlib, sys
from modelgate.app.roles import main
file = pathlib.Path(os.environ["MODULES"]) / sys.argv[1]
atexit.register(lambda: file.write_text("\\n".join(name for name, module in sys.modules.items() if module)))
main(sys.argv[1:])
"""
SERVE = """
import os, sys
from modelgate.app import roles
roles.COMMAND = (sys.executable, os.environ["ROLE"])
sys.argv[1:] = ["serve"]
exec(open(os.environ["ROLE"]).read())
"""


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a server from when it is ready until it has stopped."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready "), process.communicate(timeout=WAIT_S)[1]
            time.sleep(SETTLED_S)
            yield process
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=WAIT_S)
        finally:
            process.kill()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the kernel does not say what memory is shared")
def test_a_fresh_start_is_small(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "modelgate", "serve", "--port", "0", "--data", str(tmp_path)]
    with running(command, clean_environment()):
        facts = json.loads((tmp_path / "run" / "processes.json").read_text())
        used_mb = {name: proportional_mb(process["pid"]) for name, process in facts["processes"].items()}
    assert set(used_mb) == {"supervisor", "book", "desk", "relay-0"}
    assert sum(used_mb.values()) < MAX_MB, used_mb


def proportional_mb(pid: int) -> float:
    """Return the memory of a process, what it shares divided by those who share it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the modules that each process of a fresh start had loaded when it ended."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "role.py").write_text(ROLE)
    environment = clean_environment(
        MODELGATE_DATA=str(folder / "data"), MODELGATE_PORT="0", MODULES=str(folder), ROLE=str(folder / "role.py")
    )
    with running([sys.executable, "-c", SERVE], environment):
        pass
    return {role: set((folder / role).read_text().splitlines()) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_a_start_loads_nothing_that_nobody_asked_for(loaded: dict[str, set[str]], role: str) -> None:
    """Each of these was megabytes of every server, most of which never draw, sign, or show a page."""
    assert f"modelgate.app.{role}" in loaded[role]
    unwanted = (*HEAVY, *UNWANTED[role])
    assert sorted(name for name in loaded[role] if is_of(name, unwanted)) == []


def is_of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_what_is_unwanted_exists() -> None:
    """A name that nothing has any more would keep nothing out."""
    names = {name for unwanted in UNWANTED.values() for name in unwanted} | set(HEAVY) - {"numpy"}
    code = "import importlib.util, sys; sys.exit(' '.join(n for n in sys.argv[1:] if importlib.util.find_spec(n) is None))"
    done = subprocess.run([sys.executable, "-c", code, *sorted(names)], env=os.environ, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
