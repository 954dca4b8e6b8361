"""Money of media tasks: a hold straight from the balance, resolved exactly once. Called inside the task's own transactions."""

import time
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from modelgate.core.money import Book
from modelgate.storage.ledger import others_have_answered
from modelgate.storage.posting import REVENUE, KeyPeriod, Posting, balance_account, task_account
from modelgate.storage.schema.money import task_hold


class ShortOfMoney(Exception):
    """The balance or the key's limit does not cover a media hold now.

    `final`: the recall round that was asked about is complete, so no idle money is out with any relay and the caller may
    be refused. Otherwise raise a round (`raise_round`), wait for `round_complete` within its bound, and try again.
    """

    def __init__(self, which: Literal["balance", "limit"], *, final: bool = False) -> None:
        super().__init__(which)
        self.which = which
        self.final = final


def open_task_hold(  # noqa: PLR0913  # the columns of a hold; callers name each
    connection: Connection,
    *,
    task: str,
    account: str,
    book: Book,
    key: str,
    period: str,
    limit_nanos: int | None,
    amount_nanos: int,
    recall_round: int | None = None,
) -> None:
    """Set money aside for a task, in the transaction that queues it.

    Args:
        connection: of the transaction.
        task: its id; a task has one hold for ever.
        account: who pays.
        book: test or live.
        key: whose limit counts.
        period: the key's current period.
        limit_nanos: the key's limit; None: no limit.
        amount_nanos: what the task may cost at most.
        recall_round: the round raised after an earlier try; it decides whether a shortage is final.

    Raises:
        ShortOfMoney: nothing was written.
    """
    posting = Posting(connection, at=time.time())
    posting.lock_balances([(account, book)])
    posting.lock_key_periods([(key, period, account, book)])
    balance, key_period = posting.balances[account, book], posting.key_periods[key, period]
    key_period.set_limit(limit_nanos)
    limited = not key_period.allows(amount_nanos)
    if amount_nanos and (limited or not balance.allows(amount_nanos)):
        raise ShortOfMoney(
            "limit" if limited else "balance",
            final=recall_round is not None
            and others_have_answered(connection, (account, book), recall_round, of_key=(key, period) if limited else None),
        )
    connection.execute(
        insert(task_hold).values(
            task=task, account=account, book=book, key=key, period=period, amount_nanos=amount_nanos, captured_nanos=0, state="open"
        )
    )
    balance.balance_nanos -= amount_nanos
    key_period.set_aside_nanos += amount_nanos
    posting.enter("task_hold", book=book, debit=balance_account(account), credit=task_account(task), amount_nanos=amount_nanos, cause=task)
    posting.save()


def close_task_hold(connection: Connection, *, task: str, captured_nanos: int) -> bool:
    """Resolve a task's hold, in its terminal transaction: charge `captured_nanos` (0: release), give the rest back.

    Returns:
        False when it was already resolved, or there never was one: nothing was written.
    """
    hold = connection.execute(select(task_hold).where(task_hold.c.task == task)).first()
    if hold is None:
        return False
    posting = Posting(connection, at=time.time())
    posting.lock_balances([(hold.account, hold.book)])
    posting.lock_key_periods([(hold.key, hold.period, hold.account, hold.book)])
    state = "captured" if captured_nanos else "released"
    resolve = (
        update(task_hold).where(task_hold.c.task == task, task_hold.c.state == "open").values(state=state, captured_nanos=captured_nanos)
    )
    if connection.execute(resolve).rowcount == 0:
        return False
    balance, key_period = posting.balances[hold.account, hold.book], posting.key_periods[hold.key, hold.period]
    left_nanos = hold.amount_nanos - captured_nanos
    balance.balance_nanos += left_nanos  # less than the hold comes back, more than the hold is paid on top
    _resolve_period(key_period, held_nanos=hold.amount_nanos, captured_nanos=captured_nanos)
    payer, held = balance_account(hold.account), task_account(task)
    posting.enter("task_cover", book=hold.book, debit=payer, credit=held, amount_nanos=max(0, -left_nanos), cause=task)
    posting.enter("task_charge", book=hold.book, debit=held, credit=REVENUE, amount_nanos=captured_nanos, cause=task)
    posting.enter("task_return", book=hold.book, debit=held, credit=payer, amount_nanos=max(0, left_nanos), cause=task)
    posting.save()
    return True


def _resolve_period(key_period: KeyPeriod, *, held_nanos: int, captured_nanos: int) -> None:
    key_period.set_aside_nanos -= held_nanos
    key_period.spent_nanos += captured_nanos


def raise_round(connection: Connection, *, account: str, book: Book) -> int:
    """Ask every relay to give idle money of the account back; return the round's number. A transaction of its own."""
    posting = Posting(connection, at=time.time())
    posting.lock_balances([(account, book)])
    number = posting.balances[account, book].raise_round(posting.at)
    posting.save()
    return number


def round_complete(connection: Connection, *, account: str, book: Book, recall_round: int) -> bool:
    """Whether every lease of the account that owns money has answered the round: what is short now is short for good."""
    return others_have_answered(connection, (account, book), recall_round)
