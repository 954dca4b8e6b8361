"""Work that a first upstream will not take goes to the next, before any has accepted it; once one has, it stays there."""

import base64
import io
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from .conftest import Installation
from .plain_http import send

DONE_S = 120.0
FOLLOW_S = 60.0


class Refusing(ThreadingHTTPServer):
    """Says to everything what `status` and `body` are, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: Refusing

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        name = self.path.split("/")[1]
        self.server.asked.append(name)
        status, body = self.server.answers[name]
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


UPSTREAMS = {
    "kling": ("kling-v1", "video", 401, b'{"code": 1000, "message": "authentication failed", "request_id": "r"}'),
    "runway": ("gen4_turbo", "video", 429, b'{"error": "too many tasks"}'),
    "suno": ("suno_music", "music", 400, b'{"code": "quota_not_enough", "message": "no credits left"}'),
}


@pytest.fixture(scope="module")
def refusing() -> Iterator[Refusing]:
    server = Refusing()
    server.answers = {name: (status, body) for name, (_, _, status, body) in UPSTREAMS.items()}
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def two_each(tmp_path_factory: pytest.TempPathFactory, refusing: Refusing) -> Iterator[Installation]:
    """An installation where the model of each vendor has a refusing upstream before the sandbox."""
    running = Installation(tmp_path_factory.mktemp("two") / "data", "--drain-s", "2")
    for name, (model, *_) in UPSTREAMS.items():
        running.run(
            *("upstreams", "add", name, "--name", f"first-{name}", "--base-url", refusing.url(name), "--book", "test"),
            *("--models", model, "--priority", "9"),
            typed="secret\n",
        )
    yield running
    assert running.stop() == 0
    assert running.json("audit")["balances"]


def picture() -> str:
    """Return a picture to begin with, as a data URI."""
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def ended(installation: Installation, model: str, operation: str) -> dict[str, Any]:
    given = {"prompt": "a fox in the snow"}
    if model == "gen4_turbo":
        given |= {"image": picture()}
    body = {"model": model, "operation": operation, "input": given}
    task = send(installation.base_url + "/v1/tasks", key=installation.test_key, body=body, method="POST").body
    until = time.monotonic() + DONE_S
    while task.get("finished_at") is None and time.monotonic() < until:
        assert "id" in task, task
        time.sleep(0.25)
        task = send(f"{installation.base_url}/v1/tasks/{task['id']}", key=installation.test_key).body
    return dict(task)


@pytest.mark.parametrize("name", UPSTREAMS)
def test_a_refusal_before_acceptance_leads_to_the_next(two_each: Installation, refusing: Refusing, name: str) -> None:
    model, operation, *_ = UPSTREAMS[name]
    until = time.monotonic() + FOLLOW_S
    while name not in refusing.asked and time.monotonic() < until:  # a running server follows a new upstream soon
        task = ended(two_each, model, operation)
        assert task["state"] == "succeeded", task

    assert refusing.asked.count(name) == 1, "one refusal, and the next task does not even ask while that upstream rests"
    assert task["outputs"][0]["url"].startswith(two_each.base_url)
    assert float(task["amount_usd"]) > 0
