"""`modelgate serve` and the roles: flags out of the table of settings."""

import sys
import types

import pytest
from click.testing import CliRunner

from modelgate.app import roles
from modelgate.app.settings import Settings, describe, flag_of
from modelgate.cli import serve as module
from modelgate.cli.serve import relay, serve


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role run inside the test blocks no import of others."""
    monkeypatch.setattr(roles, "leave_out_rich", lambda: None)


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


def test_serving_begins_with_the_settings_of_the_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr(module, "become_supervisor", seen.append)
    assert CliRunner().invoke(serve, ["--port", "0", "--trusted-proxies", "10.0.0.0/8,::1"]).exit_code == 0
    assert seen == [Settings(port=0, trusted_proxies=("10.0.0.0/8", "::1"))]


def test_a_relay_alone_opens_its_own_port() -> None:
    descriptor = module._listen_alone(Settings(port=0))
    assert descriptor > 2
    module.os.close(descriptor)
