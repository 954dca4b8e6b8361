"""docs/commands.md names every command and option there is, and none that is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from modelgate.cli.main import COMMANDS, modelgate

DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"
SAID_ONCE = frozenset(("data", "database", "as_json"))
"""Options that the page's first paragraph tells about."""
WITHOUT_JSON = frozenset(("serve", "sandbox", "migrate", "version"))
"""Commands that run something, or of which the page says that they do not take it."""
ELSEWHERE = frozenset(("serve",))
"""Commands whose flags have a page of their own."""


def documented() -> dict[str, str]:
    """Return the text under each heading, by the command's words."""
    sections = re.split(r"^## modelgate ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    return {
        " ".join(word for word in section.splitlines()[0].split() if word.islower() and "|" not in word): section for section in sections
    }


def leaves() -> Iterator[tuple[str, click.Command]]:
    with click.Context(modelgate) as context:
        for name in (name for name, entry in COMMANDS.items() if entry.help):
            command = modelgate.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from ((f"{name} {leaf}", one) for leaf, one in command.commands.items())
            else:
                yield name, command


def test_every_command_is_documented_and_no_other() -> None:
    assert set(documented()) == {path for path, _ in leaves()}


@pytest.mark.parametrize(("path", "command"), list(leaves()))
def test_what_shows_or_changes_something_takes_json_as_the_page_says(path: str, command: click.Command) -> None:
    assert any(one.name == "as_json" for one in command.params) == (path not in WITHOUT_JSON)


@pytest.mark.parametrize(("path", "command"), list(leaves()))
def test_every_option_is_documented_and_no_other(path: str, command: click.Command) -> None:
    if path in ELSEWHERE:
        return
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden and one.name not in SAID_ONCE]
    section = documented()[path]
    rows = {line.split("`")[1].split()[0] for line in section.splitlines() if line.startswith("| `")}
    assert rows == {"/".join(one.opts + one.secondary_opts) for one in options}
    for one in options:
        assert one.help is not None
        assert one.help.replace("|", "\\|") in section
