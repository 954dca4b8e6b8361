"""Webhooks: what is to be told to callers, written with the change it tells of, and sent from here by lease.

Of one task's deliveries only the newest is sent, and only while no older one is under way: a caller never hears of an older
state after a newer one.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, text, update

from modelgate.core.records import CALLBACK_STATES, Delivery, Task
from modelgate.storage.database import Database
from modelgate.storage.schema.tasks import task as task_table
from modelgate.storage.schema.tasks import webhook

MAX_CLAIM = 100
MAX_LISTED = 100
MAX_OF_ACCOUNT = 4
"""Deliveries of one account under way at once: addresses that hang keep nobody else waiting."""
PROGRESS_APART_S = 5.0
"""Of a task's progress its caller hears no more often than this, where it hears of it at all."""
BEHIND_OLDER_S = 1.0
"""How long a delivery steps back whose task has an older one under way."""


def note_delivery(connection: Connection, task: Task) -> None:
    """Leave word of a task's new state for its caller, if it gave an address; what was told last is not told again."""
    if not task.callback_url or task.state not in CALLBACK_STATES:
        return
    columns = webhook.c
    last = connection.execute(
        select(columns.task_state, columns.state).where(columns.task == task.id).order_by(columns.version.desc()).limit(1)
    ).first()
    if last is None or (last.task_state != task.state and last.state != "gone"):
        _leave(connection, task)


def note_progress(connection: Connection, task: Task) -> None:
    """Leave word of how far a task has come, a while after the last was taken; one still on its way tells of the progress of then."""
    columns = webhook.c
    query = select(columns.task_state, columns.state, columns.created_at).where(columns.task == task.id)
    last = connection.execute(query.order_by(columns.version.desc()).limit(1)).first()
    if last is None or (last.task_state, last.state) != (task.state, "delivered"):
        return
    if task.updated_at - last.created_at >= PROGRESS_APART_S:
        _leave(connection, task)


def _leave(connection: Connection, task: Task) -> None:
    delivery = Delivery(
        id=delivery_id(task),
        task=task.id,
        account=task.account,
        task_state=task.state,
        version=task.version,
        due_at=task.updated_at,
        created_at=task.updated_at,
    )
    connection.execute(insert(webhook).values(**msgspec.structs.asdict(delivery)))


def delivery_id(task: Task) -> str:
    """Return the id of the delivery that tells of a task's state: made of the task's, so that the same change has the same."""
    return f"hook_{task.id.removeprefix('task_')}_{task.version}"


def claim_deliveries(connection: Connection, *, now: float, limit: int, lease_until: float) -> list[Delivery]:
    """Mark deliveries that are due as under way until `lease_until`, soonest first; the ones that newer states replaced end as skipped."""
    columns = webhook.c
    if (
        connection.dialect.name == "postgresql"
    ):  # one at a time, so that no two take deliveries of one task; SQLite's writers are alone anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('webhooks'))"))
    full = select(columns.account).where(columns.ended_at.is_(None), columns.state == "sending", columns.due_at > now)
    full = full.group_by(columns.account).having(func.count() >= MAX_OF_ACCOUNT)
    place = func.row_number().over(partition_by=columns.account, order_by=columns.due_at).label("place")
    due = select(columns.id, place).where(columns.ended_at.is_(None), columns.due_at <= now, columns.account.not_in(full)).subquery()
    ids = select(due.c.id).where(due.c.place <= MAX_OF_ACCOUNT)
    query = select(webhook).where(columns.id.in_(ids), columns.ended_at.is_(None), columns.due_at <= now).order_by(columns.due_at)
    found = [_delivery_of(row) for row in connection.execute(query.limit(min(limit, MAX_CLAIM)).with_for_update())]
    if not found:
        return []
    tasks = [one.task for one in found]
    versions = select(columns.task, func.max(columns.version)).where(columns.task.in_(tasks)).group_by(columns.task)
    newest = {task: version for task, version in connection.execute(versions)}
    under_way = select(columns.task).where(columns.task.in_(tasks), columns.state == "sending", columns.due_at > now)
    busy = set(connection.execute(under_way).scalars())
    replaced = [one for one in found if one.version < newest[one.task]]
    current = [one for one in found if one.version == newest[one.task]]
    claimed = [one for one in current if one.task not in busy]
    _update(connection, replaced, state="skipped", ended_at=now)
    _update(connection, [one for one in current if one.task in busy], due_at=now + BEHIND_OLDER_S)
    _update(connection, claimed, state="sending", attempts=columns.attempts + 1, due_at=lease_until, sent_at=now)
    return [msgspec.structs.replace(one, state="sending", attempts=one.attempts + 1, due_at=lease_until, sent_at=now) for one in claimed]


def settle_delivery(connection: Connection, delivery: Delivery) -> bool:
    """Write down what a try came to. False: it was not under way by this claim any more, and nothing was written."""
    columns = webhook.c
    ours = (columns.id == delivery.id, columns.state == "sending", columns.attempts == delivery.attempts)
    values = {name: getattr(delivery, name) for name in ("state", "due_at", "ended_at", "answer_status", "error")}
    return connection.execute(update(webhook).where(*ours).values(**values)).rowcount == 1


def next_delivery(connection: Connection) -> float | None:
    """Return when the next delivery may be claimed; None: there is none."""
    found: float | None = connection.execute(select(func.min(webhook.c.due_at)).where(webhook.c.ended_at.is_(None))).scalar()
    return found


def list_deliveries(connection: Connection, task_id: str) -> list[Delivery]:
    """Return a task's deliveries, newest first, at most `MAX_LISTED`."""
    columns = webhook.c
    query = select(webhook).where(columns.task == task_id).order_by(columns.version.desc()).limit(MAX_LISTED)
    return [_delivery_of(row) for row in connection.execute(query)]


def repeat_delivery(connection: Connection, delivery_id: str, *, now: float) -> Delivery | None:
    """Make a delivery due now, with all its tries before it; one under way stays as it is. None: there is no such delivery.

    It tells of the state that its task is in now: after a 410 the later ones have left no deliveries of their own.
    """
    columns = webhook.c
    row = connection.execute(select(webhook).where(columns.id == delivery_id).with_for_update()).first()
    if row is None:
        return None
    delivery = _delivery_of(row)
    if delivery.state == "sending" and delivery.due_at > now:
        return delivery
    state = connection.execute(select(task_table.c.state).where(task_table.c.id == delivery.task)).scalar()
    told = state if state in CALLBACK_STATES else delivery.task_state
    _update(connection, [delivery], state="pending", task_state=told, attempts=0, due_at=now, ended_at=None)
    return msgspec.structs.replace(delivery, state="pending", task_state=told, attempts=0, due_at=now, ended_at=None)


def _update(connection: Connection, deliveries: list[Delivery], **values: Any) -> None:
    if deliveries:
        connection.execute(update(webhook).where(webhook.c.id.in_([one.id for one in deliveries])).values(**values))


def _delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(**{name: row._mapping[name] for name in Delivery.__struct_fields__})


class DatabaseWebhookStore:
    """The store of deliveries over a database (see `tasks/webhooks.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Delivery]:
        return await self._database.call(claim_deliveries, now=now, limit=limit, lease_until=lease_until)

    async def settle(self, delivery: Delivery) -> bool:
        return await self._database.call(settle_delivery, delivery)

    async def next_due(self) -> float | None:
        return await self._database.fetch(next_delivery)

    async def list_of(self, task_id: str) -> list[Delivery]:
        return await self._database.fetch(list_deliveries, task_id)

    async def repeat(self, delivery_id: str, *, now: float) -> Delivery | None:
        return await self._database.call(repeat_delivery, delivery_id, now=now)
