"""`modelgate serve`, and the roles it starts: relay, book, desk, worker. Flags are made from the one table of settings."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from modelgate.app.ready import report_failure
from modelgate.app.roles import become_supervisor, run_role
from modelgate.app.settings import Settings, SettingsError, describe, flag_of, load_settings, variable_of

Command = Callable[..., None]


def _with_settings(function: Command) -> Command:
    """Give a command a flag for every setting."""
    for field in reversed(Settings.__struct_fields__):
        function = click.option(flag_of(field), field, default=None, help=f"{describe(field)} [{variable_of(field)}]")(function)
    return function


def _settings_of(flags: dict[str, object]) -> Settings:
    try:
        return load_settings(flags, os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


@click.command()
@_with_settings
def serve(**flags: Any) -> None:
    """Start everything: the gateway on one port, with its data in one directory."""
    settings = _settings_of(flags)
    _check(settings)
    become_supervisor(settings)


@click.command(hidden=True)
@click.option("--index", type=int, default=0, help="Which relay of this machine this is, from 0.")
@click.option("--listen-fd", type=int, default=None, help="Descriptor of a listening socket; without it, one is opened.")
@_with_settings
def relay(index: int, listen_fd: int | None, **flags: Any) -> None:
    """Run one relay alone."""
    settings = _settings_of(flags)
    descriptor = _listen_alone(settings) if listen_fd is None else listen_fd
    run_role("relay", settings, index=index, listen_fd=descriptor)


@click.command(hidden=True)
@_with_settings
def book(**flags: Any) -> None:
    """Run the book alone."""
    run_role("book", _settings_of(flags))


@click.command(hidden=True)
@_with_settings
def desk(**flags: Any) -> None:
    """Run the desk alone."""
    run_role("desk", _settings_of(flags))


@click.command(hidden=True)
@_with_settings
def worker(**flags: Any) -> None:
    """Run a worker for media tasks alone."""
    run_role("worker", _settings_of(flags))


def _check(settings: Settings) -> None:
    """Say in one line what is wrong with files and addresses, before anything starts. Imported only then: ssl is 1.5 MB."""
    from modelgate.app.before_start import LOOKED_INTO, check_before_start
    from modelgate.app.data_directory import CannotStart

    if not any(getattr(settings, field) for field in LOOKED_INTO):
        return
    try:
        check_before_start(settings)
    except CannotStart as error:
        report_failure(str(error))
        sys.exit(1)


def _listen_alone(settings: Settings) -> int:
    """Open the port for a relay that was started without a supervisor."""
    from modelgate.app.data_directory import CannotStart
    from modelgate.app.listening import listen_for_relays

    try:
        (listening, *others), _ = listen_for_relays(settings)
    except CannotStart as error:
        report_failure(str(error))
        sys.exit(1)
    for other in others:
        other.close()
    return listening.detach()
