"""Check 5 of the audit: what the journals on this node say against what was posted. Reads only, while relays may write."""

import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from modelgate.storage.audit import Finding
from modelgate.storage.database import Database
from modelgate.storage.journal import JournalGap, JournalReader, JournalRecord, find_journals
from modelgate.storage.schema.money import incarnation, lease, request_record

MAX_LOOKS = 5
"""A living relay writes and deletes meanwhile; so often a journal is read again for a view that fits the database's."""

_OUTCOMES = {"capture": "captured", "release": "released"}


class _Posted(msgspec.Struct, frozen=True):
    """What the database says of one incarnation: its row, {hold seq: (outcome, amount)}, and of its leases, by (key, period),
    their balances and how much was posted beyond holds.
    """

    row: Row[Any, Any] | None
    records: dict[int, tuple[str, int]]
    balances: dict[tuple[str, str], int]
    overruns: dict[tuple[str, str], int]


def audit_journals(root: Path, database: Database, *, at_rest: bool = False) -> tuple[list[Finding], list[Finding]]:
    """Check every journal under `root`; return failures and notes."""
    failures: list[Finding] = []
    directories = find_journals(root)
    for directory in directories:
        failures += _check_journal(directory, database)
        if at_rest:
            failures.append(
                Finding(6, f"no relay runs, but the journal of {directory.name} is still there: start the server to recover it")
            )
    return failures, list(database.read(_notes, frozenset(directory.name for directory in directories)))


def _notes(connection: Connection, there: frozenset[str]) -> list[Finding]:
    query = select(incarnation.c.id).where(incarnation.c.state != "closed", incarnation.c.node == socket.gethostname())
    return [
        Finding(7, f"incarnation {name} of this node is not closed, and its journal is not here (lost disk? see: modelgate leases)")
        for name in connection.execute(query).scalars()
        if name not in there
    ]


def _check_journal(directory: Path, database: Database) -> list[Finding]:
    name, problem = directory.name, ""
    for _ in range(MAX_LOOKS):
        reader = JournalReader(directory)
        try:
            at_least = reader.last_seq()
            records = list(reader.records())
            last = records[-1].seq if records else 0
            posted = database.read(_posted, name, records[0].seq if records else 1)
            is_still = reader.last_seq() == last
        except JournalGap as error:  # also when a segment was deleted while it was read
            problem = str(error)
            continue
        finally:
            reader.close()
        if not directory.exists():
            return []
        if records and last < at_least:
            problem = f"its records end at {last}, though there is {at_least}"
            continue
        findings = list(_compare(name, records, posted, is_still=is_still))
        if is_still or not findings:
            return findings
        problem = findings[0].text
    return [Finding(5, f"journal {name}: {problem}")]


def _posted(connection: Connection, name: str, first_seq: int) -> _Posted:
    row = connection.execute(select(incarnation.c.state, incarnation.c.posted_seq).where(incarnation.c.id == name)).first()
    columns = (request_record.c.hold_seq, request_record.c.outcome, request_record.c.amount_nanos)
    records = connection.execute(select(*columns).where(request_record.c.incarnation == name, request_record.c.hold_seq >= first_seq))
    balances = connection.execute(select(lease.c.key, lease.c.period, lease.c.balance_nanos).where(lease.c.incarnation == name))
    overruns = connection.execute(
        select(request_record.c.key, request_record.c.period, func.sum(request_record.c.overrun_nanos))
        .where(request_record.c.incarnation == name, request_record.c.overrun_nanos > 0)
        .group_by(request_record.c.key, request_record.c.period)
    )
    return _Posted(
        row,
        {seq: (outcome, amount) for seq, outcome, amount in records},
        {(key, period): balance for key, period, balance in balances},
        {(key, period): int(amount) for key, period, amount in overruns},
    )


def _compare(name: str, records: list[JournalRecord], posted: _Posted, *, is_still: bool) -> Iterator[Finding]:
    posted_seq = posted.row.posted_seq if posted.row is not None else 0
    yield from _check_pairs(name, records)
    for record in records:
        if record.kind == "hold" or record.hold_seq < records[0].seq:
            continue
        found = posted.records.get(record.hold_seq)
        if record.seq <= posted_seq and found != (_OUTCOMES[record.kind], record.amount_nanos):
            yield Finding(5, f"journal {name}: {record.kind} {record.seq} of {record.amount_nanos} was posted as {found}")
        elif record.seq > posted_seq and found is not None and is_still:
            yield Finding(5, f"journal {name}: {record.kind} {record.seq} is beyond the watermark {posted_seq}, but there is a record")
    if is_still and posted.row is not None and posted.row.state == "open":
        yield from _check_covered(name, records, posted, posted_seq=posted_seq)


def _check_pairs(name: str, records: list[JournalRecord]) -> Iterator[Finding]:
    holds = {record.seq for record in records if record.kind == "hold"}
    resolutions = Counter(record.hold_seq for record in records if record.kind != "hold")
    for hold_seq, count in resolutions.items():
        if count > 1:
            yield Finding(5, f"journal {name}: hold {hold_seq} is resolved {count} times")
        if hold_seq not in holds and hold_seq >= records[0].seq:
            yield Finding(5, f"journal {name}: a resolution names the hold {hold_seq}, which is not there")


def _check_covered(name: str, records: list[JournalRecord], posted: _Posted, *, posted_seq: int) -> Iterator[Finding]:
    """A lease holds at least what is captured and not posted, and what is held; unless an overrun waits to be posted."""
    needed: dict[tuple[str, str], int] = defaultdict(int)
    resolved = {record.hold_seq for record in records if record.kind != "hold"}
    overrun = set()
    for record in records:
        owner = (record.key, record.period)
        if record.kind == "hold" and record.seq not in resolved:
            needed[owner] += record.hold_nanos
        elif record.kind == "capture" and record.seq > posted_seq:
            needed[owner] += record.amount_nanos
            if record.amount_nanos > record.hold_nanos:
                overrun.add(owner)
    for owner, amount in needed.items():
        # A posted overrun was paid by what other holds of the lease had set aside; only below zero is it covered.
        if owner not in overrun and posted.balances.get(owner, 0) + posted.overruns.get(owner, 0) < amount:
            yield Finding(
                5, f"lease {name}/{owner[0]}/{owner[1]} holds {posted.balances.get(owner, 0)}, less than the {amount} in its journal"
            )
