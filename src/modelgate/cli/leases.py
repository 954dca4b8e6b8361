"""`modelgate leases`: money that is out with relays."""

import time
from datetime import UTC, datetime

import click

from modelgate.cli.installation import Installation, on_existing_installation
from modelgate.cli.output import print_json, print_table
from modelgate.core.money import render_usd
from modelgate.storage.ledger_recovery import OpenIncarnation, abandon, open_incarnations


@click.group()
def leases() -> None:
    """Money that is out with relays, by incarnation: one life of one relay process.

    A relay that dies is recovered by its node, from its journal. Only when that disk is lost is there something to do here.
    """


@leases.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List incarnations that are not closed, and what is out with each."""
    found = installation.database.read(open_incarnations)
    there = {one.id: (installation.settings.journal_path / one.id).is_dir() for one in found}
    if as_json:
        print_json([{"incarnation": one, "journal_here": there[one.id]} for one in found])
        return
    columns = ("incarnation", "node", "state", "since", "leases", "USD", "journal on this node")
    print_table(columns, (_row(one, is_here=there[one.id]) for one in found), empty="No money is out with relays.")


def _row(one: OpenIncarnation, *, is_here: bool) -> tuple[str, ...]:
    since = datetime.fromtimestamp(one.opened_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (one.id, one.node, one.state, since, str(one.leases), render_usd(one.balance_nanos), "yes" if is_here else "no")


@leases.command(name="abandon")
@click.argument("incarnation")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def abandon_(installation: Installation, *, incarnation: str, yes: bool, as_json: bool) -> None:
    """Give up an incarnation whose disk is lost, and give its money back to the balances.

    What its requests cost is unknown then. If the disk turns up after all, it is charged late, and the audit lists it.
    """
    if (installation.settings.journal_path / incarnation).is_dir():
        raise click.ClickException("its journal is on this node: start the server, which recovers it from there")
    if not yes:
        click.confirm(f"Is the disk with the journal of {incarnation} lost for good?", abort=True)
    given_back = installation.database.run(abandon, incarnation_id=incarnation, now=time.time())
    if given_back is None:
        raise click.ClickException(f"no incarnation {incarnation!r} is open; see: modelgate leases list")
    if as_json:
        print_json({"incarnation": incarnation, "given_back_usd": render_usd(given_back)})
        return
    click.echo(f"Abandoned; {render_usd(given_back)} USD went back.")
