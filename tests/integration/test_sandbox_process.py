"""The sandbox as its own process: on a handed socket, alone over TLS, and with connections that really break."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from modelgate.app.roles import COMMAND
from modelgate.sandbox.kling import KEY as KLING_SECRET
from modelgate.sandbox.kling import PATH

ALONE = (sys.executable, "-m", "modelgate", "sandbox")
DEADLINE_S = 60


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("sandbox", timeout=DEADLINE_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextlib.contextmanager
def _running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(DEADLINE_S) == 0


@pytest.fixture(scope="module")
def unix_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("run")
    path, environment = folder / "sandbox.sock", {**os.environ, "MODELGATE_DATA": str(folder)}  # a job of an earlier run is remembered
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        with _running(*COMMAND, "sandbox", "--fd", str(listening.fileno()), pass_fds=[listening.fileno()], env=environment):
            yield path


def _send(path: Path, method: str, target: str, *, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = UnixConnection(path)
    with contextlib.closing(connection):
        content = None if body is None else json.dumps(body)
        connection.request(method, target, content, {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read()


def _kling_headers() -> dict[str, str]:
    access, _, secret = KLING_SECRET.partition("|")
    claims = {"iss": access, "exp": int(time.time()) + 1800, "nbf": int(time.time()) - 5}
    return {"authorization": "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(secret))}


def _chat(path: Path, model: str, *, stream: bool, request_id: str = "") -> tuple[int, bytes]:
    body = {"model": model, "messages": [{"role": "user", "content": "magic: tokens 20 30"}], "stream": stream}
    return _send(
        path, "POST", "/v1/chat/completions", body=body, headers={"authorization": "Bearer sk-sandbox", "x-request-id": request_id}
    )


def _counted(path: Path, request_id: str) -> dict[str, Any]:
    entries = json.loads(_send(path, "GET", "/sandbox/requests")[1])["requests"]
    (entry,) = [entry for entry in entries if entry["request_id"] == request_id]
    return dict(entry)


def test_a_handed_socket_is_served(unix_path: Path) -> None:
    status, body = _chat(unix_path, "gpt-4o", stream=True, request_id="req_whole")
    assert (status, body[-14:]) == (200, b"data: [DONE]\n\n")
    entry = _counted(unix_path, "req_whole")
    assert (entry["finished"], entry["prompt_tokens"], entry["completion_tokens"]) == (True, 20, 30)


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_answer_really_breaks(unix_path: Path, stream: bool) -> None:
    request_id = f"req_cut_{stream}"
    with pytest.raises(HTTPException):
        _chat(unix_path, "sandbox-cut-stream", stream=stream, request_id=request_id)
    assert _counted(unix_path, request_id)["finished"] is False


def test_a_client_that_leaves_is_counted_as_far_as_it_read(unix_path: Path) -> None:
    connection = UnixConnection(unix_path)
    body = json.dumps({"model": "sandbox-slow", "messages": [{"role": "user", "content": "magic: tokens 20 30"}], "stream": True})
    headers = {"authorization": "Bearer sk-sandbox", "content-type": "application/json", "x-request-id": "req_left"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    connection.getresponse().read(500)
    connection.close()
    counted = -1
    until = time.monotonic() + DEADLINE_S
    while (entry := _counted(unix_path, "req_left"))["completion_tokens"] > counted:  # until it has noticed
        assert time.monotonic() < until
        counted = entry["completion_tokens"]
        time.sleep(0.5)  # longer than the pause between two words of a slow answer
    assert entry["finished"] is False
    assert entry["completion_tokens"] < 30


def test_an_unknown_submit_is_taken_without_an_answer(unix_path: Path) -> None:
    with pytest.raises((HTTPException, ConnectionError)):
        _send(
            unix_path, "POST", PATH, body={"prompt": "a fox\nmagic: unknown-submit", "external_task_id": "ours_1"}, headers=_kling_headers()
        )
    status, body = _send(unix_path, "GET", f"{PATH}/ours_1", headers=_kling_headers())
    assert (status, json.loads(body)["data"]["task_info"]) == (200, {"external_task_id": "ours_1"})


def test_a_picture_is_made_in_real_time(unix_path: Path) -> None:
    task_id = json.loads(_send(unix_path, "POST", PATH, body={"prompt": "a fox"}, headers=_kling_headers())[1])["data"]["task_id"]
    until = time.monotonic() + DEADLINE_S
    state: dict[str, Any] = {"task_status": ""}
    while state["task_status"] != "succeed" and time.monotonic() < until:
        time.sleep(0.1)
        state = json.loads(_send(unix_path, "GET", f"{PATH}/{task_id}", headers=_kling_headers())[1])["data"]
    url = state["task_result"]["images"][0]["url"]
    assert url.startswith("http://sandbox/kling/files/")
    assert _send(unix_path, "GET", url.removeprefix("http://sandbox"))[1].startswith(b"\x89PNG")


def test_alone_over_tls() -> None:
    with _running(*ALONE, "--port", "0", "--tls") as process:
        assert process.stdout is not None
        lines: dict[str, str] = {}
        while "trust" not in lines:  # the last one
            name, value = process.stdout.readline().split(maxsplit=1)
            lines[name] = value
        port = int(lines["ready"].rstrip().rpartition(":")[2])
        context = ssl.create_default_context(cafile=lines["trust"].strip())
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-x\r\nconnection: close\r\n\r\n")
            assert secured.recv(15) == b"HTTP/1.1 200 OK"
        folder = Path(lines["trust"].strip()).parent
        assert folder.is_dir()
    assert not folder.exists()


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*ALONE, "--port", str(port)], capture_output=True, text=True, timeout=DEADLINE_S, env=dict(os.environ))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert done.stderr.count("\n") == 1
