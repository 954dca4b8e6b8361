"""Media tasks: the steps that move them, each one transaction with the money and the event that belong to it.

Every write names the version it was made from, and a claim counts as a write. So of two movers of one task the second
writes nothing, and learns it. A terminal state is final: nothing matches it any more.
"""

import asyncio
import time
from collections.abc import Container, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, insert, or_, select, text, update

from modelgate.core.errors import BalanceExhausted, LimitExhausted, ModelgateError, Overloaded
from modelgate.core.money import Book
from modelgate.core.records import TERMINAL_STATES, Task, TaskOutput, TaskState
from modelgate.storage import ledger_tasks, usage
from modelgate.storage.database import Database
from modelgate.storage.schema.tasks import task as task_table
from modelgate.storage.schema.tasks import task_event, task_output
from modelgate.storage.webhooks import note_delivery, note_progress

MAX_PAGE = 100
MAX_CLAIM = 500
MAX_RETURNED = 500
"""Tasks whose leases are given up in one transaction."""
GATHER_S = 0.03
"""How long a postponement waits for company."""
MAX_VENDOR_ID_CHARACTERS = 200
RECALL_WAIT_S = 0.25
"""How long a submit waits for relays to give idle money back before it is refused or told to come again."""
RECALL_POLL_S = 0.02
RETRY_AFTER_RECALL_S = 1.0
WAKE_APART_S = 1.0
"""However often a vendor calls, a task is not looked at more often than this by its calls."""
AT_VENDOR_STATES: tuple[TaskState, ...] = ("unknown", "running")
"""States in which a vendor's call is a reason to look."""
AT_UPSTREAM_STATES: tuple[TaskState, ...] = ("submitting", "unknown", "running", "waiting_input")
"""States in which a task counts against its upstream's bound."""

_NUL = "\0"
"""Postgres keeps it in no text and takes it in no question: what is called so is not there."""
_FIELDS = tuple(name for name in Task.__struct_fields__ if name != "outputs")
_decode_outputs = msgspec.json.Decoder(tuple[TaskOutput, ...]).decode
_encode = msgspec.json.Encoder().encode


def task_of(row: Row[Any]) -> Task:
    """Return the task in a row that has all its columns."""
    values = row._mapping
    fields = {name: values[name] for name in _FIELDS}
    if isinstance(fields["details"], str):  # of a task from before there were details: SQLite keeps a default as the text it is
        fields["details"] = fields["details"].encode()
    return Task(**fields, outputs=_decode_outputs(values["outputs"]))


def _columns_of(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in _FIELDS} | {"outputs": _encode(task.outputs)}


def insert_task(
    connection: Connection,
    task: Task,
    *,
    period: str,
    limit_nanos: int | None,
    owner: str,
    lease_until: float,
    recall_round: int | None = None,
) -> None:
    """Queue a task, hold its money and lease it to `owner`, who moves it first.

    Raises:
        ledger_tasks.ShortOfMoney: nothing was written.
    """
    if connection.execute(select(task_table.c.id).where(task_table.c.id == task.id)).first() is not None:
        return  # repeated after a commit whose answer was lost
    if task.amount_nanos:  # what is free needs no hold
        ledger_tasks.open_task_hold(
            connection,
            task=task.id,
            account=task.account,
            book=task.book,
            key=task.key,
            period=period,
            limit_nanos=limit_nanos,
            amount_nanos=task.amount_nanos,
            recall_round=recall_round,
        )
    connection.execute(insert(task_table).values(**_columns_of(task), lease_owner=owner, wake_at=lease_until))
    _note_event(connection, task)


def get_task(connection: Connection, task_id: str, *, account: str | None = None) -> Task | None:
    """Return a task; with `account`, another account's is as absent as one that never was."""
    if _NUL in task_id:
        return None
    query = select(task_table).where(task_table.c.id == task_id)
    if account is not None:
        query = query.where(task_table.c.account == account)
    row = connection.execute(query).first()
    return task_of(row) if row is not None else None


def find_output(connection: Connection, vendor_id: str, *, account: str, book: Book) -> Task | None:
    """Return the account's newest task with a result that its vendor calls so."""
    if _NUL in vendor_id:
        return None
    query = (
        select(task_table)
        .join(task_output, task_output.c.task == task_table.c.id)
        .where(task_output.c.account == account, task_output.c.vendor_id == vendor_id, task_table.c.book == book)
        .order_by(task_table.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return task_of(row) if row is not None else None


def list_tasks(connection: Connection, account: str, *, book: Book, limit: int, before: Task | None = None) -> list[Task]:
    """Return an account's tasks in one book, newest first, at most `MAX_PAGE`; `before` is the last one of the page before."""
    columns = task_table.c
    query = (
        select(task_table).where(columns.account == account, columns.book == book).order_by(columns.created_at.desc(), columns.id.desc())
    )
    if before is not None:
        older = or_(columns.created_at < before.created_at, and_(columns.created_at == before.created_at, columns.id < before.id))
        query = query.where(columns.created_at <= before.created_at, older)
    return [task_of(row) for row in connection.execute(query.limit(min(limit, MAX_PAGE)))]


def claim_due(connection: Connection, *, owner: str, now: float, limit: int, lease_until: float) -> list[Task]:
    """Lease the tasks that are due, soonest first, to `owner`; their versions rise, which ends older movers' say."""
    columns = task_table.c
    query = select(task_table).where(columns.finished_at.is_(None), columns.wake_at <= now).order_by(columns.wake_at)
    due = [task_of(row) for row in connection.execute(query.limit(min(limit, MAX_CLAIM)).with_for_update(skip_locked=True))]
    if not due:
        return []
    connection.execute(
        update(task_table)
        .where(columns.id.in_([task.id for task in due]))
        .values(version=columns.version + 1, lease_owner=owner, wake_at=lease_until)
    )
    return [msgspec.structs.replace(task, version=task.version + 1) for task in due]


def claim_task(connection: Connection, task_id: str, *, owner: str, now: float, lease_until: float) -> Task | None:
    """Lease one task to `owner`. None: it has ended, or somebody holds it now."""
    columns = task_table.c
    is_free = or_(columns.lease_owner == "", columns.wake_at <= now)
    query = select(task_table).where(columns.id == task_id, columns.finished_at.is_(None), is_free)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        return None
    task = task_of(row)
    values = {"version": task.version + 1, "lease_owner": owner, "wake_at": lease_until}
    connection.execute(update(task_table).where(columns.id == task_id).values(**values))
    return msgspec.structs.replace(task, version=task.version + 1)


def free_leases(connection: Connection, *, owner: str, before: float) -> int:
    """Make what `owner` leased in an earlier life, before it started at `before`, due at once; return how many that were."""
    columns = task_table.c
    left_behind = (columns.finished_at.is_(None), columns.lease_owner == owner, columns.updated_at < before)
    return connection.execute(update(task_table).where(*left_behind).values(lease_owner="", wake_at=before)).rowcount


def wake_task(connection: Connection, task_id: str, *, now: float) -> bool:
    """Make a task that a vendor works on due now, or `WAKE_APART_S` after it was last written, unless somebody has it. False: there is no
    such task."""
    columns = task_table.c
    soon = case((columns.updated_at > now - WAKE_APART_S, columns.updated_at + WAKE_APART_S), else_=now)
    may_be_woken = (
        columns.id == task_id,
        columns.finished_at.is_(None),
        columns.state.in_(AT_VENDOR_STATES),
        columns.lease_owner == "",
        columns.wake_at > soon,
    )
    if connection.execute(update(task_table).where(*may_be_woken).values(wake_at=soon)).rowcount:
        return True
    return connection.execute(select(columns.id).where(columns.id == task_id)).first() is not None


def next_wake(connection: Connection) -> float | None:
    """Return when the next unfinished task may be claimed; None: there is none."""
    found: float | None = connection.execute(select(func.min(task_table.c.wake_at)).where(task_table.c.finished_at.is_(None))).scalar()
    return found


def begin_submit(connection: Connection, task: Task, *, owner: str, lease_until: float, max_concurrent: int) -> Task | None:
    """Mark a task as being submitted to its upstream, if that has room for its weight.

    `max_concurrent` 0: no bound. A task heavier than the bound goes alone. Returns None when the task was moved meanwhile.

    Raises:
        NoRoom: the upstream has none; nothing was written.
    """
    if max_concurrent:
        _lock_count(connection, task.upstream)
        columns = task_table.c
        running = connection.execute(
            select(func.coalesce(func.sum(columns.weight), 0)).where(
                columns.upstream == task.upstream,
                columns.finished_at.is_(None),
                columns.state.in_(AT_UPSTREAM_STATES),
                columns.id != task.id,
            )
        ).scalar_one()
        if running and running + task.weight > max_concurrent:
            raise NoRoom(task.upstream)
    return save_task(connection, task, owner=owner, lease_until=lease_until)


class NoRoom(Exception):
    """An upstream runs as many tasks as it may."""


def _lock_count(connection: Connection, upstream: str) -> None:
    """Let one transaction at a time count an upstream's tasks; SQLite's writers are alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"tasks of {upstream}"})


def save_task(
    connection: Connection, task: Task, *, owner: str = "", lease_until: float | None = None, telling: Container[str] = ()
) -> Task | None:
    """Write a task that is not finished; keep the lease until `lease_until`, or give it up.

    `telling` are the families whose callers hear of progress too.

    Returns:
        The task with its new version; None when it was moved or finished meanwhile: nothing was written.
    """
    if task.state in TERMINAL_STATES:
        raise ValueError("a task ends by finish_task, with its money")
    leased = {"lease_owner": owner, "wake_at": lease_until} if lease_until is not None else {"lease_owner": "", "wake_at": task.due_at}
    return _write(connection, task, leased, telling=telling)


def postpone_tasks(connection: Connection, tasks: Sequence[Task]) -> list[Task | None]:
    """Give up the leases of tasks that have not changed, each due at its `due_at`; the answers are like those of `save_task`."""
    columns = task_table.c
    statement = (
        update(task_table)
        .where(columns.id == bindparam("b_id"), columns.version == bindparam("b_version"), columns.finished_at.is_(None))
        .values(
            version=bindparam("b_version") + 1,
            lease_owner="",
            due_at=bindparam("b_due_at"),
            wake_at=bindparam("b_due_at"),
            updated_at=bindparam("b_updated_at"),
        )
    )
    rows = [{"b_id": task.id, "b_version": task.version, "b_due_at": task.due_at, "b_updated_at": task.updated_at} for task in tasks]
    connection.execute(statement, rows)
    found = connection.execute(select(columns.id, columns.version, columns.due_at).where(columns.id.in_([task.id for task in tasks])))
    now = {task_id: (version, due_at) for task_id, version, due_at in found}
    return [
        msgspec.structs.replace(task, version=task.version + 1) if now.get(task.id) == (task.version + 1, task.due_at) else None
        for task in tasks
    ]


def put_back_tasks(connection: Connection, tasks: Sequence[tuple[Task, bool]], *, telling: Container[str] = ()) -> list[Task | None]:
    """Give up the leases of tasks, in order: those said to have changed as `save_task` does, the others as `postpone_tasks`."""
    same = [task for task, changed in tasks if not changed]
    postponed = iter(postpone_tasks(connection, same) if same else ())
    return [save_task(connection, task, telling=telling) if changed else next(postponed) for task, changed in tasks]


def finish_task(connection: Connection, task: Task, *, captured_nanos: int) -> Task | None:
    """End a task: terminal state, money captured or given back, and the event, all or nothing.

    Returns:
        The task with its new version; None when it was moved or finished meanwhile: nothing was written.
    """
    if task.state not in TERMINAL_STATES or task.finished_at is None:
        raise ValueError("a task that ends needs a terminal state and the time")
    written = _write(connection, task, {"lease_owner": "", "wake_at": task.finished_at})
    if written is not None and task.state == "succeeded":
        names = dict.fromkeys(output.vendor_id for output in task.outputs if _NUL not in output.vendor_id)
        for name in (name for name in names if 0 < len(name) <= MAX_VENDOR_ID_CHARACTERS):
            connection.execute(insert(task_output).values(account=task.account, vendor_id=name, task=task.id))
    if written is not None:
        is_charged = task.amount_nanos > 0 and ledger_tasks.close_task_hold(connection, task=task.id, captured_nanos=captured_nanos)
        usage.add_task(connection, written, captured_nanos=captured_nanos if is_charged else 0)
    return written


def _write(connection: Connection, task: Task, leased: dict[str, Any], *, telling: Container[str] = ()) -> Task | None:
    columns = task_table.c
    before = connection.execute(select(columns.state, columns.progress).where(_still(task)).with_for_update()).first()
    if before is None:
        return None
    written = msgspec.structs.replace(task, version=task.version + 1)
    connection.execute(update(task_table).where(_still(task)).values(**_columns_of(written), **leased))
    if before.state != task.state:
        _note_event(connection, written)
    elif before.progress < task.progress and task.callback_url and task.family in telling:
        note_progress(connection, written)
    return written


def _still(task: Task) -> ColumnElement[bool]:
    columns = task_table.c
    return and_(columns.id == task.id, columns.version == task.version, columns.finished_at.is_(None))


def _note_event(connection: Connection, task: Task) -> None:
    event = {"task": task.id, "account": task.account, "state": task.state, "version": task.version, "at": task.updated_at}
    connection.execute(insert(task_event).values(**event))
    note_delivery(connection, task)


_Returned = tuple[Task, bool, "asyncio.Future[Task | None]"]
"""A task whose lease is given up, whether it changed, and who waits for it."""


class DatabaseTaskStore:
    """The task store over a database (see `tasks/store.py` for what is asked of it).

    `owner` names this process and no other that lives; the one that takes its place after a crash has the same name.
    """

    def __init__(self, database: Database, *, owner: str, telling: Container[str] = ()) -> None:
        """`telling` are the families whose callers hear of progress too."""
        self._database = database
        self._telling = telling
        self._owner = owner
        self._returned: list[_Returned] = []
        self._returning: asyncio.Task[None] | None = None
        self._many = asyncio.Lock()
        """Transactions over many tasks take turns: one that finds SQLite's writer busy would sleep longer than the other takes."""

    async def insert(self, task: Task, *, period: str, limit_nanos: int | None, lease_until: float) -> Task:
        """Queue a task with its hold, leased to this process.

        Raises:
            BalanceExhausted, LimitExhausted: the money is not there, and no relay has idle money of the account.
            Overloaded: relays did not give their idle money back in time.
        """
        recall_round: int | None = None
        for last in (False, True):
            try:
                await self._database.call(
                    insert_task,
                    task,
                    period=period,
                    limit_nanos=limit_nanos,
                    owner=self._owner,
                    lease_until=lease_until,
                    recall_round=recall_round,
                )
            except ledger_tasks.ShortOfMoney as short:
                if last:
                    raise _refusal(short) from None
                recall_round = await self._recall(task)
            else:
                break
        return task

    async def get(self, task_id: str, *, account: str | None = None) -> Task | None:
        return await self._database.fetch(get_task, task_id, account=account)

    async def find_output(self, vendor_id: str, *, account: str, book: Book) -> Task | None:
        return await self._database.fetch(find_output, vendor_id, account=account, book=book)

    async def list_of(self, account: str, *, book: Book, limit: int = MAX_PAGE, before: Task | None = None) -> list[Task]:
        return await self._database.fetch(list_tasks, account, book=book, limit=limit, before=before)

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Task]:
        async with self._many:
            return await self._database.call(claim_due, owner=self._owner, now=now, limit=limit, lease_until=lease_until)

    async def claim(self, task_id: str, *, now: float, lease_until: float) -> Task | None:
        return await self._database.call(claim_task, task_id, owner=self._owner, now=now, lease_until=lease_until)

    async def free_leases(self, *, before: float) -> int:
        return await self._database.call(free_leases, owner=self._owner, before=before)

    async def wake(self, task_id: str, *, now: float) -> bool:
        return await self._database.call(wake_task, task_id, now=now)

    async def next_wake(self) -> float | None:
        return await self._database.fetch(next_wake)

    async def begin_submit(self, task: Task, *, lease_until: float, max_concurrent: int) -> Task | None:
        """As the step `begin_submit`. Raises Overloaded when the upstream has no room."""
        try:
            return await self._database.call(begin_submit, task, owner=self._owner, lease_until=lease_until, max_concurrent=max_concurrent)
        except NoRoom:
            raise Overloaded("The upstream runs as many tasks as it may.") from None

    async def save(self, task: Task, *, lease_until: float | None = None) -> Task | None:
        if lease_until is None:
            return await self._put_back(task, changed=True)
        return await self._database.call(save_task, task, owner=self._owner, lease_until=lease_until)

    async def postpone(self, task: Task) -> Task | None:
        return await self._put_back(task, changed=False)

    async def _put_back(self, task: Task, *, changed: bool) -> Task | None:
        """Give a lease up, in one transaction with what else waits for that."""
        answer: asyncio.Future[Task | None] = asyncio.get_running_loop().create_future()
        self._returned.append((task, changed, answer))
        if self._returning is None:
            self._returning = asyncio.get_running_loop().create_task(self._write_returned())
        return await answer

    async def _write_returned(self) -> None:
        """Write what waits, and what came to wait meanwhile, each time in one transaction."""
        try:
            while self._returned:
                if not any(changed for _, changed, _ in self._returned):
                    await asyncio.sleep(GATHER_S)  # nobody waits for these
                some, self._returned = self._returned[:MAX_RETURNED], self._returned[MAX_RETURNED:]
                try:
                    await self._write_some(some)
                except Exception:  # noqa: BLE001  # each of those who wait learns what became of its own
                    await self._write_each(some)
        finally:
            self._returning = None

    async def _write_some(self, some: "list[_Returned]") -> None:
        async with self._many:
            put_back = [(task, changed) for task, changed, _ in some]
            written = await self._database.call(put_back_tasks, put_back, telling=self._telling)
        for (_, _, answer), task in zip(some, written, strict=True):
            if not answer.done():
                answer.set_result(task)

    async def _write_each(self, some: "list[_Returned]") -> None:
        for one in some:
            try:
                await self._write_some([one])
            except Exception as error:  # noqa: BLE001  # handed to who waits for it
                if not one[2].done():
                    one[2].set_exception(error)

    async def finish(self, task: Task, *, captured_nanos: int) -> Task | None:
        return await self._database.call(finish_task, task, captured_nanos=captured_nanos)

    async def _recall(self, task: Task) -> int:
        """Ask the relays for the account's idle money and wait, within `RECALL_WAIT_S`, until all have answered."""
        recall_round = await self._database.call(ledger_tasks.raise_round, account=task.account, book=task.book)
        ends = time.monotonic() + RECALL_WAIT_S
        while time.monotonic() < ends:
            if await self._database.fetch(ledger_tasks.round_complete, account=task.account, book=task.book, recall_round=recall_round):
                break
            await asyncio.sleep(RECALL_POLL_S)
        return recall_round


def _refusal(short: ledger_tasks.ShortOfMoney) -> ModelgateError:
    if not short.final:
        return Overloaded("The account's money is being counted. Try again shortly.", retry_after_s=RETRY_AFTER_RECALL_S)
    return LimitExhausted() if short.which == "limit" else BalanceExhausted()
