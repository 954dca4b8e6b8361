"""Ending an incarnation whose relay is dead: each step is one transaction, repeatable, and may be taken over by another book.

Death is the kernel's file lock on the journal and nothing else; whoever calls these holds it. `abandon` alone is said by
the operator, about a disk that is gone.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select, update

from modelgate.core.ids import began_at_ms
from modelgate.storage.claims import settle_relay_claims
from modelgate.storage.journal import JournalRecord
from modelgate.storage.ledger import lock_incarnation
from modelgate.storage.ledger_drain import ORPHANED_BATCH, LeaseKey, charge, record_row
from modelgate.storage.posting import Posting, insert_absent
from modelgate.storage.schema.money import incarnation, lease, request_record
from modelgate.storage.usage import add_records

_RECORD_COLUMNS = tuple(column.name for column in request_record.columns)


class EndOfLife(msgspec.Struct, frozen=True):
    """How far an incarnation's ending has come."""

    closed: bool
    abandoned: bool
    posted_seq: int


class OpenIncarnation(msgspec.Struct, frozen=True):
    """An incarnation that is not closed, and the money out with it."""

    id: str
    node: str
    state: str
    posted_seq: int
    opened_at: float
    leases: int
    balance_nanos: int


def begin_closing(connection: Connection, *, incarnation_id: str, node: str, now: float) -> EndOfLife:
    """Fence an incarnation: from here no grant, return or hello of it is accepted.

    One that never said hello gets a row all the same, or a hello still in a socket's buffer would open one that nobody closes.
    """
    blank = {"posted_seq": 0, "lost_records": 0, "abandoned": False, "opened_at": now, "closed_at": None}
    insert_absent(connection, incarnation, [{"id": incarnation_id, "node": node, "state": "closing", **blank}])
    row = lock_incarnation(connection, incarnation_id)
    assert row is not None
    if row.state == "open":
        connection.execute(update(incarnation).where(incarnation.c.id == incarnation_id).values(state="closing"))
    return EndOfLife(closed=row.state == "closed", abandoned=row.abandoned, posted_seq=row.posted_seq)


def close_incarnation(
    connection: Connection, *, incarnation_id: str, last_seq: int, orphans: Sequence[JournalRecord], charge_orphans: bool, now: float
) -> bool:
    """Record holds without a resolution as orphaned, give back what is left on every lease, and close.

    Args:
        connection: of the transaction.
        incarnation_id: whose.
        last_seq: of its journal. A watermark beyond it means that a power cut took records already posted: accepted, noted.
        orphans: the HOLDs without a resolution.
        charge_orphans: charge each its hold, the estimate; otherwise nothing.
        now: seconds since the epoch.

    Returns:
        False when not all of the journal is posted yet, or closing has not begun: nothing was written.
    """
    posting = Posting(connection, at=now)
    _lock_around(posting, incarnation_id, orphans)
    row = lock_incarnation(connection, incarnation_id)
    if row is not None and row.state == "closed":
        return True
    if row is None or row.state != "closing" or row.posted_seq < last_seq:
        return False
    posting.lock_leases(incarnation_id)
    rows = _record_orphans(posting, incarnation_id, orphans, charge_orphans=charge_orphans)
    for held in list(posting.leases.values()):
        posting.close("close", held)
    posting.save()
    charged = {hold.request_id for hold in orphans} if charge_orphans else ()
    settle_relay_claims(connection, incarnation_id=incarnation_id, charged=charged)
    ending = {"state": "closed", "closed_at": now, "lost_records": row.posted_seq - last_seq}
    connection.execute(update(incarnation).where(incarnation.c.id == incarnation_id).values(**ending))
    add_records(connection, rows)
    return True


def _lock_around(posting: Posting, incarnation_id: str, orphans: Sequence[JournalRecord]) -> None:
    columns = (lease.c.key, lease.c.period, lease.c.account, lease.c.book)
    owners = {tuple(row) for row in posting.connection.execute(select(*columns).where(lease.c.incarnation == incarnation_id))}
    owners |= {(hold.key, hold.period, hold.account, hold.book) for hold in orphans}
    posting.lock_balances([(account, book) for _, _, account, book in owners])
    posting.lock_key_periods(owners)


def _record_orphans(
    posting: Posting, incarnation_id: str, orphans: Sequence[JournalRecord], *, charge_orphans: bool
) -> list[tuple[object, ...]]:
    """Record the orphans that are not resolved yet: a power cut may have taken a resolution that was posted already. Returns the rows.

    Call it with the incarnation's row locked.
    """
    if not orphans:
        return []
    known = set(
        posting.connection.execute(
            select(request_record.c.hold_seq).where(
                request_record.c.incarnation == incarnation_id, request_record.c.hold_seq >= min(hold.seq for hold in orphans)
            )
        ).scalars()
    )
    charges: dict[LeaseKey, int] = {}
    rows = []
    for hold in (hold for hold in orphans if hold.seq not in known):
        row = dict(zip(_RECORD_COLUMNS, record_row(incarnation_id, hold, batch=ORPHANED_BATCH), strict=True))
        row["at_ms"] = began_at_ms(hold.request_id, now=posting.at) or int(posting.at * 1000)
        row["estimated"] = charge_orphans
        if charge_orphans:
            row["amount_nanos"] = hold.hold_nanos
            owner = (hold.key, hold.period, hold.account, hold.book)
            charges[owner] = charges.get(owner, 0) + hold.hold_nanos
        rows.append(row)
    insert_absent(posting.connection, request_record, rows)
    for owner, amount in charges.items():
        charge(posting, incarnation_id, owner, amount, batch=ORPHANED_BATCH)
    return [tuple(row.values()) for row in rows]


def record_late_orphans(connection: Connection, *, incarnation_id: str, orphans: Sequence[JournalRecord], now: float) -> None:
    """Record the unresolved holds of a journal that turned up after its incarnation was abandoned; they cost nothing."""
    lock_incarnation(connection, incarnation_id)
    rows = _record_orphans(Posting(connection, at=now), incarnation_id, orphans, charge_orphans=False)
    add_records(connection, rows)


def abandon(connection: Connection, *, incarnation_id: str, now: float) -> int | None:
    """Give up an incarnation whose disk is lost: its leases go back to their balances, its row is closed.

    Returns:
        The nano-USD given back; None when there is no such incarnation, or it is closed already.
    """
    posting = Posting(connection, at=now)
    _lock_around(posting, incarnation_id, ())
    row = lock_incarnation(connection, incarnation_id)
    if row is None or row.state == "closed":
        return None
    posting.lock_leases(incarnation_id)
    given_back = sum(held.balance_nanos for held in posting.leases.values())
    for held in posting.leases.values():
        posting.close("abandon", held)
    posting.save()
    settle_relay_claims(connection, incarnation_id=incarnation_id, lost=True)
    connection.execute(update(incarnation).where(incarnation.c.id == incarnation_id).values(state="closed", abandoned=True, closed_at=now))
    return given_back


def open_incarnations(connection: Connection) -> list[OpenIncarnation]:
    """Return every incarnation that is not closed, oldest first."""
    rows = connection.execute(select(incarnation).where(incarnation.c.state != "closed").order_by(incarnation.c.opened_at)).all()
    found = []
    for row in rows:
        balances = connection.execute(select(lease.c.balance_nanos).where(lease.c.incarnation == row.id)).scalars().all()
        found.append(OpenIncarnation(row.id, row.node, row.state, row.posted_seq, row.opened_at, len(balances), sum(balances)))
    return found
