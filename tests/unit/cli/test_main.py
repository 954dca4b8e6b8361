"""The table of commands, and how errors end."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from modelgate import __version__
from modelgate.cli import main
from modelgate.cli.main import COMMANDS, modelgate


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_loaded_and_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(modelgate, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert "Usage: modelgate" in shown.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_of_every_command_says_what_it_is_for(name: str) -> None:
    with click.Context(modelgate) as context:
        command = modelgate.get_command(context, name)
    assert command is not None
    leaves = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        assert leaf.help, leaf.name
        for parameter in leaf.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{leaf.name} {parameter.name}"


def test_the_list_of_commands_imports_none_of_them() -> None:
    script = "import sys; from click.testing import CliRunner; from modelgate.cli.main import modelgate; "
    script += "print(CliRunner().invoke(modelgate, ['--help']).output); "
    script += "print([name for name in sys.modules if name.startswith(('modelgate.cli.', 'sqlalchemy')) and name != 'modelgate.cli.main'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.rstrip().endswith("[]")
    for name, entry in COMMANDS.items():
        assert (f"  {name} " in done.stdout) == bool(entry.help)


def test_the_version() -> None:
    for arguments in (["version"], ["--version"]):
        assert CliRunner().invoke(modelgate, arguments).output.strip() == __version__


def test_wrong_use_ends_with_2() -> None:
    refused = CliRunner().invoke(modelgate, ["bake"])
    assert refused.exit_code == 2
    assert "bake" in refused.stderr


def test_an_unforeseen_fault_ends_with_one_line_and_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(main, "modelgate", fail)
    monkeypatch.delenv("MODELGATE_LOG_LEVEL", raising=False)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "RuntimeError: first line" in text
    monkeypatch.setenv("MODELGATE_LOG_LEVEL", "debug")
    with pytest.raises(RuntimeError):
        main.main()
