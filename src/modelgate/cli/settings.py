"""`modelgate settings`: what running processes follow."""

import time

import click

from modelgate.app.operator_settings import OPERATOR_SETTINGS, check_setting
from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.storage.settings import list_settings, set_setting, unset_setting


@click.group()
def settings() -> None:
    """Settings that live in the database: running servers follow within a second. Flags of `serve` are not in here."""


@settings.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List the settings, what they are and what they do."""
    stored = installation.database.read(list_settings)
    rows = [
        {"name": name, "value": stored.get(name, known.default), "values": list(known.values), "description": known.description}
        for name, known in OPERATOR_SETTINGS.items()
    ]
    if as_json:
        print_json(rows)
        return
    cells = ((str(row["name"]), str(row["value"]), "|".join(row["values"]), str(row["description"])) for row in rows)
    print_table(("name", "value", "takes", "meaning"), cells, empty="There are no settings.")


@settings.command(name="set")
@click.argument("name")
@click.argument("value")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def set_(installation: Installation, *, name: str, value: str, as_json: bool) -> None:
    """Set NAME to VALUE."""
    try:
        check_setting(name, value)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    installation.database.run(set_setting, name, value, now=time.time())
    if as_json:
        print_json({"name": name, "value": value})
        return
    click.echo(f"{name} is {value}.")


@settings.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def unset(installation: Installation, *, name: str, as_json: bool) -> None:
    """Give NAME its default back."""
    if name not in OPERATOR_SETTINGS:
        raise click.UsageError(f"there is no setting {name!r}; there are: {', '.join(OPERATOR_SETTINGS)}")
    installation.database.run(unset_setting, name, now=time.time())
    if as_json:
        print_json({"name": name, "value": OPERATOR_SETTINGS[name].default})
        return
    click.echo(f"{name} is {OPERATOR_SETTINGS[name].default}, its default.")
