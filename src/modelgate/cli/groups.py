"""`modelgate groups`: price groups of keys."""

import time

import click

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.identity.key_bounds import MAX_GROUP_LENGTH
from modelgate.storage.price_rows import list_groups, set_group, unset_group


@click.group()
def groups() -> None:
    """Price groups: a key in a group pays the price times the group's multiplier. A group without one pays the price."""


@groups.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List the groups that have a multiplier."""
    found = installation.database.read(list_groups)
    if as_json:
        print_json([{"name": name, "multiplier": multiplier} for name, multiplier in found.items()])
        return
    print_table(("group", "multiplier"), found.items(), empty="No group has a multiplier: every key pays the price as it is.")


@groups.command(name="set")
@click.argument("name")
@click.argument("multiplier")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def set_(installation: Installation, *, name: str, multiplier: str, as_json: bool) -> None:
    """Let keys of the group NAME pay MULTIPLIER times the price, such as 0.8 or 1.2."""
    from modelgate.metering.prices import parse_multiplier

    if not name.strip() or len(name) > MAX_GROUP_LENGTH:
        raise click.UsageError(f"the name of a group has 1 to {MAX_GROUP_LENGTH} characters")
    try:
        parse_multiplier(multiplier)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    installation.database.run(set_group, name, multiplier.strip(), now=time.time())
    if as_json:
        print_json({"name": name, "multiplier": multiplier.strip()})
        return
    click.echo(f"Keys of the group {name!r} pay {multiplier.strip()} times the price.")


@groups.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def unset(installation: Installation, *, name: str, as_json: bool) -> None:
    """Let keys of the group NAME pay the price as it is."""
    if not installation.database.run(unset_group, name, now=time.time()):
        raise click.ClickException(f"the group {name!r} has no multiplier")
    if as_json:
        print_json({"name": name, "multiplier": None})
        return
    click.echo(f"Keys of the group {name!r} pay the price as it is.")
