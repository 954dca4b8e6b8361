"""What --data and --database open, and which errors end as one line."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from modelgate.app.processes import Processes, write_processes
from modelgate.cli import installation as installation_module
from modelgate.cli.groups import groups
from modelgate.cli.installation import Installation, on_installation, one_line_errors
from modelgate.cli.main import COMMANDS, modelgate
from modelgate.storage import database, migrations
from modelgate.storage.cipher import WrongSecret
from modelgate.storage.errors import NoSuchRow


@click.command()
@click.argument("word")
@on_installation
def command(installation: Installation, *, word: str) -> None:
    click.echo(f"{word} {installation.settings.database_url}")
    click.echo(installation.base_url)


def test_a_flag_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELGATE_DATA", str(tmp_path / "variable"))
    monkeypatch.delenv("MODELGATE_DATABASE", raising=False)
    assert f"hello sqlite:///{tmp_path}/variable/modelgate.db" in CliRunner().invoke(command, ["hello"]).output
    assert (
        f"hello sqlite:///{tmp_path}/flag/modelgate.db" in CliRunner().invoke(command, ["hello", "--data", str(tmp_path / "flag")]).output
    )
    assert (tmp_path / "flag" / "modelgate.db").exists()


def test_a_data_directory_made_by_a_command_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELGATE_DATABASE", raising=False)
    CliRunner().invoke(command, ["hello", "--data", str(tmp_path / "data")])
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_symptom_links_named_a_port_where_nothing_listened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server was started with --port, the command was not: it printed the default."""
    for name in ("MODELGATE_DATABASE", "MODELGATE_PUBLIC_URL", "MODELGATE_PORT"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["hello", "--data", str(tmp_path)]
    assert "http://127.0.0.1:8080" in CliRunner().invoke(command, arguments).output
    (tmp_path / "run").mkdir()
    write_processes(tmp_path / "run" / "processes.json", Processes(base_url="http://127.0.0.1:18711", host="127.0.0.1", port=18711))
    assert "http://127.0.0.1:18711" in CliRunner().invoke(command, arguments).output
    monkeypatch.setenv("MODELGATE_PUBLIC_URL", "https://ai.example.com/")
    assert "https://ai.example.com\n" in CliRunner().invoke(command, arguments).output


def test_a_data_directory_that_cannot_be_made_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = CliRunner().invoke(command, ["hello", "--data", str(tmp_path / "file" / "data")])
    assert ended.exit_code == 1
    assert ended.stderr.count("\n") == 1
    assert str(tmp_path / "file") in ended.stderr


MAKE_ONE = {
    ("keys", "create"),
    ("accounts", "create"),
    ("upstreams", "add"),
    ("members", "invite"),
    ("members", "setup-link"),
    ("prices", "set"),
    ("groups", "set"),
    ("settings", "set"),
    ("migrate",),
    ("serve",),
    ("relay",),
    ("book",),
    ("desk",),
    ("worker",),
}
"""Commands that set up or start what is not there yet."""


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    with click.Context(modelgate) as context:
        for name in COMMANDS:
            command = modelgate.get_command(context, name)
            assert command is not None
            leaves = command.commands if isinstance(command, click.Group) else {"": command}
            yield from ((tuple(filter(None, (name, leaf))), one) for leaf, one in leaves.items())


NEED_ONE = {
    path: [*path, *("1" for one in command.params if isinstance(one, click.Argument))]
    for path, command in commands()
    if path not in MAKE_ONE and "data" in {one.name for one in command.params}
}


@pytest.mark.parametrize("arguments", NEED_ONE.values(), ids=" ".join)
def test_what_needs_an_installation_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """A mistyped directory was made, with a database in it, and the answer was that there are no keys yet."""
    monkeypatch.delenv("MODELGATE_DATABASE", raising=False)
    elsewhere = tmp_path / "no such directory"
    ended = CliRunner().invoke(modelgate, [*arguments, "--data", str(elsewhere)])
    assert ended.exit_code == 1
    if arguments != ["doctor"]:  # it tells that the first start makes it
        said = f"Error: there is no Modelgate in {elsewhere}: name its directory with --data, or make one with: "
        assert ended.output == f"{said}modelgate serve --data '{elsewhere}'\n"
    assert not elsewhere.exists()


def test_the_password_of_a_database_that_holds_nothing_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installation_module, "schema_state", lambda _url: "empty")
    arguments = ["list", "--data", str(tmp_path), "--database", "postgresql://me:hidden@db.example/gate"]
    ended = CliRunner().invoke(groups, arguments)
    assert "there is no Modelgate in the database postgresql://me:***@db.example/gate" in ended.stderr
    assert "hidden" not in ended.output


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
def test_a_database_that_another_program_keeps_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """A command waited eight times ten seconds and then said that the database refused, but not which, nor what to do."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 1_500)
    monkeypatch.setattr(database, "MAX_TRIES", 60)
    for module in (installation_module, migrations):
        monkeypatch.setattr(module, "SHORT_PATIENCE_S", 1.0)

    @click.command()
    @on_installation
    def write(installation: Installation) -> None:
        installation.database.run(lambda _: None)

    path = tmp_path / "modelgate.db"
    assert CliRunner().invoke(write, ["--data", str(tmp_path)]).exit_code == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"PRAGMA locking_mode = {mode}")  # in this mode nobody else may even read
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        ended = CliRunner().invoke(write, ["--data", str(tmp_path)])
        waited_s = time.monotonic() - began
    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert f"{path} is locked by another program; end that program" in ended.stderr
    assert waited_s < 60, "one wait for the lock is the last"


@pytest.mark.parametrize("error", [NoSuchRow("no such key"), WrongSecret("another secret")])
def test_what_the_operator_can_mend_is_one_line(error: Exception) -> None:
    with pytest.raises(click.ClickException, match=str(error)), one_line_errors():
        raise error


def test_what_nobody_foresaw_is_left_to_the_edge() -> None:
    with pytest.raises(ValueError, match="a bug"), one_line_errors():
        raise ValueError("a bug")


def test_another_users_files_are_one_line() -> None:
    """Whoever forgot to become the server's user was told of an unexpected fault in the program."""
    with (
        pytest.raises(click.ClickException, match="may not read or write /srv/data/secret: run this as the user who runs the server"),
        one_line_errors(),
    ):
        raise PermissionError(13, "Permission denied", "/srv/data/secret")
