"""Claims on idempotency keys: at most one request of a scope is answered at a time, and none again after one that was charged.

A running claim ends in one of three ways: its owner says how (`end_claim`); its owner is dead and the claim is settled by what
the money says (`settle_…`); never by age. What has ended is forgotten after `KEPT_S`, or earlier where an account keeps too much.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update

from modelgate.core.claims import MAX_STORED_BYTES, Claim, ClaimEnding, ClaimVerdict, StoredAnswer
from modelgate.core.clock import Clock
from modelgate.core.records import TaskState
from modelgate.storage.database import Database
from modelgate.storage.ledger import lock_incarnation
from modelgate.storage.posting import insert_absent
from modelgate.storage.schema.claims import idempotency_claim
from modelgate.storage.schema.money import request_record, task_hold
from modelgate.storage.schema.tasks import task

KEPT_S = 24 * 3600.0
MAX_ANSWERS_PER_ACCOUNT = 10_000
MAX_BYTES_PER_ACCOUNT = 256 * 1024 * 1024
"""Beyond either the oldest answers of an account go first."""
TRIM_AFTER_ANSWERS = 100
TRIM_AFTER_BYTES = 32 * 1024 * 1024
"""An account's answers are counted once it has added so much: by this much it may be above its bounds, for each process."""
MAX_EXPIRED_AT_ONCE = 1_000
MAX_TRIES = 3
ROWS_AT_ONCE = 500
"""Values in one statement."""

_GRANTED = ClaimVerdict(state="granted")
_columns = idempotency_claim.c
_ENDED = _columns.state != "running"
_FAILED: tuple[TaskState, ...] = ("failed", "canceled", "expired")


def make_claim(connection: Connection, claim: Claim, *, owner: str, now: float) -> ClaimVerdict:
    """Claim a scope for a request of `owner`, unless another one has it. A repeated message of one request is granted again."""
    for _ in range(MAX_TRIES):
        insert_absent(connection, idempotency_claim, [_running(claim, owner=owner, now=now)])
        row = connection.execute(select(idempotency_claim).where(_columns.scope == claim.scope).with_for_update()).first()
        if row is None:
            continue  # it was there, and is gone meanwhile
        if row.state != "running" and row.created_at < now - KEPT_S:
            connection.execute(update(idempotency_claim).where(_columns.scope == claim.scope).values(_running(claim, owner=owner, now=now)))
            return _GRANTED
        return _verdict(row, claim)
    return ClaimVerdict(state="running")


def make_relay_claim(connection: Connection, claim: Claim, *, incarnation_id: str, now: float) -> ClaimVerdict | None:
    """`make_claim` for a relay; None: its incarnation is not open, and nothing may be claimed that nobody would ever settle."""
    row = lock_incarnation(connection, incarnation_id)
    if row is None or row.state != "open":
        return None
    return make_claim(connection, claim, owner=incarnation_id, now=now)


def _running(claim: Claim, *, owner: str, now: float) -> dict[str, object]:
    return {
        "scope": claim.scope,
        "account": claim.account,
        "digest": claim.digest,
        "owner": owner,
        "request_id": claim.request_id,
        "at_ms": claim.at_ms,
        "state": "running",
        "status": 0,
        "header_lines": b"",
        "body": b"",
        "size_bytes": 0,
        "created_at": now,
    }


def _verdict(row: Row[Any], claim: Claim) -> ClaimVerdict:
    if row.digest != claim.digest:
        return ClaimVerdict(state="reused")
    if row.state == "running":
        return _GRANTED if row.request_id == claim.request_id else ClaimVerdict(state="running")
    if row.state == "not_stored":
        return ClaimVerdict(state="not_stored")
    return ClaimVerdict(state="stored", answer=StoredAnswer(status=row.status, header_lines=row.header_lines, body=row.body))


def end_claim(connection: Connection, ending: ClaimEnding, *, trims: bool, now: float) -> None:
    """Note how a claim ended; `trims`: see that the account keeps no more than it may. A claim that is settled already stays so."""
    mine = and_(_columns.scope == ending.scope, _columns.request_id == ending.request_id, _columns.state == "running")
    if ending.released:
        connection.execute(delete(idempotency_claim).where(mine))
        return
    answer = ending.answer
    values: dict[str, object] = {"state": "not_stored"}
    if answer is not None and len(answer.body) <= MAX_STORED_BYTES:
        values = {"state": "stored", "status": answer.status, "header_lines": answer.header_lines, "body": answer.body}
        values["size_bytes"] = len(answer.body) + len(answer.header_lines)
    connection.execute(update(idempotency_claim).where(mine).values(values))
    if trims:
        trim_claims(connection, account=ending.account, now=now)


def trim_claims(connection: Connection, *, account: str, now: float) -> None:
    """Drop an account's oldest answers beyond its bounds, and some of whatever is too old, anybody's."""
    newest_first = (_columns.created_at.desc(), _columns.scope)
    number = func.row_number().over(order_by=newest_first)
    total_bytes = func.sum(_columns.size_bytes).over(order_by=newest_first)
    ended = (
        select(_columns.scope, number.label("number"), total_bytes.label("total_bytes"))
        .where(_columns.account == account, _ENDED)
        .subquery()
    )
    beyond = or_(ended.c.number > MAX_ANSWERS_PER_ACCOUNT, ended.c.total_bytes > MAX_BYTES_PER_ACCOUNT)
    connection.execute(delete(idempotency_claim).where(_columns.scope.in_(select(ended.c.scope).where(beyond))))
    drop_expired(connection, now=now)


def has_expired(connection: Connection, *, now: float) -> bool:
    """Tell whether anything is kept for too long."""
    return connection.execute(select(_columns.scope).where(_too_old(now)).limit(1)).first() is not None


def drop_expired(connection: Connection, *, now: float) -> int:
    """Forget what ended and is too old, at most `MAX_EXPIRED_AT_ONCE`; return how much that was."""
    oldest = select(_columns.scope).where(_too_old(now)).order_by(_columns.created_at).limit(MAX_EXPIRED_AT_ONCE)
    return connection.execute(delete(idempotency_claim).where(_columns.scope.in_(oldest))).rowcount


def _too_old(now: float) -> ColumnElement[bool]:
    return and_(_columns.created_at < now - KEPT_S, _ENDED)


def settle_relay_claims(connection: Connection, *, incarnation_id: str, charged: Collection[str] = (), lost: bool = False) -> None:
    """End what a dead relay left running, when all of its journal is posted: what was charged is not done again, the rest is free.

    Args:
        connection: of the transaction that closes the incarnation.
        incarnation_id: whose.
        charged: ids of requests known to be charged whose records may not say when they began: orphans.
        lost: the journal is lost with its disk, so nobody knows what was charged.
    """
    left = _left_running(connection, incarnation_id)
    kept = {row.request_id for row in left if lost or row.request_id in charged} | _charged_requests(connection, left)
    _settle(connection, left, kept)


def settle_desk_claims(connection: Connection, *, owner: str, before: float | None = None, scope: str = "") -> None:
    """End what a desk left running: a request that has a task is not done again, the rest is free.

    A task that failed is no reason: its hold went back, and nothing was charged.

    Args:
        connection: of the transaction.
        owner: which desk.
        before: only what an earlier life of it left, before it started at that time.
        scope: only this claim.
    """
    left = [row for row in _left_running(connection, owner) if (before is None or row.created_at < before) and scope in ("", row.scope)]
    kept: set[str] = set()
    for rows in _parts(left):
        query = (
            select(task.c.request_id)
            .outerjoin(task_hold, task_hold.c.task == task.c.id)
            .where(
                task.c.account.in_({row.account for row in rows}),
                task.c.created_at >= min(row.at_ms for row in rows) / 1000 - 1,
                task.c.request_id.in_([row.request_id for row in rows]),
                or_(task_hold.c.state != "released", and_(task_hold.c.state.is_(None), task.c.state.not_in(_FAILED))),
            )
        )
        kept.update(connection.execute(query).scalars())
    _settle(connection, left, kept)


def _parts(rows: Sequence[Row[Any]]) -> Iterator[Sequence[Row[Any]]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def _left_running(connection: Connection, owner: str) -> list[Row[Any]]:
    query = select(_columns.scope, _columns.account, _columns.request_id, _columns.at_ms, _columns.created_at)
    return list(connection.execute(query.where(_columns.owner == owner, ~_ENDED).with_for_update()))


def _charged_requests(connection: Connection, left: list[Row[Any]]) -> set[str]:
    found: set[str] = set()
    for rows in _parts(left):
        query = select(request_record.c.request_id).where(
            request_record.c.book.in_(("live", "test")),  # the index begins with it
            request_record.c.at_ms.in_({row.at_ms for row in rows}),
            request_record.c.request_id.in_([row.request_id for row in rows]),
            request_record.c.amount_nanos > 0,
        )
        found.update(connection.execute(query).scalars())
    return found


def _settle(connection: Connection, left: list[Row[Any]], kept: set[str]) -> None:
    for rows in _parts(left):
        free = [row.scope for row in rows if row.request_id not in kept]
        done = [row.scope for row in rows if row.request_id in kept]
        connection.execute(delete(idempotency_claim).where(_columns.scope.in_(free), ~_ENDED))
        connection.execute(update(idempotency_claim).where(_columns.scope.in_(done), ~_ENDED).values(state="not_stored"))


class TrimTurns:
    """Tells when an account has added so much that its answers must be counted; the map stays small, whoever asks."""

    MAX_ACCOUNTS = 10_000

    def __init__(self) -> None:
        self._added: dict[str, tuple[int, int]] = {}

    def is_due(self, ending: ClaimEnding) -> bool:
        """Count one ending in, and tell."""
        if ending.answer is None:
            return False
        answers, size_bytes = self._added.pop(ending.account, (0, 0))
        answers, size_bytes = answers + 1, size_bytes + len(ending.answer.body)
        if answers >= TRIM_AFTER_ANSWERS or size_bytes >= TRIM_AFTER_BYTES or len(self._added) >= self.MAX_ACCOUNTS:
            return True
        self._added[ending.account] = (answers, size_bytes)
        return False


class DatabaseClaims:
    """Satisfies `gateway.idempotency.Claims` for a process that has the database. `owner`: as of a task store's."""

    def __init__(self, database: Database, *, owner: str, clock: Clock) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._turns = TrimTurns()

    async def settle(self) -> None:
        """End what our predecessor left running. To be called before the first claim."""
        await self._database.call(settle_desk_claims, owner=self._owner, before=self._clock())

    async def claim(self, claim: Claim) -> ClaimVerdict:
        return await self._database.call(make_claim, claim, owner=self._owner, now=self._clock())

    async def end(self, ending: ClaimEnding) -> None:
        if ending.answer is None:  # a refused request may have a task all the same that goes on, and is charged when it succeeds
            await self._database.call(settle_desk_claims, owner=self._owner, scope=ending.scope)
            return
        await self._database.call(end_claim, ending, trims=self._turns.is_due(ending), now=self._clock())
