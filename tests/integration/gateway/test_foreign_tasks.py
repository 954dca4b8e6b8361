"""Another account's task, file or result behaves as absent: on every route of every media family, and wherever work builds on earlier work."""

import json
import re
import time
from typing import Any

import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, send

from modelgate.formats.media.family import MediaFamily, MediaRoute, load_media_families

END_S = 120.0
MISSING = "task_4fK2mQpX7cVbN1sLr8YwZd"
MISSING_OUTPUT = "0f0f0f0f-0000-4000-8000-000000000000"
ORDERS: dict[str, dict[str, Any]] = {
    "image": {"model": "kling-v1", "operation": "image", "input": {"prompt": "a secret kite"}},
    "video": {"model": "kling-v1-6", "operation": "video", "input": {"prompt": "a secret boat", "seconds": 5}},
    "music": {"model": "suno_music", "operation": "music", "input": {"prompt": "a secret song"}},
}
BY_ID = [
    (family, route)
    for family in load_media_families()
    for route in family.routes
    if "{task_id}" in route.endpoint.path and route.action != "file" and route.endpoint.method == "GET"
]
BUILT_ON: list[tuple[str, str, dict[str, Any]]] = [
    ("music", "/suno/submit/music", {"prompt": "[Verse]\nmore", "mv": "chirp-v4", "title": "t", "tags": "folk", "task": "extend", "task_id": "TASK", "continue_clip_id": "OUTPUT", "continue_at": 10}),
    ("music", "/suno/submit/music", {"prompt": "[Verse]\nmore", "mv": "chirp-v4", "title": "t", "tags": "folk", "continue_clip_id": "OUTPUT", "continue_at": 10}),
    ("video", "/kling/v1/videos/video-extend", {"video_id": "OUTPUT", "prompt": "on"}),
    ("video", "/kling/v1/videos/lip-sync", {"input": {"video_id": "OUTPUT", "mode": "text2video", "text": "hi", "voice_id": "v", "voice_language": "en"}}),
    ("image", "/mj/submit/change", {"taskId": "TASK", "action": "UPSCALE", "index": 1}),
    ("image", "/mj/submit/simple-change", {"content": "TASK U1"}),
    ("image", "/mj/submit/action", {"taskId": "TASK", "customId": "MJ::JOB::upsample::1::0f0f0f0f"}),
    ("image", "/mj/submit/modal", {"taskId": "TASK", "prompt": "x"}),
    ("video", "/v1/videos/TASK/remix", {"prompt": "x"}),
    ("video", "/luma/generations/TASK/extend", {"user_prompt": "on"}),
    ("video", "/v1/tasks", {"model": "kling-v1-6", "operation": "video.extend", "input": {"parent": {"task": "TASK"}}}),
    ("video", "/v1/tasks", {"model": "kling-v1-6", "operation": "video.extend", "input": {"parent": {"output": "OUTPUT"}}}),
]  # fmt: skip
LISTS: list[tuple[str, dict[str, Any]]] = [
    ("/mj/task/list-by-condition", {"ids": ["TASK"]}),
    ("/suno/fetch", {"ids": ["TASK"]}),
    ("/luma/tasks", {"ids": ["TASK"]}),
]
SERVED = {route.endpoint.path for family in load_media_families() for route in family.routes}


@pytest.fixture(scope="module")
def owned(installation: Installation) -> dict[str, tuple[str, str]]:
    """A finished task of each kind of the installation's own account: its id, and its vendor's name of its first result."""
    made = {}
    for kind, order in ORDERS.items():
        answer = send(installation.base_url + "/v1/tasks", key=installation.test_key, body=order, method="POST")
        assert answer.status == 200, answer
        task_id, ends = answer.body["id"], time.monotonic() + END_S
        while (task := send(f"{installation.base_url}/v1/tasks/{task_id}", key=installation.test_key).body)["finished_at"] is None:
            assert time.monotonic() < ends, task
            time.sleep(0.1)
        assert task["state"] == "succeeded", task
        made[kind] = (task_id, task["outputs"][0]["id"] or MISSING_OUTPUT[:-1] + "1")
    return made


@pytest.fixture(scope="module")
def stranger(installation: Installation) -> str:
    installation.run("accounts", "create", "--name", "foreigner")
    return installation.key("--test", "--account", "foreigner")


def without(answer: Answer, *names: str) -> tuple[int, str]:
    """Return what an answer says, apart from what names the request or what was asked for."""
    text = answer.content.decode()
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status, re.sub(r"req_\w+", "REQUEST", text)


@pytest.mark.parametrize(("family", "route"), BY_ID, ids=[f"{route.endpoint.method} {route.endpoint.path}" for _, route in BY_ID])
def test_a_foreign_id_in_a_path(
    installation: Installation, owned: dict[str, tuple[str, str]], stranger: str, family: MediaFamily, route: MediaRoute
) -> None:
    for kind in sorted(family.kinds):
        task_id, _ = owned[kind]

        def ask(key: str, name: str) -> Answer:
            path = re.sub(r"\{\w+\}", "1", route.endpoint.path.replace("{task_id}", name))
            return send(installation.base_url + path, key=key)

        foreign, missing = ask(stranger, task_id), ask(stranger, MISSING)
        assert without(foreign, task_id) == without(missing, MISSING)
        assert task_id not in foreign.content.decode().replace(f"/{task_id}", "")


@pytest.mark.parametrize(("kind", "path", "body"), BUILT_ON, ids=[f"{path} {number}" for number, (_, path, _) in enumerate(BUILT_ON)])
def test_work_on_foreign_work(
    installation: Installation, owned: dict[str, tuple[str, str]], stranger: str, kind: str, path: str, body: dict[str, Any]
) -> None:
    template = path.replace("TASK", "{task_id}")
    assert template in SERVED, f"{template} is served no more: mend the list"
    task_id, output = owned[kind]

    def ask(task: str, result: str) -> Answer:
        text = json.dumps(body).replace('"TASK', f'"{task}').replace('"OUTPUT', f'"{result}')
        return send(installation.base_url + path.replace("TASK", task), key=stranger, body=json.loads(text), method="POST")

    foreign, missing = ask(task_id, output), ask(MISSING, MISSING_OUTPUT)
    assert without(foreign, task_id, output) == without(missing, MISSING, MISSING_OUTPUT)
    assert foreign.status >= 400 or "code" in foreign.body, foreign


@pytest.mark.parametrize(("path", "body"), LISTS, ids=[path for path, _ in LISTS])
def test_lists_leave_foreign_tasks_out(
    installation: Installation, owned: dict[str, tuple[str, str]], stranger: str, path: str, body: dict[str, Any]
) -> None:
    assert path in SERVED, f"{path} is served no more: mend the list"
    for task_id, _ in owned.values():
        asked = json.loads(json.dumps(body).replace("TASK", task_id))
        answer = send(installation.base_url + path, key=stranger, body=asked, method="POST")
        assert answer.status == 200, answer
        assert task_id not in answer.content.decode()
    listed = send(installation.base_url + "/v1/tasks?limit=100", key=stranger).body
    assert listed["data"] == []


def test_a_file_without_its_signature_is_absent(installation: Installation, owned: dict[str, tuple[str, str]]) -> None:
    for kind, ending in (("image", "png"), ("video", "mp4"), ("music", "mp3")):
        task_id, _ = owned[kind]
        found, missing = (
            send(f"{installation.base_url}/files/{name}-0.{ending}", key=installation.test_key) for name in (task_id, MISSING)
        )
        assert found.status == missing.status == 404
