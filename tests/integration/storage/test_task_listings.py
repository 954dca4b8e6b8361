"""Tasks with the names of what they belong to, on real databases."""

from modelgate.core.listings import TaskFilter
from modelgate.core.records import ApiKey, Task, Upstream
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account, create_key, delete_key
from modelgate.storage.task_listings import get_task_row, list_task_rows
from modelgate.storage.tasks import insert_task
from modelgate.storage.upstreams import add_upstream

NOW = 1_790_000_000.0


def test_names_stand_beside_ids_and_may_be_gone(database: Database) -> None:
    account = database.run(create_account, name="default", now=NOW)
    key = ApiKey(id="key_1", account=account, book="live", name="app", digest="d", hint="")
    database.run(create_key, key, now=NOW)
    database.run(delete_key, "key_1", now=NOW)
    here = Upstream(id="up_1", name="mine", provider="x", base_url="http://x", book="live")
    database.run(add_upstream, Cipher(bytes(32)), here, now=NOW)
    for number, upstream in ((1, "up_1"), (2, "up_gone")):
        task = Task(
            id=f"task_{number}",
            account=account,
            key="key_1",
            book="live",
            family="tasks",
            operation="image",
            model="m",
            state="queued",
            request=b"{}",
            upstream=upstream,
            created_at=NOW,
            updated_at=NOW,
        )
        database.run(insert_task, task, period="all", limit_nanos=None, owner="me", lease_until=NOW)
    rows = database.read(list_task_rows, TaskFilter(book="live"), limit=9)
    named = [(row.task.id, row.account_name, row.key_name, row.upstream_name) for row in rows]
    assert named == [("task_2", "default", "app", ""), ("task_1", "default", "app", "mine")]
    assert database.read(get_task_row, "task_1", account_id=account) == rows[1]
    assert database.read(get_task_row, "task_1", account_id="acct_other") is None
    assert [row.task.id for row in database.read(list_task_rows, TaskFilter(book="live"), limit=9, after="task_2")] == ["task_1"]
