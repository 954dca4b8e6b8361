"""`modelgate audit`: does every nano-dollar add up?"""

import click

from modelgate.app.data_directory import is_locked
from modelgate.cli.installation import Installation, on_existing_installation
from modelgate.cli.output import print_json, print_table
from modelgate.core.money import render_usd
from modelgate.storage.audit import AuditReport
from modelgate.storage.audit import audit as audit_ledger
from modelgate.storage.audit_journals import audit_journals


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--at-rest/--running",
    "at_rest",
    default=None,
    help="Whether to insist that nothing is out with relays [default: when the server is stopped, and the database is SQLite].",
)
@on_existing_installation
def audit(installation: Installation, *, as_json: bool, at_rest: bool | None) -> None:
    """Prove the book: recompute every balance from its entries, and compare requests with charges and journals.

    Lists what is out of the ordinary (orphans, overruns, estimates, late charges). Exits with 1 if anything does not balance.
    """
    if at_rest is None:
        at_rest = installation.database.is_sqlite and not is_locked(installation.settings.lock_path)
    report = installation.database.read(audit_ledger, at_rest=at_rest)
    failures, notes = audit_journals(installation.settings.journal_path, installation.database, at_rest=at_rest)
    report = AuditReport(failures=(*report.failures, *failures), notes=(*report.notes, *notes), books=report.books, records=report.records)
    if as_json:
        print_json({"balances": report.balances, "at_rest": at_rest, "report": report})
    else:
        _print(report)
    if not report.balances:
        raise click.exceptions.Exit(1)


def _print(report: AuditReport) -> None:
    columns = ("book", "came in", "balances", "out with relays", "held for tasks", "spent")
    rows = [
        (
            book.book,
            render_usd(-book.funding_nanos),
            render_usd(book.balances_nanos),
            render_usd(book.leases_nanos),
            render_usd(book.tasks_nanos),
            render_usd(book.revenue_nanos),
        )
        for book in report.books
    ]
    print_table(columns, rows, empty="")
    for finding in report.notes:
        click.echo(f"note: {finding.text}")
    for finding in report.failures:
        click.echo(f"FAILED check {finding.check}: {finding.text}")
    verdict = "The book balances" if report.balances else f"The book does NOT balance: {len(report.failures)} findings"
    click.echo(f"{verdict} ({report.records} requests).")
