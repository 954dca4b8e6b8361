"""`modelgate`: finds the command, runs it, and ends every error with one clear line on stderr.

Exit codes: 0 done, 1 failed or something is wrong, 2 wrong use.
"""

import importlib
import os
import sys
from typing import NamedTuple

import click

from modelgate import __version__

DEBUG_LEVEL = "debug"
LOG_LEVEL_VARIABLE = "MODELGATE_LOG_LEVEL"


class Entry(NamedTuple):
    """Where a command lives (module in `modelgate.cli`, attribute), and its line in `modelgate --help`; empty: not shown."""

    module: str
    attribute: str
    help: str


COMMANDS: dict[str, Entry] = {
    "serve": Entry("serve", "serve", "Start everything on one port."),
    "keys": Entry("keys", "keys", "API keys: create, list, edit, disable, enable, rotate."),
    "accounts": Entry("accounts", "accounts", "Who pays: create, list, credit, limit."),
    "members": Entry("members", "members", "People who sign in: list, invite, setup-link, reset-password."),
    "upstreams": Entry("upstreams", "upstreams", "Where answers come from: add, list, test, edit, pause, resume, remove."),
    "prices": Entry("prices", "prices", "What models cost: list, set, unset."),
    "groups": Entry("groups", "groups", "Price groups of keys and their multipliers."),
    "settings": Entry("settings", "settings", "Settings that running processes follow."),
    "audit": Entry("audit", "audit", "Prove the book: does every nano-dollar add up?"),
    "leases": Entry("leases", "leases", "Money that is out with relays; give up what a lost disk holds."),
    "doctor": Entry("doctor", "doctor", "Say what is wrong with this installation and how to mend it."),
    "sandbox": Entry("sandbox", "sandbox", "Run the make-believe vendors alone, on a port."),
    "migrate": Entry("migrate", "migrate", "Bring the database up to date."),
    "version": Entry("version", "version", "Print the version."),
    "relay": Entry("serve", "relay", ""),
    "book": Entry("serve", "book", ""),
    "desk": Entry("serve", "desk", ""),
    "worker": Entry("serve", "worker", ""),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f"modelgate.cli.{entry.module}"), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands out of the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items() if entry.help])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, message="%(version)s")
def modelgate() -> None:
    """Self-hosted AI gateway: one key, one base URL, every model, and a book that can be proved.

    Start with: modelgate serve
    """


def main() -> None:
    """Run the command line; does not return."""
    try:
        modelgate(prog_name="modelgate")
    except Exception as error:  # the edge of every command: whatever was not foreseen ends here, in one line
        if os.environ.get(LOG_LEVEL_VARIABLE) == DEBUG_LEVEL:
            raise
        reason = (str(error).strip().splitlines() or [""])[0]
        click.echo(
            f"Error: unexpected fault in the program ({type(error).__name__}: {reason}); "
            f"run it again with {LOG_LEVEL_VARIABLE}={DEBUG_LEVEL} to see where",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
