"""`python -m modelgate.app.roles ROLE`: every process of a server, begun without the command line.

`modelgate serve` turns into one of these, which starts the others. Settings come from the environment alone, so that neither click
nor what it imports stays in memory for as long as a server runs: 4 MB in the supervisor, 2 MB in each other process.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from modelgate.app.ready import die_with_supervisor, report_crash
from modelgate.app.settings import Settings, load_settings, to_environment

COMMAND = (sys.executable, "-m", "modelgate.app.roles")


def become_supervisor(settings: Settings) -> NoReturn:
    """Go on as the supervisor, in this process and under its id. Does not return."""
    sys.stdout.flush()
    os.execve(COMMAND[0], [*COMMAND, "serve"], {**os.environ, **to_environment(settings)})  # noqa: S606  # our own program, no shell


def run_role(role: str, settings: Settings, **arguments: int) -> None:
    """Run a role to its end; a fault is told to the supervisor before it shows as a traceback."""
    die_with_supervisor()
    leave_out_rich()
    try:
        importlib.import_module(f"modelgate.app.{role}").main(settings, **arguments)
    except Exception as error:
        report_crash(f"{type(error).__name__}: {error}")
        raise


def leave_out_rich() -> None:
    """Keep rich out of a server's memory: structlog imports it when it can, for tracebacks in colour that are not used here.

    None in `sys.modules` makes the import fail, which structlog expects. Measured: 5 MB and 40 ms in each process.
    """
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # the documented way to block an import


def main(words: Sequence[str]) -> None:
    """Run the role that the first word names; after it come its arguments, such as `--index 0`."""
    role, *rest = words
    arguments = {name.removeprefix("--").replace("-", "_"): int(value) for name, value in zip(rest[::2], rest[1::2], strict=True)}
    run_role(role, load_settings({}, os.environ), **arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
