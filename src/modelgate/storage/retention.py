"""Removing what ended long ago: deliveries, and tasks with all that belongs to them but their money.

Steps are short transactions, oldest first. Holds and ledger entries stay for ever: they are what balances are proved by. So do request
records: see docs/decisions/2026-11-27-request-records-stay.md.
"""

from sqlalchemy import Connection, delete, exists, select

from modelgate.storage.posting import insert_absent
from modelgate.storage.schema.tasks import task, task_event, task_output, webhook
from modelgate.storage.schema.usage import removed

MAX_REMOVED_AT_ONCE = 200
TASKS = "tasks"


def remove_deliveries(connection: Connection, *, before_ms: int) -> int:
    """Remove deliveries that ended before, at most `MAX_REMOVED_AT_ONCE`; return how many."""
    columns = webhook.c
    oldest = select(columns.id).where(columns.ended_at < before_ms / 1000).order_by(columns.ended_at).limit(MAX_REMOVED_AT_ONCE)
    return connection.execute(delete(webhook).where(columns.id.in_(oldest))).rowcount


def remove_tasks(connection: Connection, *, before_ms: int) -> int:
    """Remove tasks that ended before, at most `MAX_REMOVED_AT_ONCE`, those whose caller is still to hear of them left out; return how many.

    The sums of what was used stay, and `removed` says from when on they can be compared with tasks.
    """
    columns = task.c
    is_awaited = exists().where(webhook.c.task == columns.id, webhook.c.ended_at.is_(None))
    oldest = select(columns.id).where(columns.finished_at < before_ms / 1000, ~is_awaited).order_by(columns.finished_at)
    names = list(connection.execute(oldest.limit(MAX_REMOVED_AT_ONCE)).scalars())
    if not names:
        return 0
    insert_absent(connection, removed, [{"what": TASKS, "before_ms": before_ms}])
    connection.execute(removed.update().where(removed.c.what == TASKS, removed.c.before_ms < before_ms).values(before_ms=before_ms))
    for table in (task_event, task_output, webhook):
        connection.execute(delete(table).where(table.c.task.in_(names)))
    return connection.execute(delete(task).where(columns.id.in_(names))).rowcount
