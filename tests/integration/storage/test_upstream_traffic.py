"""What became lately of tasks at each upstream; requests are tried through the account API."""

import msgspec

from modelgate.core.records import Task, TaskState
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account
from modelgate.storage.tasks import finish_task, insert_task
from modelgate.storage.upstream_traffic import list_traffic

NOW = 1_790_000_000.0


def test_tasks_count_where_they_ended_and_callers_faults_do_not_count(database: Database) -> None:
    account = database.run(create_account, name="default", now=NOW)

    def put(number: int, state: TaskState, *, at: float, code: str = "", upstream: str = "up_1") -> None:
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
            created_at=NOW - 5000,
            updated_at=NOW - 5000,
        )
        database.run(insert_task, task, period="all", limit_nanos=None, owner="me", lease_until=NOW)
        ended = msgspec.structs.replace(task, state=state, error_code=code, finished_at=at, updated_at=at)
        assert database.run(finish_task, ended, captured_nanos=0) is not None

    put(1, "succeeded", at=NOW - 30)
    put(2, "failed", at=NOW - 20, code="vendor_unavailable")
    put(3, "failed", at=NOW - 10, code="content_refused")
    put(4, "failed", at=NOW - 4000, code="vendor_unavailable")
    put(5, "failed", at=NOW, code="vendor_unavailable", upstream="")
    (found,) = database.read(list_traffic, since=NOW - 900, blameless=["content_refused"])
    assert (found.upstream, found.requests, found.failed, found.last_error) == ("up_1", 3, 1, "vendor_unavailable")
    assert (found.last_failed_at, found.last_ok_at) == (NOW - 20, NOW - 10)
