"""`modelgate serve` and the roles: flags out of the table of settings, faults told to the supervisor."""

import subprocess
import sys
import types

import pytest
from click.testing import CliRunner

from modelgate.app.settings import Settings, describe, flag_of
from modelgate.cli import serve as module
from modelgate.cli.serve import book, relay, serve


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role run inside the test blocks no import of others."""
    monkeypatch.setattr(module, "_leave_out_rich", lambda: None)


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_every_setting_is_a_flag_with_help(field: str) -> None:
    text = " ".join(CliRunner().invoke(serve, ["--help"]).output.split())
    assert flag_of(field) in text
    assert describe(field).split(".")[0][:40].rsplit(" ", 1)[0] in text


def test_a_wrong_value_is_wrong_use() -> None:
    result = CliRunner().invoke(serve, ["--port", "x"])
    assert result.exit_code == 2
    assert "--port (MODELGATE_PORT) is not usable" in result.output


def test_a_role_gets_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Settings, dict[str, object]]] = []
    fake = types.ModuleType("modelgate.app.relay")
    fake.main = lambda settings, **arguments: seen.append((settings, arguments))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "modelgate.app.relay", fake)
    result = CliRunner().invoke(relay, ["--index", "2", "--listen-fd", "7", "--workers", "3"])
    assert result.exit_code == 0
    assert seen == [(Settings(workers=3), {"index": 2, "listen_fd": 7})]


def test_a_fault_of_a_role_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    fake = types.ModuleType("modelgate.app.book")

    def main(_settings: Settings) -> None:
        raise RuntimeError("no luck")

    fake.main = main  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "modelgate.app.book", fake)
    monkeypatch.setattr(module, "report_crash", told.append)
    result = CliRunner().invoke(book, [])
    assert isinstance(result.exception, RuntimeError)
    assert told == ["RuntimeError: no luck"]


def test_servers_do_without_rich() -> None:
    """It took 5 MB of each process, of 150 for all."""
    code = "import sys; from modelgate.cli.serve import _leave_out_rich; _leave_out_rich(); import modelgate.telemetry.logs; "
    code += "modelgate.telemetry.logs.configure_logs(format='console'); sys.exit('rich.console' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_relay_alone_opens_its_own_port() -> None:
    descriptor = module._listen_alone(Settings(port=0))
    assert descriptor > 2
    module.os.close(descriptor)
