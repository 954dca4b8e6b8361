"""`modelgate accounts`: who pays, and how much."""

import time
from typing import Any

import click
from msgspec import UNSET
from sqlalchemy import Connection

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.cli.values import AMOUNT, Parsed, given_only, parse_limit
from modelgate.core.ids import new_id
from modelgate.core.money import Book, render_usd
from modelgate.core.records import Account
from modelgate.identity.key_bounds import MAX_NAME_LENGTH
from modelgate.storage.identity import (
    BOOKS,
    create_account,
    find_account,
    list_accounts,
    set_aside,
)
from modelgate.storage.wallet import BalanceTooLarge, Credited, choose_limit, credit_account

PREPAID = "prepaid"
MAX_NOTE_LENGTH = 200
MAX_IDEMPOTENCY_KEY_LENGTH = 150

SetAside = dict[tuple[str, Book], int]
"""Nano-USD by account and book."""


def parse_credit_limit(text: str) -> int | None:
    """Return how far below zero a balance may go, nano-USD: 0 for `prepaid`, None (without bound) for `none`."""
    return 0 if text.lower() == PREPAID else parse_limit(text)


CREDIT_LIMIT = Parsed("none|prepaid|USD", parse_credit_limit)


@click.group()
def accounts() -> None:
    """Who pays: accounts, each with a balance in the live and in the test book.

    A new account pays later: it has no limit until one is chosen or money is credited.
    """


@accounts.command()
@click.option("--name", required=True, help="What to call the account; each name once.")
@click.option("--limit", type=CREDIT_LIMIT, callback=given_only, help="Credit limit in both books [default: none until the first credit].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def create(installation: Installation, *, name: str, limit: Any, as_json: bool) -> None:  # nano-USD, None or not given
    """Make an account."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise click.UsageError(f"--name takes 1 to {MAX_NAME_LENGTH} characters")
    now = time.time()

    def step(connection: Connection) -> str:
        account = create_account(connection, name=name, now=now)
        for book in BOOKS if limit is not UNSET else ():
            choose_limit(connection, account, book, limit, now=now)
        return account

    account = installation.database.run(step)
    if as_json:
        print_json(_described(installation, account))
        return
    click.echo(f"{account}\n\nThis is the account {name!r}. Give it a key with: modelgate keys create --account {account} --name NAME")


@accounts.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List the accounts with their balances in both books.

    What is set aside for requests under way has left the balance; what they do not use comes back.
    """
    found, aside = installation.database.read(_accounts_and_set_aside)
    if as_json:
        by_account = ([one for one in found if one.id == account] for account in dict.fromkeys(one.id for one in found))
        print_json([describe_account(books, aside) for books in by_account])
        return
    columns = ("id", "name", "book", "balance USD", "set aside USD", "credit limit")
    print_table(columns, (_row(one, aside) for one in found), empty="There are no accounts yet: the first start makes one.")


@accounts.command()
@click.argument("account")
@click.argument("amount", type=AMOUNT, metavar="USD")
@click.option("--test", is_flag=True, help="In the test book.")
@click.option("--idempotency-key", metavar="KEY", help="Credit at most once under this key, such as a payment's id.")
@click.option("--note", default="", help="Kept with the entry in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def credit(
    installation: Installation, *, account: str, amount: int, test: bool, idempotency_key: str | None, note: str, as_json: bool
) -> None:
    """Book USD that came in for ACCOUNT (id or name).

    The first credit makes an account prepaid in that book, unless its limit was chosen before.
    """
    if len(note) > MAX_NOTE_LENGTH:
        raise click.UsageError(f"--note takes up to {MAX_NOTE_LENGTH} characters")
    if idempotency_key is not None and not 1 <= len(idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise click.UsageError(f"--idempotency-key takes 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters")
    book: Book = "test" if test else "live"
    cause, now = idempotency_key or new_id("credit"), time.time()

    def step(connection: Connection) -> tuple[str, Credited]:
        owner = find_account(connection, account)
        return owner, credit_account(connection, account=owner, book=book, amount_nanos=amount, cause=cause, note=note, now=now)

    try:
        owner, credited = installation.database.run(step)
    except BalanceTooLarge as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"credited": credited.done, "became_prepaid": credited.became_prepaid, **_described(installation, owner)})
        return
    balance = next(one for one in installation.database.read(list_accounts) if one.id == owner and one.book == book)
    click.echo(
        f"Credited {render_usd(amount)} USD to {balance.name!r} ({book} book)."
        if credited.done
        else f"Nothing was credited: the idempotency key {cause!r} was already used for this credit."
    )
    if credited.became_prepaid:
        click.echo(f"The account is now prepaid in the {book} book. To let it pay later again: modelgate accounts limit {owner} none")
    click.echo(f"Balance: {render_usd(balance.balance_nanos)} USD")


@accounts.command()
@click.argument("account")
@click.argument("limit", type=CREDIT_LIMIT, metavar="none|prepaid|USD")
@click.option("--test", is_flag=True, help="In the test book.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def limit(installation: Installation, *, account: str, limit: int | None, test: bool, as_json: bool) -> None:
    """Choose how far below zero the balance of ACCOUNT (id or name) may go.

    none: it pays later, without bound. prepaid: not below zero. USD: that far below zero.
    """
    book: Book = "test" if test else "live"
    now = time.time()

    def step(connection: Connection) -> str:
        owner = find_account(connection, account)
        choose_limit(connection, owner, book, limit, now=now)
        return owner

    owner = installation.database.run(step)
    if as_json:
        print_json(_described(installation, owner))
        return
    click.echo(f"The account {account!r} in the {book} book: {show_credit_limit(limit)}.")


@accounts.command(name="webhook-secret")
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def webhook_secret(installation: Installation, *, account: str, as_json: bool) -> None:
    """Show the secret with which receivers check the webhooks of ACCOUNT (id or name)."""
    from modelgate.app.snapshots import installation_secret
    from modelgate.app.webhooks import webhook_key
    from modelgate.tasks.webhooks import render_secret

    owner = installation.database.read(find_account, account)
    secret = render_secret(webhook_key(installation_secret(installation.settings), owner))
    if as_json:
        print_json({"account": owner, "webhook_secret": secret})
        return
    click.echo(secret)


def show_credit_limit(nanos: int | None) -> str:
    """Return a credit limit in words."""
    if nanos is None:
        return "none, pays later"
    return "prepaid" if nanos == 0 else f"up to {render_usd(nanos)} USD below zero"


def describe_account(books: list[Account], aside: SetAside) -> dict[str, Any]:
    """Return one account's rows, one for each book, as one object for JSON; amounts are decimal strings in USD."""
    return {
        "id": books[0].id,
        "name": books[0].name,
        "created_at": books[0].created_at,
        "books": {
            one.book: {
                "balance_usd": render_usd(one.balance_nanos),
                "set_aside_usd": render_usd(aside.get((one.id, one.book), 0)),
                "credit_limit_usd": None if one.credit_limit_nanos is None else render_usd(one.credit_limit_nanos),
            }
            for one in books
        },
    }


def _described(installation: Installation, account: str) -> dict[str, Any]:
    found, aside = installation.database.read(_accounts_and_set_aside)
    return describe_account([one for one in found if one.id == account], aside)


def _accounts_and_set_aside(connection: Connection) -> tuple[tuple[Account, ...], SetAside]:
    return list_accounts(connection), set_aside(connection)


def _row(one: Account, aside: SetAside) -> tuple[str, ...]:
    out = aside.get((one.id, one.book), 0)
    return (one.id, one.name, one.book, render_usd(one.balance_nanos), render_usd(out), show_credit_limit(one.credit_limit_nanos))
