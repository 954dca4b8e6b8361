"""Every process of a server begins without the command line: settings from the environment, faults told to the supervisor."""

import os
import subprocess
import sys
import types
from collections.abc import Callable

import pytest

from modelgate.app import roles
from modelgate.app.settings import Settings, to_environment


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role run inside the test blocks no import of others."""
    monkeypatch.setattr(roles, "leave_out_rich", lambda: None)


def fake_role(monkeypatch: pytest.MonkeyPatch, name: str, main: Callable[..., None]) -> None:
    fake = types.ModuleType(f"modelgate.app.{name}")
    fake.main = main  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, fake.__name__, fake)


def test_a_role_gets_the_settings_of_the_environment_and_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Settings, dict[str, int]]] = []
    fake_role(monkeypatch, "relay", lambda settings, **arguments: seen.append((settings, arguments)))
    monkeypatch.setenv("MODELGATE_WORKERS", "3")
    roles.main(["relay", "--index", "2", "--listen-fd", "7"])
    assert seen == [(Settings(workers=3), {"index": 2, "listen_fd": 7})]


def test_a_fault_of_a_role_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def main(_settings: Settings) -> None:
        raise RuntimeError("no luck")

    fake_role(monkeypatch, "book", main)
    monkeypatch.setattr(roles, "report_crash", told.append)
    with pytest.raises(RuntimeError, match="no luck"):
        roles.main(["book"])
    assert told == ["RuntimeError: no luck"]


def test_serving_goes_on_in_the_same_process_with_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: seen.append(call))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-vendor")
    settings = Settings(port=0, trusted_proxies=("10.0.0.0/8", "::1"), data="here")
    roles.become_supervisor(settings)
    ((program, command, environment),) = seen
    assert (program, command) == (sys.executable, [sys.executable, "-m", "modelgate.app.roles", "serve"])
    assert to_environment(settings).items() <= environment.items()
    assert environment["OPENAI_API_KEY"] == "sk-vendor"


def test_servers_do_without_rich() -> None:
    """It took 5 MB of each process, of 150 for all."""
    code = "import sys; from modelgate.app.roles import leave_out_rich; leave_out_rich(); import modelgate.telemetry.logs; "
    code += "modelgate.telemetry.logs.configure_logs(format='console'); sys.exit('rich.console' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
