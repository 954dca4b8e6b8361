"""Tasks as the account API lists them. Reads only; each function is one step."""

from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from modelgate.core.listings import TaskEvent, TaskFilter, TaskListing
from modelgate.core.records import Delivery
from modelgate.storage.database import Database
from modelgate.storage.schema.identity import account, api_key
from modelgate.storage.schema.settings import upstream
from modelgate.storage.schema.tasks import task, task_event, webhook
from modelgate.storage.tasks import task_of
from modelgate.storage.webhooks import list_deliveries, repeat_delivery

MAX_EVENTS = 200


def list_task_rows(connection: Connection, wanted: TaskFilter, *, limit: int, after: str = "") -> list[TaskListing]:
    """Return tasks, newest first; `after` is the id of the last one of the page before."""
    columns = task.c
    query = _listed().where(columns.book == wanted.book)
    for name in ("account", "key", "model", "family", "state", "upstream"):
        if value := getattr(wanted, name):
            query = query.where(columns[name] == value)
    if wanted.since is not None:
        query = query.where(columns.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(columns.created_at < wanted.until)
    if after:
        last = select(columns.created_at).where(columns.id == after).scalar_subquery()
        query = query.where(or_(columns.created_at < last, and_(columns.created_at == last, columns.id < after)))
    query = query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
    return [_listing_of(row) for row in connection.execute(query)]


def get_task_row(connection: Connection, task_id: str, *, account_id: str = "") -> TaskListing | None:
    """Return one task; None when there is none, or another account's."""
    query = _listed().where(task.c.id == task_id)
    if account_id:
        query = query.where(task.c.account == account_id)
    row = connection.execute(query).first()
    return None if row is None else _listing_of(row)


def list_task_events(connection: Connection, task_id: str) -> list[TaskEvent]:
    """Return the changes of a task's state, oldest first, at most `MAX_EVENTS`."""
    columns = task_event.c
    query = select(columns.state, columns.at).where(columns.task == task_id).order_by(columns.version).limit(MAX_EVENTS)
    return [TaskEvent(**row._mapping) for row in connection.execute(query)]


def _listed() -> Select[Any]:
    deliveries = select(func.count()).where(webhook.c.task == task.c.id).scalar_subquery()
    return (
        select(
            task,
            account.c.name.label("account_name"),
            api_key.c.name.label("key_name"),
            upstream.c.name.label("upstream_name"),
            deliveries.label("deliveries"),
        )
        .outerjoin(account, account.c.id == task.c.account)
        .outerjoin(api_key, api_key.c.id == task.c.key)
        .outerjoin(upstream, upstream.c.id == task.c.upstream)
    )


def _listing_of(row: Row[Any]) -> TaskListing:
    return TaskListing(
        task=task_of(row),
        account_name=row.account_name or "",
        key_name=row.key_name or "",
        upstream_name=row.upstream_name or "",
        deliveries=row.deliveries,
    )


class DatabaseTaskListings:
    """Tasks, their history and webhooks over a database (see `control/tasks.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_of(self, wanted: TaskFilter, *, limit: int, after: str) -> list[TaskListing]:
        return await self._database.fetch(list_task_rows, wanted, limit=limit, after=after)

    async def get(self, task_id: str, *, account_id: str) -> TaskListing | None:
        return await self._database.fetch(get_task_row, task_id, account_id=account_id)

    async def events(self, task_id: str) -> list[TaskEvent]:
        return await self._database.fetch(list_task_events, task_id)

    async def deliveries(self, task_id: str) -> list[Delivery]:
        return await self._database.fetch(list_deliveries, task_id)

    async def repeat(self, delivery_id: str, *, now: float) -> Delivery | None:
        return await self._database.call(repeat_delivery, delivery_id, now=now)
