"""Posting journals: one transaction for each batch, with the watermark by compare-and-set, so that nothing is posted twice."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, select, update

from modelgate.core.leases import Standing
from modelgate.core.money import Book
from modelgate.core.records import RequestFacts
from modelgate.storage.journal import JournalRecord
from modelgate.storage.ledger import lease_state, lock_incarnation
from modelgate.storage.posting import REVENUE, Lease, Posting, balance_account
from modelgate.storage.schema.money import incarnation, request_record
from modelgate.storage.usage import add_records

MAX_BATCH = 2_000
"""Records of one transaction: large enough to make its fixed cost small, small enough not to hold up a waiting ask."""
ORPHANED_BATCH = 0
LATE_BATCH = -1
MAX_TEXT = 200
MAX_NUMBER = 2**31 - 1

MAX_MILLISECONDS = 2**53
MAX_STATUS = 999

_Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class _Columns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of `RequestFacts`, which has all that are columns of their own, within the bounds of those."""

    model: _Text
    at_ms: Annotated[int, Meta(ge=0, le=MAX_MILLISECONDS)]
    request_id: str
    account: str
    key: str
    book: Book
    endpoint: str
    status: Annotated[int, Meta(ge=0, le=MAX_STATUS)]
    upstream: _Text
    input_tokens: _Number
    output_tokens: _Number
    first_byte_ms: _Number
    total_ms: _Number
    estimated: bool


_NO_FACTS = _Columns("", 0, "", "", "", "test", "", 0, "", 0, 0, 0, 0, False)
_decode_columns = msgspec.msgpack.Decoder(_Columns).decode
_decode_facts = msgspec.msgpack.Decoder(RequestFacts).decode

_COLUMN_NAMES = tuple(column.name for column in request_record.columns)
_INSERT = f"INSERT INTO request_record ({', '.join(_COLUMN_NAMES)}) VALUES ({{marks}})"  # noqa: S608  # our own column names
_INSERT_BY_PARAMSTYLE = {
    "qmark": _INSERT.format(marks=", ".join("?" * len(_COLUMN_NAMES))),
    "pyformat": _INSERT.format(marks=", ".join(["%s"] * len(_COLUMN_NAMES))),
}
_OUTCOMES = {"capture": "captured", "release": "released", "hold": "orphaned"}


def post_batch(
    connection: Connection, *, incarnation_id: str, after_seq: int, records: Sequence[JournalRecord], now: float
) -> Standing | None:
    """Post records `after_seq + 1` to the last one: a row for each resolution, one charge for each lease, the watermark.

    Returns:
        The new watermark and the leases that were covered. None: somebody else has posted meanwhile, or the incarnation
        is closed; nothing was written, read again.
    """
    last_seq = records[-1].seq
    charges = _charges(records)
    posting = Posting(connection, at=now)
    _lock_behind(posting, charges)
    advance = (
        update(incarnation)
        .where(incarnation.c.id == incarnation_id, incarnation.c.posted_seq == after_seq, incarnation.c.state != "closed")
        .values(posted_seq=last_seq)
    )
    if connection.execute(advance).rowcount == 0:
        return None
    posting.lock_leases(incarnation_id, [(key, period) for key, period, _, _ in charges])
    rows = insert_records(connection, incarnation_id, records, batch=last_seq)
    covered = [lease for key, amount in charges.items() if (lease := charge(posting, incarnation_id, key, amount, batch=last_seq))]
    posting.save()
    add_records(connection, rows)
    return Standing(last_seq, tuple(lease_state(lease) for lease in covered))


LeaseKey = tuple[str, str, str, Any]
"""(key, period, account, book)."""


def _charges(records: Iterable[JournalRecord]) -> dict[LeaseKey, int]:
    """Return what each lease owes, leases that owe nothing left out."""
    charges: dict[LeaseKey, int] = {}
    for record in records:
        if record.kind == "capture" and record.amount_nanos:
            key = (record.key, record.period, record.account, record.book)
            charges[key] = charges.get(key, 0) + record.amount_nanos
    return charges


def _lock_behind(posting: Posting, leases: Iterable[LeaseKey]) -> None:
    owners = list(leases)
    posting.lock_balances([(account, book) for _, _, account, book in owners])
    posting.lock_key_periods(owners)


def charge(posting: Posting, incarnation_id: str, owner: LeaseKey, amount_nanos: int, *, batch: int) -> Lease | None:
    """Charge a lease whose rows are locked; return it when it had to be covered."""
    key, period, account, book = owner
    lease = posting.lease(incarnation_id, key, period, account=account, book=book)
    granted = lease.granted_nanos
    posting.charge(lease, amount_nanos, batch=batch)
    return lease if lease.granted_nanos != granted else None


def insert_records(
    connection: Connection, incarnation_id: str, records: Iterable[JournalRecord], *, batch: int
) -> list[tuple[object, ...]]:
    """Insert a row for every resolution among the records; return the rows. Straight through the driver: the book's hottest line."""
    rows = [record_row(incarnation_id, record, batch=batch) for record in records if record.kind != "hold"]
    if rows:
        connection.exec_driver_sql(_INSERT_BY_PARAMSTYLE[connection.dialect.paramstyle], rows)
    return rows


def record_row(incarnation_id: str, record: JournalRecord, *, batch: int) -> tuple[object, ...]:
    """Return the request_record of a resolution, or of a HOLD that was orphaned (charged nothing)."""
    facts = _facts_of(record)
    amount = record.amount_nanos if record.kind == "capture" else 0
    held = record.hold_nanos
    return (
        incarnation_id,
        record.hold_seq,
        record.request_id,
        facts.at_ms,
        record.account,
        record.key,
        record.period,
        record.book,
        facts.model,
        facts.upstream,
        facts.status,
        facts.input_tokens,
        facts.output_tokens,
        amount,
        held,
        amount - held if amount > held else 0,
        _OUTCOMES[record.kind],
        facts.estimated,
        facts.first_byte_ms,
        facts.total_ms,
        batch,
        record.facts,
    )


def _facts_of(record: JournalRecord) -> _Columns:
    """Return the facts that are columns. Values are bounded, never refused: a row the database would not take would stop the
    drain for ever. The money is posted all the same, and the bytes are kept as they are.
    """
    if not record.facts:
        return _NO_FACTS
    try:
        facts = _decode_columns(record.facts)
    except msgspec.DecodeError:
        return _bounded(record.facts)
    return _bounded(record.facts) if "\0" in facts.model or "\0" in facts.upstream else facts


def _bounded(facts: bytes) -> _Columns:
    try:
        found = _decode_facts(facts)
    except msgspec.DecodeError:
        return _NO_FACTS
    return msgspec.structs.replace(
        _NO_FACTS,
        model=found.model[:MAX_TEXT].replace("\0", ""),
        upstream=found.upstream[:MAX_TEXT].replace("\0", ""),
        at_ms=max(0, min(found.at_ms, MAX_MILLISECONDS)),
        **{name: max(0, min(getattr(found, name), MAX_NUMBER)) for name in ("input_tokens", "output_tokens", "first_byte_ms", "total_ms")},
        status=max(0, min(found.status, MAX_STATUS)),
        estimated=found.estimated,
    )


def post_late_batch(connection: Connection, *, incarnation_id: str, after_seq: int, records: Sequence[JournalRecord], now: float) -> bool:
    """Post records of a journal that turned up after its incarnation was abandoned; each is charged to the balance itself.

    Returns:
        False when somebody else has posted meanwhile, or the incarnation was not abandoned: nothing was written.
    """
    charges = _charges(records)
    posting = Posting(connection, at=now)
    _lock_behind(posting, charges)
    row = lock_incarnation(connection, incarnation_id)
    if row is None or not row.abandoned or row.posted_seq != after_seq:
        return False
    connection.execute(update(incarnation).where(incarnation.c.id == incarnation_id).values(posted_seq=records[-1].seq))
    rows = insert_records(connection, incarnation_id, records, batch=LATE_BATCH)
    for record in records:
        if record.kind == "capture" and record.amount_nanos:
            _charge_late(posting, incarnation_id, record)
    posting.save()
    add_records(connection, rows)
    return True


def _charge_late(posting: Posting, incarnation_id: str, record: JournalRecord) -> None:
    posting.balances[record.account, record.book].balance_nanos -= record.amount_nanos
    posting.key_periods[record.key, record.period].spent_nanos += record.amount_nanos
    posting.enter(
        "late_charge",
        book=record.book,
        debit=balance_account(record.account),
        credit=REVENUE,
        amount_nanos=record.amount_nanos,
        cause=f"{incarnation_id}/{record.seq}",
    )


def posted_seq(connection: Connection, incarnation_id: str) -> int | None:
    """Return the watermark of an incarnation; None when it never said hello."""
    return connection.execute(select(incarnation.c.posted_seq).where(incarnation.c.id == incarnation_id)).scalar()
