"""What every operator's command works on: the database (and secret) that --data and --database name."""

import functools
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from modelgate.app.settings import Settings, SettingsError, load_settings
from modelgate.storage.database import SHORT_PATIENCE_S, Database, is_lock
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.ledger import IdempotencyConflict
from modelgate.storage.migrations import DatabaseUnusable, prepare, schema_state, unusable

P = ParamSpec("P")


class Installation:
    """An installation whose database is ready for use, whether its server runs or not."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database

    @property
    def base_url(self) -> str:
        """Where clients find the server: the public URL, else where the server says it listens, else where it would."""
        from modelgate.app.processes import read_processes

        known = None if self.settings.public_url else read_processes(self.settings.processes_path)
        return self.settings.base_url if known is None else known.base_url

    @functools.cached_property
    def cipher(self) -> Any:  # storage.cipher.Cipher, imported late
        """The cipher of vendor secrets. Raises SecretUnusable."""
        from modelgate.app.snapshots import installation_secret
        from modelgate.storage.cipher import Cipher

        return Cipher(installation_secret(self.settings))


def on_installation(function: Callable[Concatenate[Installation, P], None]) -> Callable[..., None]:
    """Give a command --data and --database, and hand it the installation they name as its first argument; made, if there is none.

    For commands that set up what is not started yet. Errors that the operator can do something about end as one line with exit code 1.
    """
    return _on_installation(function, must_exist=False)


def on_existing_installation(function: Callable[Concatenate[Installation, P], None]) -> Callable[..., None]:
    """As `on_installation`, for commands that need one: where none is, they say so, and make nothing in a directory that was mistyped."""
    return _on_installation(function, must_exist=True)


def _on_installation(function: Callable[Concatenate[Installation, P], None], *, must_exist: bool) -> Callable[..., None]:
    @click.option("--data", metavar="DIRECTORY", help="Data directory [MODELGATE_DATA; default: modelgate-data].")
    @click.option("--database", metavar="URL", help="Database, if not SQLite in the data directory [MODELGATE_DATABASE].")
    @functools.wraps(function)
    def command(data: str | None, database: str | None, *args: P.args, **kwargs: P.kwargs) -> None:
        with one_line_errors(), _opened(data, database, must_exist=must_exist) as installation:
            function(installation, *args, **kwargs)

    return command


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what the operator can mend into click's error: one line on stderr, exit code 1."""
    try:
        yield
    except (DatabaseUnusable, SettingsError, NoSuchRow, NameTaken, IdempotencyConflict) as error:
        raise click.ClickException(str(error)) from None
    except PermissionError as error:
        raise click.ClickException(f"may not read or write {error.filename}: run this as the user who runs the server") from None
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
        raise click.ClickException(f"the database refused: {reason}") from None
    except ValueError as error:
        if type(error).__name__ not in ("WrongSecret", "SecretUnusable"):  # of storage.cipher, which is imported only where needed
            raise
        raise click.ClickException(str(error)) from None


@contextmanager
def _opened(data: str | None, database_url: str | None, *, must_exist: bool) -> Iterator[Installation]:
    settings = load_settings({"data": data, "database": database_url}, os.environ)
    state = schema_state(settings.database_url)
    if must_exist and state == "empty":
        raise click.ClickException(_explain_absence(settings))
    if state != "current":
        prepare(settings.database_url)
    database = Database(settings.database_url, patience_s=SHORT_PATIENCE_S)
    try:
        yield Installation(settings, database)
    except DBAPIError as error:
        if not is_lock(error):
            raise
        raise unusable(settings.database_url, error) from None
    finally:
        database.close()


def _explain_absence(settings: Settings) -> str:
    if settings.database:
        where = make_url(settings.database).render_as_string(hide_password=True)
        return f"there is no Modelgate in the database {where}: name another with --database, or make one with: modelgate serve"
    where = str(settings.data_path)
    return (
        f"there is no Modelgate in {where}: name its directory with --data, or make one with: modelgate serve --data {shlex.quote(where)}"
    )
