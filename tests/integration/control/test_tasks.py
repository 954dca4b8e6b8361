"""Tasks over the account API, on real databases."""

from typing import Any

import msgspec
import pytest

from modelgate.control.errors import Conflict, NoSuchObject
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.media.requests import ImageRequest, MediaInput, encode_request
from modelgate.storage.tasks import finish_task, insert_task

from .api import NOW, Api

pytestmark = pytest.mark.anyio

PATH = "/api/tasks"


def put(api: Api, number: int = 1, *, ended: bool = True, **fields: Any) -> Task:
    wanted = ImageRequest(model="m", prompt="a kite " + "x" * 400, inputs=(MediaInput(blob="in.png", content_type="image/png"),))
    task = Task(
        id=f"task_{number}",
        **{
            "account": api.account,
            "key": "key_1",
            "book": "live",
            "family": "tasks",
            "operation": "image",
            "model": "m",
            "state": "queued",
            "request": encode_request(wanted),
            "created_at": NOW + number,
            "updated_at": NOW + number,
            "upstream": "up_1",
            **fields,
        },
    )
    api.database.run(insert_task, task, period="all", limit_nanos=None, owner="me", lease_until=NOW)
    if not ended:
        return task
    output = TaskOutput(kind="image", blob="out.png", content_type="image/png", size_bytes=7)
    done = msgspec.structs.replace(task, state="succeeded", finished_at=NOW + 50, updated_at=NOW + 50, progress=100, outputs=(output,))
    finished = api.database.run(finish_task, done, captured_nanos=0)
    assert finished is not None
    return finished


async def test_a_task_with_all_that_is_known_of_it(api: Api) -> None:
    put(api, callback_url="https://app.example/hook")
    shown = await api.ask("GET", f"{PATH}/task_1")
    assert (shown["state"], shown["progress"], shown["at"], shown["finished_at"]) == ("succeeded", 100, NOW + 1, NOW + 50)
    assert shown["outputs"] == [
        {
            "kind": "image",
            "url": "https://gateway.example/files/out.png",
            "content_type": "image/png",
            "size_bytes": 7,
            "duration_ms": 0,
            "text": None,
        }
    ]
    assert [one["url"] for one in shown["inputs"]] == ["https://gateway.example/files/in.png"]
    assert [one["state"] for one in shown["events"]] == ["queued", "succeeded"]
    assert [one["task_state"] for one in shown["deliveries"]] == ["succeeded"]
    assert (shown["deliveries_count"], len(shown["prompt"]), shown["request"]["model"]) == (1, 300, "m")
    assert (shown["upstream"], shown["error"]) == (None, None)
    assert (await api.ask("GET", f"{PATH}/task_1", role="admin"))["upstream"] == "up_1"


async def test_another_accounts_task_is_absent(api: Api) -> None:
    put(api, account=api.other)
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/redeliver")):
        with pytest.raises(NoSuchObject):
            await api.ask(method, f"{PATH}/task_1{path}")
    assert (await api.ask("GET", PATH))["data"] == []
    assert api.canceled == []
    assert [one["account_name"] for one in (await api.ask("GET", PATH, role="admin"))["data"]] == ["other"]


async def test_filters_and_pages(api: Api) -> None:
    put(api, 1)
    put(api, 2, model="other", family="kling")
    put(api, 3, key="key_2", ended=False)
    put(api, 4, book="test")
    put(api, 5, account=api.other)

    async def ids(query: str, role: Any = "member") -> list[str]:
        return [one["id"] for one in (await api.ask("GET", PATH, role=role, query=query))["data"]]

    assert await ids("") == ["task_3", "task_2", "task_1"]
    assert await ids("book=test") == ["task_4"]
    assert await ids("model=other") == ["task_2"]
    assert await ids("family=kling&key=key_1") == ["task_2"]
    assert await ids("state=queued") == ["task_3"]
    assert await ids(f"since={NOW + 2}&until={NOW + 3}") == ["task_2"]
    assert await ids("", role="owner") == ["task_5", "task_3", "task_2", "task_1"]
    assert await ids(f"account={api.other}", role="owner") == ["task_5"]
    first = await api.ask("GET", PATH, query="limit=2")
    assert await ids(f"limit=2&after={first['next']}") == ["task_1"]
    with pytest.raises(InvalidRequest):
        await ids("state=asleep")
    with pytest.raises(PermissionDenied):
        await ids(f"account={api.other}")


async def test_cancelling_is_left_to_who_moves_tasks(api: Api) -> None:
    put(api, ended=False)
    await api.ask("POST", f"{PATH}/task_1/cancel")
    assert api.canceled == ["task_1"]
    with pytest.raises(PermissionDenied):
        await api.ask("POST", f"{PATH}/task_1/cancel", role="viewer")


async def test_the_newest_webhook_is_sent_again(api: Api) -> None:
    put(api, callback_url="https://app.example/hook")
    again = await api.ask("POST", f"{PATH}/task_1/redeliver")
    assert (again["state"], again["attempts"], again["next_try_at"]) == ("pending", 0, NOW)
    put(api, 2)
    with pytest.raises(Conflict):
        await api.ask("POST", f"{PATH}/task_2/redeliver")


async def test_a_task_that_failed_says_why_and_shows_nothing(api: Api) -> None:
    task = put(api, ended=False)
    failed = msgspec.structs.replace(
        task, state="failed", error_code="content_refused", error_message="no", finished_at=NOW + 9, updated_at=NOW + 9
    )
    api.database.run(finish_task, failed, captured_nanos=0)
    shown = await api.ask("GET", f"{PATH}/task_1")
    assert (shown["error"], shown["outputs"]) == ({"code": "content_refused", "message": "no"}, [])
