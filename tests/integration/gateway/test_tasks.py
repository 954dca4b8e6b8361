"""The plain way over all vendors through a running gateway: start, quote, follow, watch, list, cancel; the same tasks by their vendors' paths."""

import json
import time
import urllib.request
from typing import Any

from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, send

END_S = 120.0


class Tasks:
    def __init__(self, installation: Installation, key: str = "") -> None:
        self.base_url = installation.base_url
        self.url = installation.base_url + "/v1/tasks"
        self.key = key or installation.test_key

    def post(self, path: str = "", **body: Any) -> Answer:
        return send(self.url + path, key=self.key, body=body, method="POST")

    def get(self, path: str = "") -> Answer:
        return send(self.url + path, key=self.key)

    def started(self, **body: Any) -> dict[str, Any]:
        answer = self.post(**body)
        assert answer.status == 200, answer
        return answer.body

    def ended(self, task_id: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            found = self.get(f"/{task_id}").body
            if found["finished_at"] is not None or time.monotonic() > ends:
                return found
            time.sleep(0.1)


def test_a_picture_the_plain_way_is_the_same_task_by_klings_path(installation: Installation) -> None:
    tasks = Tasks(installation)
    asked = {"model": "kling-v2", "operation": "image", "input": {"prompt": "a red fox", "n": 2, "aspect_ratio": "1:1"}}
    quote = tasks.post("/quote", **asked)
    assert (quote.status, quote.body["amount_usd"]) == (200, "0.04"), quote
    started = tasks.started(**asked)
    assert (started["operation"], started["amount_usd"]) == ("image", "0.04")
    ended = tasks.ended(started["id"])
    assert (ended["state"], len(ended["outputs"])) == ("succeeded", 2), ended
    picture = send(ended["outputs"][0]["url"])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    by_kling = send(f"{tasks.base_url}/kling/v1/images/generations/{started['id']}", key=tasks.key)
    assert by_kling.body["data"]["task_status"] == "succeed"
    assert len(by_kling.body["data"]["task_result"]["images"]) == 2


def test_a_picture_by_klings_path_is_seen_the_plain_way(installation: Installation) -> None:
    tasks = Tasks(installation)
    body = {"prompt": "a blue fox", "model_name": "kling-v1", "external_task_id": "mine-17"}
    submitted = send(f"{tasks.base_url}/kling/v1/images/generations", key=tasks.key, body=body, method="POST")
    task_id = submitted.body["data"]["task_id"]
    assert tasks.ended(task_id)["state"] == "succeeded"
    assert task_id in [one["id"] for one in tasks.get("?limit=100").body["data"]]


def test_events_tell_progress_and_end(installation: Installation) -> None:
    tasks = Tasks(installation)
    task_id = tasks.started(model="kling-v1", operation="image", input={"prompt": "a kite"})["id"]
    request = urllib.request.Request(f"{tasks.url}/{task_id}/events", headers={"Authorization": f"Bearer {tasks.key}"})
    with urllib.request.urlopen(request, timeout=END_S) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        lines = stream.read().decode().splitlines()
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["state"] == "succeeded"
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)
    assert lines.count("event: task") == len(told)


def test_lists_are_paged_newest_first(installation: Installation) -> None:
    installation.run("accounts", "create", "--name", "pages")
    tasks = Tasks(installation, installation.key("--test", "--account", "pages"))
    ids = [tasks.started(model="kling-v1", operation="image", input={"prompt": f"leaf {number}"})["id"] for number in range(3)]
    first = tasks.get("?limit=2").body
    assert [one["id"] for one in first["data"]] == [ids[2], ids[1]]
    assert first["has_more"] is True
    second = tasks.get(f"?limit=2&after={ids[1]}").body
    assert second["data"][0]["id"] == ids[0]
    assert tasks.get("?after=task_nobody").status == 404
    assert tasks.get("?limit=0").status == 400


def test_what_the_vendor_has_begun_is_not_canceled(installation: Installation) -> None:
    tasks = Tasks(installation)
    task_id = tasks.started(model="kling-v1", operation="image", input={"prompt": "magic: slow-task a snail"})["id"]
    ends = time.monotonic() + END_S
    while tasks.get(f"/{task_id}").body["state"] in ("queued", "submitting"):  # a busy vendor's answer is not waited for without end
        assert time.monotonic() < ends
        time.sleep(0.05)
    refused = tasks.post(f"/{task_id}/cancel")
    assert (refused.status, refused.body["error"]["code"]) == (409, "task_not_cancelable"), refused
    assert tasks.ended(task_id)["state"] == "succeeded"
    again = tasks.post(f"/{task_id}/cancel")
    assert (again.status, again.body["error"]["code"]) == (409, "task_not_cancelable")


def test_strangers_see_nothing(installation: Installation) -> None:
    tasks = Tasks(installation)
    task_id = tasks.started(model="kling-v1", operation="image", input={"prompt": "a secret"})["id"]
    tasks.ended(task_id)
    installation.run("accounts", "create", "--name", "peeper")
    stranger = Tasks(installation, installation.key("--test", "--account", "peeper"))
    for view in (stranger.get, stranger.post):
        for path in (f"/{task_id}/cancel",) if view == stranger.post else (f"/{task_id}", f"/{task_id}/events"):
            foreign, missing = view(path), view(path.replace(task_id, "task_4fK2mQpX7cVbN1sLr8YwZd"))
            assert foreign.status == missing.status == 404
            assert foreign.body["error"]["code"] == missing.body["error"]["code"] == "task_not_exist"
    built_on = {"model": "kling-v1", "operation": "image", "input": {"prompt": "x", "parent": {"task": task_id}}}
    assert stranger.post(**built_on).status == 404
    assert stranger.get("").body["data"] == []
    assert Tasks(installation, "sk-test-nobody").get(f"/{task_id}").status == 401


def test_mistakes_are_named(installation: Installation) -> None:
    tasks = Tasks(installation)
    for body, status, param in (
        ({"model": "kling-v1", "operation": "image", "input": {"promt": "x"}}, 400, "input.promt"),
        ({"model": "nobody", "input": {"prompt": "x"}}, 404, "model"),
        ({"model": "kling-v1", "operation": "image", "input": {"prompt": "x", "lyrics": "la"}}, 400, "input.lyrics"),
        ({"model": "kling-v1", "operation": "image", "input": {"prompt": "x", "n": 10}}, 400, "n"),
        ({"model": "kling-v1", "operation": "image", "input": {"prompt": "x", "options": {"suno_mv": "x"}}}, 400, "suno_mv"),
        ({"model": "kling-v1", "operation": "image", "input": {"prompt": "x", "parent": {"task": "task_absent"}}}, 404, "parent"),
    ):
        answer = tasks.post(**body)
        assert (answer.status, answer.body["error"]["param"]) == (status, param), answer
        assert tasks.post("/quote", **body).status == status
