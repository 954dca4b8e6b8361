"""Every way to use a media endpoint that the documentation shows, sent as it is shown, with tasks and pictures of one's own in the place of its
examples: it works, and is answered in the shape that is shown."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import send
from tests.integration.portal.answers import compare_with_kept, differences, send_example
from tests.integration.portal.pictures import FORM_FILES
from tests.webhook_receiver import Receiver

from modelgate.app.settings import Settings
from modelgate.app.snapshots import installation_secret
from modelgate.app.workshop import callback_key
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.gateway.callbacks import callback_url
from modelgate.gateway.endpoints import endpoint_table
from modelgate.portal.examples import example_of, follow_of
from modelgate.portal.pages import Example

pytestmark = pytest.mark.slow
TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
HOOK_ID = "hook_4fK2mQpX7cVbN1sLr8YwZd_6"
FAILING = ("failed", "error")
"""Cases that show a task that has failed."""
END_S = 90.0
TABLE = {endpoint.name: endpoint for endpoint in endpoint_table(load_media_families())}
BEGUN_BY = {
    "extend_luma_generation": "submit_luma_generation",
    "fetch_luma_generation": "submit_luma_generation",
    "luma_video_address": "submit_luma_generation",
    "fetch_luma_tasks": "submit_luma_generation",
    "upscale_dream_generation": "submit_dream_generation",
    "sound_dream_generation": "submit_dream_generation",
    "fetch_dream_generation": "submit_dream_generation",
    "cancel_dream_generation": "submit_dream_generation",
    "midjourney_change": "midjourney_imagine",
    "midjourney_simple_change": "midjourney_imagine",
    "midjourney_action": "midjourney_imagine",
    "fetch_midjourney_task": "midjourney_imagine",
    "list_midjourney_tasks": "midjourney_imagine",
    "fetch_midjourney_seed": "midjourney_imagine",
    "fetch_midjourney_image": "midjourney_imagine",
    "fetch_video": "create_video",
    "download_video": "create_video",
    "remix_video": "create_video",
    "fetch_video_generation": "create_video_generation",
    "fetch_pika_video": "submit_pika_video",
    "fetch_runway_task": "submit_runway_text_to_video",
    "cancel_runway_task": "submit_runway_text_to_video",
    "cancel_task": "submit_runway_text_to_video",
    "cancel_midjourney_task": "midjourney_imagine",
    "wake_task": "create_task",
    "submit_suno_music": "submit_suno_music",
    "fetch_suno_task": "submit_suno_music",
    "fetch_suno_task-lyrics": "submit_suno_lyrics",
    "fetch_suno_tasks": "submit_suno_music",
    "fetch_task": "create_task",
    "stream_task_events": "create_task",
    "list_deliveries": "create_task",
    "get_file": "submit_kling_image",
    "submit_kling_extend": "submit_kling_text_video",
    "submit_kling_lip_sync": "submit_kling_text_video",
}
"""What begins the task that an example is about, where `submit_…` in the place of `fetch_…` does not say it."""
WITHOUT_PROMPT = ("fetch_kling_try_on", "fetch_kling_lip_sync", "fetch_kling_effects")
"""What they begin has no words that could tell the sandbox to fail."""
CASES = [
    (endpoint, case)
    for endpoint in TABLE.values()
    if endpoint.home == "desk"
    for case in endpoint.cases
    if not (case.name in FAILING and endpoint.name in WITHOUT_PROMPT)
]
_MADE_UP_ID = re.compile(f"{TASK_ID}|9f2c41d07b")
_PICTURE = re.compile(r"https://(?:\w+\.)?example(?:\.com)?/[\w/]+\.(?:png|jpg)")
_VIDEO = re.compile(r"https://(?:\w+\.)?example(?:\.com)?/[\w/]+\.mp4")
_FIRST_WORDS = re.compile(r'"(?:user_)?prompt(?:Text)?":"')
Begin = Callable[..., dict[str, Any]]


def name_of(value: object) -> str:
    return value.name if isinstance(value, Endpoint | Case) else ""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A server of a caller's, which hears of tasks."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("media") / "data", "--webhook-origins", receiver.origin)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def begin(installation: Installation) -> Begin:
    """Return a function that begins a task as the first case of an endpoint does, and waits for its end; each once."""
    ended: dict[tuple[str, bool], dict[str, Any]] = {}

    def once(name: str, *, fails: bool = False) -> dict[str, Any]:
        if (name, fails) not in ended:
            ended[name, fails] = _begun(installation, TABLE[name], magic="fail-task" if fails else "", once=once)
        return ended[name, fails]

    return once


def _begun(installation: Installation, endpoint: Endpoint, *, magic: str, once: Begin | None) -> dict[str, Any]:
    """Return a new task, at its end; without `once` as it begins. `magic`: what the sandbox is told to do."""
    example = example_of(endpoint, endpoint.cases[0], None)
    text = msgspec.json.encode(example).decode()
    if magic:
        text = _FIRST_WORDS.sub(rf"\g<0>magic: {magic}\\n", text, count=1)
    if once is not None:
        text = _with_real_things(installation, text, once, begun_by=BEGUN_BY.get(endpoint.name, ""))
    sent = msgspec.json.decode(text, type=Example)
    taken = send_example(installation.base_url, sent, key=installation.test_key, files=FORM_FILES)
    follow = follow_of(endpoint)
    assert follow is not None
    assert taken.status < 300, taken
    task: Any = taken.body
    for name in follow.task_id_pointer.strip("/").split("/"):
        task = task[name]
    until = time.monotonic() + END_S
    while True:
        shown = send(f"{installation.base_url}/v1/tasks/{task}", key=installation.test_key).body
        if once is None:
            return shown
        if shown["state"] not in ("queued", "submitting", "running") or time.monotonic() > until:
            assert shown["state"] == ("failed" if magic == "fail-task" else "succeeded"), shown
            return shown
        time.sleep(0.2)


def _with_real_things(installation: Installation, text: str, begin: Begin, *, begun_by: str, fails: bool = False) -> str:
    """Return an example's JSON with ids, pictures and videos of this gateway in the place of made-up ones."""
    if _MADE_UP_ID.search(text):
        text = _with_task(installation, text, begin(begun_by, fails=fails))
    if _PICTURE.search(text):
        text = _PICTURE.sub(str(begin("submit_kling_image")["outputs"][0]["url"]), text)
    if _VIDEO.search(text):
        text = _VIDEO.sub(str(begin("submit_kling_text_video")["outputs"][0]["url"]), text)
    return text


def _with_task(installation: Installation, text: str, task: dict[str, Any]) -> str:
    text = text.replace(TASK_ID, str(task["id"]))
    if "9f2c41d07b" in text:
        videos = send(f"{installation.base_url}/kling/v1/videos/text2video/{task['id']}", key=installation.test_key).body
        text = text.replace("9f2c41d07b", videos["data"]["task_result"]["videos"][0]["id"])
    if "MJ::JOB" in text:
        shown = send(f"{installation.base_url}/mj/task/{task['id']}/fetch", key=installation.test_key).body
        text = re.sub(r"MJ::JOB::upsample[^\"]*", shown["buttons"][0]["customId"], text)
    if "971c0fb8" in text:
        songs = send(f"{installation.base_url}/suno/fetch/{task['id']}", key=installation.test_key).body
        text = text.replace("971c0fb8-5b5d-4d58-9a8e-6f5b1a3f2d10", songs["data"]["data"][0]["id"])
    if "/files/" in text:
        path, _, query = str(task["outputs"][0]["url"]).removeprefix(installation.base_url).partition("?")
        changed = {**json.loads(text), "path": path, "query": [part.split("=", 1) for part in query.split("&")]}
        text = json.dumps(changed)
    return text


def _with_dialog(installation: Installation, text: str, begin: Begin, _receiver: Receiver) -> str:
    """Return the example with a dialog that is open: a button of a grid was pressed with remix on."""
    grid = str(begin("midjourney_imagine")["id"])
    base_url, key = installation.base_url, installation.test_key
    button = next(one for one in send(f"{base_url}/mj/task/{grid}/fetch", key=key).body["buttons"] if one["label"] == "V1")
    pressed = {"taskId": grid, "customId": button["customId"], "enableRemix": True}
    opened = send(f"{base_url}/mj/submit/action", key=key, body=pressed, method="POST").body
    assert opened["code"] == 21, opened
    return text.replace(TASK_ID, str(opened["result"]))


def _with_delivery(installation: Installation, text: str, _begin: Begin, receiver: Receiver) -> str:
    """Return the example with a webhook that has gone out."""
    body = {
        "model": "kling-v1",
        "operation": "image",
        "input": {"prompt": "a kite that is told of"},
        "callback_url": f"{receiver.origin}/hook",
    }
    task = str(send(f"{installation.base_url}/v1/tasks", key=installation.test_key, body=body, method="POST").body["id"])
    receiver.of(task, '"succeeded"')
    deliveries = send(f"{installation.base_url}/v1/tasks/{task}/deliveries", key=installation.test_key).body["data"]
    return text.replace(HOOK_ID, str(deliveries[0]["id"])).replace(TASK_ID, task)


def _with_callback(installation: Installation, text: str, begin: Begin, _receiver: Receiver) -> str:
    """Return the example with the address that a vendor is given."""
    task = str(begin("create_task")["id"])
    secret = installation_secret(Settings(data=str(installation.data)), {})
    address = callback_url(installation.base_url, callback_key(secret), task)
    return json.dumps({**json.loads(text), "path": address.removeprefix(installation.base_url)})


PREPARED = {"midjourney_modal": _with_dialog, "redeliver": _with_delivery, "wake_task": _with_callback}
"""What has to be there for an example beside a task that ended."""


@pytest.mark.parametrize(("endpoint", "case"), CASES, ids=name_of)
def test_a_case_is_answered_as_is_shown(
    installation: Installation, begin: Begin, receiver: Receiver, endpoint: Endpoint, case: Case
) -> None:
    text = msgspec.json.encode(example_of(endpoint, case, None)).decode()
    begun_by = BEGUN_BY.get(f"{endpoint.name}-{case.name}") or BEGUN_BY.get(endpoint.name, endpoint.name.replace("fetch_", "submit_"))
    ids = {installation.base_url: "https://gateway.example"}
    if endpoint.name.startswith(("cancel_", "stream_")):
        magic = "slow-task" if endpoint.name.startswith("cancel_") else ""
        running = str(_begun(installation, TABLE[begun_by], magic=magic, once=None)["id"])
        text, ids[running] = text.replace(TASK_ID, running), TASK_ID
    prepare = PREPARED.get(endpoint.name)
    text = prepare(installation, text, begin, receiver) if prepare is not None else text
    text = _with_real_things(installation, text, begin, begun_by=begun_by, fails=case.name in FAILING)
    answer = send_example(installation.base_url, msgspec.json.decode(text, type=Example), key=installation.test_key, files=FORM_FILES)
    assert answer.status == case.status, answer
    if case.response is not None:
        assert differences(case.response, answer.body) == []
    elif case.status != 204:
        compare_with_kept(answer, f"{endpoint.name}-{case.name}", ids=ids)
