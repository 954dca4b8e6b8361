"""Pika's dialect through a running gateway, by plain HTTP, down to fal's queue in the sandbox: from words to video, rule by rule, cent by cent."""

import base64
import io
import os
import time
from typing import Any

import av
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, balance_usd, send

END_S = 120.0
"""Longest wait for the end of a task."""


class Pika:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation, key: str = "") -> None:
        self.base_url = installation.base_url
        self.key = key or installation.test_key

    def submit(self, **fields: Any) -> Answer:
        return send(f"{self.base_url}/pika/generate", key=self.key, body=fields, method="POST")

    def submitted(self, **fields: Any) -> str:
        answer = self.submit(**fields)
        assert answer.status == 200, answer
        return str(answer.body["id"])

    def feed(self, task_id: str) -> Answer:
        return send(f"{self.base_url}/pika/feed/{task_id}", key=self.key)

    def ended(self, task_id: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            (video,) = self.feed(task_id).body["videos"]
            if video["status"] in ("finished", "error") or time.monotonic() > ends:
                return dict(video)
            time.sleep(0.1)


@pytest.fixture
def pika(installation: Installation) -> Pika:
    return Pika(installation)


def png(width: int = 400, height: int = 300, *, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


def picture(role: str) -> dict[str, str]:
    return {"role": role, "file": base64.b64encode(png()).decode()}


def watch(url: str) -> tuple[tuple[int, int], float]:
    """Return size and seconds of a video whose every frame decodes."""
    answer = send(url)
    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(answer.content)) as file:
        stream = file.streams.video[0]
        sizes = [(frame.width, frame.height) for frame in file.decode(stream)]
        assert len(set(sizes)) == 1
        return sizes[0], len(sizes) / float(stream.average_rate or 0)


def test_words_become_a_video(pika: Pika) -> None:
    taken = pika.submit(
        pikaffect="",
        promptText="a cat",
        model="2.2",
        options={
            "aspectRatio": 0.5625,
            "frameRate": 24,
            "camera": {},
            "parameters": {"guidanceScale": 12, "motion": 1, "negativePrompt": "dogs", "seed": 7},
            "extend": False,
        },
    )
    assert (taken.status, taken.body["message"]) == (200, "Modelgate - Pika - Submit: SUCCEED")
    (waiting,) = pika.feed(taken.body["id"]).body["videos"]
    assert waiting["status"] in ("queued", "pending", "finished")  # the last where a busy machine looks late
    video = pika.ended(taken.body["id"])
    assert (video["status"], video["progress"], video["seed"], video["duration"], video["error"]) == ("finished", 100, 7, 5, "")
    assert video["sharingUrl"] == video["resultUrl"]
    size, seconds = watch(video["resultUrl"])
    assert size == (720, 1280)
    assert seconds == pytest.approx(5, abs=0.1)
    assert pika.feed(taken.body["id"]).body["promptText"] == "a cat"


@pytest.mark.parametrize(
    ("fields", "size", "seconds"),
    [
        ({"promptText": "a cat"}, (1280, 720), 5),
        ({"promptText": "a cat", "model": 2.0, "image": ""}, (1280, 720), 5),
        ({"promptText": "a cat", "model": "pika-2.1", "options": {"aspectRatio": 1}}, (720, 720), 5),
        ({"promptText": "a cat", "model": "turbo", "options": {"aspectRatio": 0.75}}, (720, 900), 5),
        ({"promptText": "a cat", "model": "2.2", "options": {"resolution": "1080p", "duration": 10}}, (1920, 1080), 10),
        ({"promptText": "it jumps", "model": "2.2", "image": base64.b64encode(png()).decode()}, (960, 720), 5),
        (
            {
                "promptText": "it jumps",
                "image": "data:image/jpeg;base64," + base64.b64encode(png(300, 300, kind="JPEG")).decode(),
                "options": {"aspectRatio": 1.7777777777777777},
            },
            (720, 720),
            5,
        ),
        ({"pikaffect": "Cakeify", "promptText": "", "image": base64.b64encode(png(300, 400)).decode(), "model": "1.5"}, (720, 960), 5),
    ],
)
def test_every_way_of_asking(pika: Pika, fields: dict[str, Any], size: tuple[int, int], seconds: float) -> None:
    video = pika.ended(pika.submitted(**fields))
    assert video["status"] == "finished", video
    made, lasts = watch(video["resultUrl"])
    assert made == size
    assert lasts == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(
    ("asked", "size", "seconds"),
    [
        ({"prompt": "a cat", "aspect_ratio": "4:5"}, (720, 900), 5),
        ({"prompt": "it jumps", "seconds": 8, "inputs": [picture("first_frame"), picture("last_frame")]}, (960, 720), 8),
        (
            {
                "prompt": "they meet",
                "aspect_ratio": "1:1",
                "inputs": [picture("reference"), picture("reference")],
                "options": {"pika_ingredients_mode": "creative"},
            },
            (720, 720),
            5,
        ),
    ],
)
def test_the_plain_way_leads_to_the_same_tasks(pika: Pika, asked: dict[str, Any], size: tuple[int, int], seconds: float) -> None:
    body = {"model": "pika-2.2", "operation": "video", "input": asked}
    taken = send(f"{pika.base_url}/v1/tasks", key=pika.key, body=body, method="POST")
    assert taken.status in (200, 201, 202), taken
    video = pika.ended(taken.body["id"])
    assert video["status"] == "finished", video
    made, lasts = watch(video["resultUrl"])
    assert made == size
    assert lasts == video["duration"] == pytest.approx(seconds, abs=0.1)


def test_a_job_is_cancelled_at_the_vendor(installation: Installation) -> None:
    name = "pika-" + os.urandom(4).hex()
    installation.run("accounts", "create", "--name", name)
    payer = Pika(installation, installation.key("--account", name, "--test"))
    task_id = payer.submitted(promptText="magic: slow-task\na cat", model="2.2")
    assert balance(installation, name) < 0
    cancelled = send(f"{payer.base_url}/v1/tasks/{task_id}/cancel", key=payer.key, body={}, method="POST")
    assert cancelled.status == 200, cancelled
    assert payer.ended(task_id)["status"] == "error"
    assert balance(installation, name) == 0


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "promptText"),
        ({"promptText": "a cat", "options": {"aspectRatio": 3}}, "options.aspectRatio"),
        ({"promptText": "a cat", "options": {"extend": True}}, "options.extend"),
        ({"promptText": "a cat", "options": {"parameters": {"seed": -1}}}, "options.parameters.seed"),
        ({"promptText": "a cat", "video": "https://videos.example/a.mp4"}, "video"),
        ({"promptText": "a cat", "image": base64.b64encode(b"GIF89a").decode()}, "image"),
        ({"promptText": "a cat", "image": base64.b64encode(png(900, 300)).decode()}, "image"),
        ({"promptText": "a cat", "image": "http://127.0.0.1:1/cat.png"}, "image"),
        ({"pikaffect": "Melt", "model": "1.5"}, "image"),
        ({"pikaffect": "Fly", "image": base64.b64encode(png()).decode()}, "pikaffect"),
        ({"pikaffect": "Melt", "model": "1.5", "image": base64.b64encode(png()).decode(), "options": {"duration": 10}}, "options.duration"),
    ],
)
def test_a_broken_rule_costs_nothing_and_is_named(pika: Pika, fields: dict[str, Any], param: str) -> None:
    answer = pika.submit(**fields)
    assert (answer.status, answer.body["error"]["param"]) == (400, param)
    assert param in answer.body["message"]
    assert answer.headers["x-request-id"] in answer.body["message"]


def test_what_is_not_there(pika: Pika) -> None:
    assert pika.submit(promptText="a cat", model="9.9").status == 404
    unknown = pika.feed("task_4fK2mQpX7cVbN1sLr8YwZd")
    assert (unknown.status, unknown.body["error"]["code"]) == (404, "task_not_exist")
    assert send(f"{pika.base_url}/pika/nothing", key=pika.key).status == 404
    assert send(f"{pika.base_url}/pika/feed/x").status == 401


@pytest.mark.parametrize(("word", "said"), [("blocked-prompt", "flagged by a content checker"), ("fail-task", "asked for a failed task")])
def test_a_failed_task_says_why(pika: Pika, word: str, said: str) -> None:
    video = pika.ended(pika.submitted(promptText=f"magic: {word}\na cat"))
    assert (video["status"], video["resultUrl"]) == ("error", "")
    assert said in video["error"]


def test_what_the_vendor_refuses_at_once(pika: Pika) -> None:
    answer = pika.submit(promptText="magic: error-400")
    assert (answer.status, answer.body["error"]["code"]) == (400, "invalid_request")


def test_another_account_sees_nothing(installation: Installation, pika: Pika) -> None:
    task_id = pika.submitted(promptText="a cat", model="2.2")
    installation.run("accounts", "create", "--name", "pika-stranger")
    other = Pika(installation, installation.key("--account", "pika-stranger", "--test"))
    answer = other.feed(task_id)
    assert (answer.status, answer.body["error"]["code"]) == (404, "task_not_exist")


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"promptText": "a cat", "model": "2.2"}, 0.20),
        ({"promptText": "a cat", "model": "2.2", "options": {"resolution": "1080p"}}, 0.45),
        ({"promptText": "a cat", "model": "2.1", "options": {"duration": 10}}, 0.80),
        ({"pikaffect": "Melt", "image": base64.b64encode(png()).decode()}, 0.465),
        ({"promptText": "magic: fail-task", "model": "2.2"}, 0.0),
        ({"promptText": "", "model": "2.2"}, 0.0),
    ],
)
def test_cent_by_cent(installation: Installation, fields: dict[str, Any], price: float) -> None:
    name = "pika-" + os.urandom(4).hex()
    installation.run("accounts", "create", "--name", name)
    payer = Pika(installation, installation.key("--account", name, "--test"))
    answer = payer.submit(**fields)
    if answer.status == 200:
        payer.ended(answer.body["id"])
    assert balance(installation, name) == pytest.approx(-price)


def balance(installation: Installation, name: str) -> float:
    return float(balance_usd(installation, name))
