"""Buttons of the console that change something: cancel a task, send a webhook again, rotate a key, attach a picture. Each is seen to do it."""

import io
import re
import time
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.people import Owner
from tests.e2e.visit import Visits
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, send
from tests.webhook_receiver import Receiver

pytestmark = pytest.mark.e2e

FOLLOWED_S = 60.0
"""Every process follows a change of a key within a second."""
SLOW_TASK = {"model": "gen4.5", "operation": "video", "input": {"prompt": "magic: slow-task\nA lighthouse at dusk", "seconds": 5}}
ENDED = '"succeeded"'
PICTURE_TASK = {"model": "kling-v1", "operation": "image", "input": {"prompt": "a lighthouse told of"}}


def started(installation: Installation, body: dict[str, Any]) -> str:
    """Begin a task; return its id."""
    answer = send(f"{installation.base_url}/v1/tasks", key=installation.test_key, body=body, method="POST")
    assert answer.status == 200, answer
    return str(answer.body["id"])


def test_a_task_is_canceled(installation: Installation, owner: Owner, visits: Visits) -> None:
    task = started(installation, SLOW_TASK)
    page = visits.start(session=owner.session, book="test").go(f"/console/tasks/{task}").page
    drawer = page.get_by_role("dialog", name="Task", exact=True)
    drawer.get_by_role("button", name="Cancel").click()
    asked = page.get_by_role("dialog").filter(has_text="Cancel the task?")
    asked.get_by_role("button", name="Cancel the task").click()
    expect(page.get_by_text("The task is being canceled")).to_be_visible()
    expect(drawer.get_by_text("was set aside and came back")).to_be_visible()
    expect(drawer.get_by_role("button", name="Cancel")).to_have_count(0)
    shown = owner.ask("GET", f"/api/tasks/{task}")
    assert (shown["state"], [event["state"] for event in shown["events"]][-1]) == ("canceled", "canceled")


def test_a_webhook_is_sent_again(installation: Installation, owner: Owner, visits: Visits, receiver: Receiver) -> None:
    task = started(installation, {**PICTURE_TASK, "callback_url": f"{receiver.origin}/hook"})
    receiver.of(task, ENDED)
    page = visits.start(session=owner.session, book="test").go(f"/console/tasks/{task}").page
    drawer = page.get_by_role("dialog", name="Task", exact=True)
    drawer.get_by_role("button", name="Send the webhook again").click()
    expect(page.get_by_text("The webhook is sent once more")).to_be_visible()
    (first, told), (second, told_again) = receiver.of(task, ENDED, count=2)
    assert first["webhook-id"] == second["webhook-id"], "the same message, so that who has it already knows"
    assert told["id"] == told_again["id"] == task
    expect(drawer.get_by_text("answered 204").first).to_be_visible()


def test_a_key_is_rotated(installation: Installation, owner: Owner, visits: Visits) -> None:
    made = owner.ask("POST", "/api/keys", {"name": "to be rotated", "book": "test"})
    assert chat(installation, made["secret"]).status == 200
    page = visits.start(session=owner.session, book="test").go("/console/keys").page
    page.get_by_role("button", name="What to do with to be rotated").click()
    page.get_by_role("menuitem", name="Rotate the secret").click()
    form = page.get_by_role("dialog").filter(has_text="Rotate to be rotated")
    form.get_by_label("The old secret stops").select_option(label="at once")
    form.get_by_role("button", name="Make a new secret").click()
    shown = page.get_by_role("dialog").filter(has_text="The secret of to be rotated")
    expect(shown).to_be_visible()
    secret = re.search(r"sk-test-\w+", shown.inner_text())
    assert secret is not None
    assert secret[0] != made["secret"]
    shown.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_role("row").filter(has_text="to be rotated")).to_contain_text(secret[0][-4:])
    assert chat(installation, secret[0]).status == 200
    until = time.monotonic() + FOLLOWED_S
    while (refused := chat(installation, made["secret"])).status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert (refused.status, refused.body["error"]["code"]) == (401, "invalid_api_key")


def chat(installation: Installation, key: str) -> Answer:
    body = {"model": "sandbox-chat", "messages": [{"role": "user", "content": "Say: good morning"}]}
    return send(f"{installation.base_url}/v1/chat/completions", key=key, body=body, method="POST")


def test_a_picture_is_attached(owner: Owner, visits: Visits) -> None:
    page = visits.start(session=owner.session, book="test").go("/console/playground").page
    choose(page, "notes.txt", "text/plain", b"no picture")
    expect(page.get_by_text("notes.txt is not a PNG, JPEG, WebP or GIF picture.")).to_be_visible()
    choose(page, "pink.png", "image/png", picture((8, 6)))
    choose(page, "other.png", "image/png", picture((4, 4)))
    attached = page.get_by_alt_text("Picture to send")
    expect(attached).to_have_count(2)
    page.get_by_role("button", name="Take the picture out").last.click()
    expect(attached).to_have_count(1)
    page.get_by_label("Message").fill("What is on this picture?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_alt_text("Attached picture")).to_have_count(1)
    expect(page.get_by_role("article", name="Model")).to_contain_text("Picture 1 is a PNG of 8x6 pixels")
    expect(attached).to_have_count(0)


def choose(page: Page, name: str, kind: str, content: bytes) -> None:
    """Attach a file as a reader would: by the button, in the browser's own dialog."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach a picture").click()
    chooser.value.set_files([{"name": name, "mimeType": kind, "buffer": content}])


def picture(size: tuple[int, int]) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", size, (255, 105, 180)).save(drawn, "PNG")
    return drawn.getvalue()
