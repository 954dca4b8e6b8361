"""The official fal client, unmodified, against `modelgate sandbox --tls`."""

import gc
import hashlib
import importlib
import io
import json
import os
import ssl
import subprocess
import sys
import threading
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from modelgate.sandbox.fal import KEY as FAL_SECRET
from modelgate.sandbox.fal.storage import CDN, REST

TEXT = "fal-ai/pika/v2.2/text-to-video"
IMAGE = "fal-ai/pika/v2.2/image-to-video"
DEADLINE_S = 60
TRIES = 20
"""A job is in the queue for a moment: where a machine has more to do, a client comes too late to see it there."""


@pytest.fixture(scope="module")
def origin() -> Iterator[tuple[str, str]]:
    """Return host with port, and the file of the authority to trust."""
    command = [sys.executable, "-m", "modelgate.cli.main", "sandbox", "--port", "0", "--tls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        try:
            assert process.stdout is not None
            host = process.stdout.readline().split("https://")[1].strip()
            trusted = next(line.split()[1] for line in process.stdout if line.split()[0] == "trust")
            yield host, trusted
        finally:
            process.terminate()
            assert process.wait(DEADLINE_S) == 0


@pytest.fixture(scope="module")
def library(origin: tuple[str, str]) -> Iterator[ModuleType]:
    """Return the client as it is when these variables are in the environment: it reads its hosts as it is imported."""
    host, trusted = origin
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.split(".")[0] == "fal_client"]:
            patch.delitem(sys.modules, name)
        patch.setenv("FAL_KEY", FAL_SECRET)
        patch.setenv("FAL_QUEUE_RUN_HOST", f"{host}/fal")
        patch.setenv("FAL_RUN_HOST", f"{host}/fal/run")
        patch.setenv("SSL_CERT_FILE", trusted)
        yield importlib.import_module("fal_client")
        for name in [name for name in sys.modules if name.split(".")[0] == "fal_client"]:
            del sys.modules[name]


@pytest.fixture
def client(library: ModuleType) -> Iterator[Any]:
    made = library.SyncClient()
    yield made
    made._client.close()
    made._client._transport._client.close()


@pytest.fixture
async def async_client(library: ModuleType) -> AsyncIterator[Any]:
    made = library.AsyncClient()
    yield made
    await (await made._client).aclose()


def _check_video(url: str, trusted: str, *, size: tuple[int, int], seconds: float) -> None:

    answer = httpx.get(url, verify=ssl.create_default_context(cafile=trusted), timeout=DEADLINE_S)
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as file:
        stream = file.streams.video[0]
        frames = [(frame.width, frame.height) for frame in file.decode(stream)]
        assert set(frames) == {size}
        assert len(frames) / float(stream.average_rate or 0) == pytest.approx(seconds, abs=0.1)


def _picture(width: int = 400, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_subscribe(library: ModuleType, client: Any, origin: tuple[str, str]) -> None:
    every = [library.Queued, library.InProgress, library.Completed]
    for _ in range(TRIES):
        seen: list[Any] = []
        result = client.subscribe(
            TEXT, {"prompt": "a fox", "aspect_ratio": "9:16", "duration": 5}, with_logs=True, on_queue_update=seen.append, interval=0.1
        )
        kinds = [type(update) for update in seen]
        assert kinds == sorted(kinds, key=every.index)
        if set(kinds) == set(every):
            break
    assert set(kinds) == set(every)
    assert seen[0].position == 0
    assert seen[-1].logs[0]["level"] == "INFO"
    assert seen[-1].metrics["inference_time"] > 0
    assert result["video"]["content_type"] == "video/mp4"
    _check_video(result["video"]["url"], origin[1], size=(720, 1280), seconds=5)


def test_submit_status_result(library: ModuleType, client: Any, origin: tuple[str, str]) -> None:
    arguments = {"prompt": "a hare", "image_url": library.encode(_picture(), "image/png"), "duration": 10}
    for _ in range(TRIES):
        handle = client.submit(IMAGE, arguments, priority="low", start_timeout=30)
        assert handle.status_url.endswith(f"/fal/fal-ai/pika/requests/{handle.request_id}/status")
        status = client.status(IMAGE, handle.request_id)
        if isinstance(status, library.Queued):
            break
    assert isinstance(status, library.Queued)
    handle.get()
    assert isinstance(client.status(IMAGE, handle.request_id), library.Completed)
    _check_video(client.result(IMAGE, handle.request_id)["video"]["url"], origin[1], size=(960, 720), seconds=10)


def test_run(client: Any) -> None:
    assert client.run(TEXT, {"prompt": "a fox"})["video"]["file_size"] > 1_000


def test_cancel(library: ModuleType, client: Any) -> None:
    handle = client.submit(TEXT, {"prompt": "magic: slow-task\na fox"})
    client.cancel(TEXT, handle.request_id)
    status = handle.status()
    assert isinstance(status, library.Completed)
    assert status.error_type == "client_cancelled"
    with pytest.raises(library.FalClientHTTPError) as refused:
        handle.cancel()
    assert refused.value.status_code == 400
    with pytest.raises(library.FalClientHTTPError) as gone:
        client.cancel(TEXT, "00000000-0000-0000-0000-000000000000")
    assert gone.value.status_code == 404


@pytest.mark.parametrize(
    ("application", "arguments", "status", "said"),
    [
        (TEXT, {"prompt": "magic: error-401"}, 401, "No user found"),
        (TEXT, {"prompt": "magic: error-500"}, 500, "asked for this error"),
        ("fal-ai/nothing", {"prompt": "a fox"}, 404, "not found"),
        ("fal-ai/pika/v9/text-to-video", {"prompt": "a fox"}, 404, "Path /v9/text-to-video not found"),
        (TEXT, {}, 422, "'prompt'"),
        (TEXT, {"prompt": "a fox", "duration": "5"}, 422, "'duration'"),
        (TEXT, {"prompt": "a fox", "aspect_ratio": "4:3"}, 422, "'aspect_ratio'"),
        (IMAGE, {"prompt": "a fox"}, 422, "'image_url'"),
        (TEXT, {"prompt": "magic: blocked-prompt"}, 422, "content_policy_violation"),
        (TEXT, {"prompt": "magic: fail-task"}, 500, "failed task"),
    ],
)
def test_errors(library: ModuleType, client: Any, application: str, arguments: dict[str, Any], status: int, said: str) -> None:
    with pytest.raises(library.FalClientHTTPError) as refused:
        client.subscribe(application, arguments)
    assert refused.value.status_code == status
    assert said in str(refused.value.message)


def test_another_key(library: ModuleType, origin: tuple[str, str]) -> None:
    client = library.SyncClient(key="someone:else")
    with pytest.raises(library.FalClientHTTPError) as refused:
        client.submit(TEXT, {"prompt": "a fox"})
    assert refused.value.status_code == 401
    client._client.close()
    client._client._transport._client.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_uploads(library: ModuleType, client: Any, origin: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The client has its storage hosts as constants; where these lead here (by name service, or as in this test), uploads work."""
    host, trusted = origin
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "REST_URL", f"https://{host}{REST}")
    monkeypatch.setattr(module, "CDN_URL", f"https://{host}{CDN}")
    path = tmp_path / "red.png"
    path.write_bytes(_picture())
    for url in (client.upload_file(path), client.upload_file(path, repository="fal", fallback_repository=[])):
        answer = httpx.get(url, verify=ssl.create_default_context(cafile=trusted), timeout=DEADLINE_S)
        assert (answer.content, answer.headers["content-type"]) == (path.read_bytes(), "image/png")
    assert client.run(IMAGE, {"prompt": "a fox", "image_url": url})["video"]["url"]
    gc.collect()  # the library leaves the connections of its uploads open: told here, where that is expected


@pytest.mark.anyio
async def test_async(library: ModuleType, async_client: Any) -> None:
    for _ in range(TRIES):
        handle = await async_client.submit(TEXT, {"prompt": "a fox"})
        status = await handle.status()
        if isinstance(status, library.Queued):
            break
    assert isinstance(status, library.Queued)
    result = await handle.get()
    assert result == await async_client.result(TEXT, handle.request_id)
    assert (await async_client.subscribe(TEXT, {"prompt": "a fox"}))["video"]["file_size"] == result["video"]["file_size"]
    assert (await async_client.run(TEXT, {"prompt": "a fox"}))["video"]["file_name"] == "output.mp4"
    other = await async_client.submit(TEXT, {"prompt": "magic: slow-task\na fox"})
    await async_client.cancel(TEXT, other.request_id)
    with pytest.raises(library.FalClientHTTPError) as gone:
        await async_client.result(TEXT, other.request_id)
    assert gone.value.status_code == 499


class _Receiver(BaseHTTPRequestHandler):
    received: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((dict(self.headers), body))  # type: ignore[attr-defined]  # the test's own
        self.send_response(200 if len(self.server.received) > 1 else 503)  # type: ignore[attr-defined]
        self.end_headers()
        if len(self.server.received) > 1:  # type: ignore[attr-defined]
            self.server.told.set()  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        pass


def test_a_webhook_is_signed_and_sent_again(client: Any, origin: tuple[str, str]) -> None:

    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    server.received, server.told = [], threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        handle = client.submit(TEXT, {"prompt": "a fox"}, webhook_url=f"http://127.0.0.1:{server.server_port}/hook?of=1")
        assert server.told.wait(DEADLINE_S)  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    headers, body = server.received[-1]  # type: ignore[attr-defined]
    told = json.loads(body)
    assert (told["request_id"], told["status"]) == (handle.request_id, "OK")
    assert told["payload"] == handle.get()
    (key,) = client._client.get(f"https://{origin[0]}{REST}/.well-known/jwks.json").json()["keys"]
    fields = {name.lower(): value for name, value in headers.items()}
    proven = [fields[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
    message = "\n".join([*proven, hashlib.sha256(body).hexdigest()]).encode()
    Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "==")).verify(bytes.fromhex(fields["x-fal-webhook-signature"]), message)
