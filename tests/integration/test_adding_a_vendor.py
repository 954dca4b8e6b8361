"""The page "adding a vendor", followed to the letter: the file it shows makes a vendor full of oddities work, and nothing else is changed.

The vendor is a small server that refuses whatever its file says it refuses. The file goes into a copy of the source tree.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.environment import clean_environment

from modelgate.core.providers import Provider, Quirks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-vendor.md").read_text()
MAX_LINES = 40
START_S = 120.0
SECRET = "odd-secret"
VERSION = "api-version=2026-11-01"
FIELDS = {"model", "messages", "max_output", "stream", "tools", "tool_choice"}
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "How odd is Paris?"


def shown_file() -> str:
    """Return the file that the page shows."""
    found = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, "the page shows no file"
    return found[1]


class OddServer(ThreadingHTTPServer):
    """The vendor. `complaints`: what was wrong with requests; `asked`: their bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), OddHandler)
        self.complaints: list[str] = []
        self.asked: list[dict[str, Any]] = []


class OddHandler(BaseHTTPRequestHandler):
    """Thinks aloud, then answers, or calls the tool it is offered."""

    protocol_version = "HTTP/1.1"
    server: OddServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        complaint = self.complaint(body)
        if complaint:
            self.server.complaints.append(complaint)
            self.answer(400, "application/json", json.dumps({"error": {"message": complaint}}).encode())
            return
        self.server.asked.append(body)
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "oddity", "arguments": '{"city": "Paris"}'}}
        message = {"role": "assistant", "content": None if "tools" in body else "Very odd.", "reasoning_content": "Paris, hm."}
        finish = "tool_calls" if "tools" in body else "stop"
        if "tools" in body:
            message["tool_calls"] = [call]  # type: ignore[assignment]  # JSON
        usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
        if not body.get("stream"):
            whole = {"id": "odd", "model": "odd-1", "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
            self.answer(200, "application/json", json.dumps(whole).encode())
            return
        chunks = [{"choices": [{"index": 0, "delta": {name: value}}]} for name, value in message.items() if name != "role" and value]
        chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage}]
        told = [f"data: {json.dumps({'id': 'odd', 'model': 'odd-1', **chunk})}\n\n" for chunk in chunks]
        self.answer(200, "text/event-stream", "".join([*told, "data: [DONE]\n\n"]).encode())

    def complaint(self, body: dict[str, Any]) -> str:
        """Return what this vendor dislikes about a request."""
        path, _, query = self.path.partition("?")
        if path != "/v1/chat/completions" or query != VERSION:
            return f"nothing is served at {self.path}"
        if self.headers["X-Oddly-Key"] != SECRET or self.headers["Authorization"] is not None:
            return "no key"
        if unknown := body.keys() - FIELDS:
            return f"unknown fields: {sorted(unknown)}"
        return "" if all(message["role"] != "developer" for message in body["messages"]) else "no such role"

    def answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class Installation:
    """A gateway out of a copy of the source tree that holds one more file."""

    def __init__(self, folder: Path) -> None:
        source = folder / "source"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "modelgate", source / "modelgate", copy_function=os.symlink, ignore=ignored)
        (source / "modelgate" / "providers" / "oddly.py").write_text(shown_file())
        self._environment = clean_environment(MODELGATE_DATA=str(folder / "data"), PYTHONPATH=str(source), PYTHONDONTWRITEBYTECODE="1")
        self.secret = ""
        self.base_url = ""

    def run(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "-m", "modelgate", *arguments]
        done = subprocess.run(
            command, input=stdin, env=self._environment, cwd=ROOT.anchor, capture_output=True, text=True, timeout=START_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "modelgate", "serve", "--port", "0", "--workers", "1"]
        process = subprocess.Popen(
            command, env=self._environment, cwd=ROOT.anchor, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        killer = threading.Timer(START_S, process.kill)
        killer.start()
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("ready http")), "")
        killer.cancel()
        assert line, "the server ended before it was ready"
        self.base_url = line.split()[1]
        return process

    def ask(self, path: str, body: dict[str, Any]) -> bytes:
        """Return the answer to a request, which must be a good one."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.secret}"}
        request = urllib.request.Request(f"{self.base_url}{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=START_S) as answer:
                told: bytes = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(error.read().decode())
        return told


@pytest.fixture(scope="module")
def vendor() -> Iterator[OddServer]:
    server = OddServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def installation(vendor: OddServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("oddly"))
    address = f"http://127.0.0.1:{vendor.server_address[1]}/v1"
    made.run("upstreams", "add", "oddly", "--base-url", address, "--models", "odd-1", stdin=f"{SECRET}\n")
    made.run("prices", "set", "odd-1", "--input", "0.5", "--output", "2")
    made.secret = json.loads(made.run("keys", "create", "--name", "odd", "--json"))["secret"]
    process = made.serve()
    yield made
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_S)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def openai_body(**more: Any) -> dict[str, Any]:
    messages = [{"role": "developer", "content": "Be odd."}, {"role": "user", "content": QUESTION}]
    return {"model": "odd-1", "max_tokens": 64, "messages": messages, **more}


def anthropic_body(**more: Any) -> dict[str, Any]:
    return {"model": "odd-1", "max_tokens": 64, "system": "Be odd.", "messages": [{"role": "user", "content": QUESTION}], **more}


def events(told: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in told.split(b"\n") if line.startswith(b"data: {")]


def test_the_file_is_short() -> None:
    assert len(shown_file().rstrip().split("\n")) < MAX_LINES


def test_the_page_tells_of_every_field() -> None:
    untold = [name for kind in (Provider, Quirks) for name in kind.__struct_fields__ if f"| `{name}` |" not in PAGE]
    assert untold == []


def test_an_openai_client_chats(installation: Installation, vendor: OddServer) -> None:
    answer = json.loads(installation.ask("/v1/chat/completions", openai_body(seed=1)))
    assert answer["choices"][0]["message"]["content"] == "Very odd."
    assert answer["choices"][0]["message"]["reasoning_content"] == "Paris, hm."
    assert answer["usage"]["total_tokens"] == 16
    assert vendor.asked[-1]["max_output"] == 64
    assert [message["role"] for message in vendor.asked[-1]["messages"]] == ["system", "user"]
    assert vendor.complaints == []


def test_an_openai_client_streams(installation: Installation, vendor: OddServer) -> None:
    told = installation.ask("/v1/chat/completions", openai_body(stream=True, stream_options={"include_usage": True}))
    deltas = [choice["delta"] for chunk in events(told) for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Very odd."
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Paris, hm."
    assert told.endswith(b"data: [DONE]\n\n")
    assert vendor.complaints == []


@pytest.mark.parametrize("stream", [False, True])
def test_an_openai_client_calls_a_tool(installation: Installation, vendor: OddServer, stream: bool) -> None:
    tools = [{"type": "function", "function": {"name": "oddity", "parameters": TOOL}}]
    told = installation.ask("/v1/chat/completions", openai_body(tools=tools, stream=stream))
    answers = events(told) if stream else [json.loads(told)]
    said = [choice.get("delta") or choice.get("message") or {} for answer in answers for choice in answer["choices"]]
    (call,) = [call for message in said for call in message.get("tool_calls") or ()]
    assert call["function"] == {"name": "oddity", "arguments": '{"city": "Paris"}'}
    assert vendor.complaints == []


def test_an_anthropic_client_chats(installation: Installation, vendor: OddServer) -> None:
    answer = json.loads(installation.ask("/v1/messages", anthropic_body()))
    thought, text = answer["content"]
    assert (thought["type"], thought["thinking"]) == ("thinking", "Paris, hm.")
    assert (text["type"], text["text"]) == ("text", "Very odd.")
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (9, 7)
    assert vendor.asked[-1]["max_output"] == 64
    assert vendor.complaints == []


def test_an_anthropic_client_streams(installation: Installation, vendor: OddServer) -> None:
    told = events(installation.ask("/v1/messages", anthropic_body(stream=True)))
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert "".join(delta.get("thinking", "") for delta in deltas) == "Paris, hm."
    assert "".join(delta.get("text", "") for delta in deltas) == "Very odd."
    assert told[-1]["type"] == "message_stop"
    assert vendor.complaints == []


@pytest.mark.parametrize("stream", [False, True])
def test_an_anthropic_client_calls_a_tool(installation: Installation, vendor: OddServer, stream: bool) -> None:
    told = installation.ask("/v1/messages", anthropic_body(tools=[{"name": "oddity", "input_schema": TOOL}], stream=stream))
    if stream:
        pieces = [event["delta"].get("partial_json", "") for event in events(told) if event["type"] == "content_block_delta"]
        assert json.loads("".join(pieces)) == {"city": "Paris"}
        assert any(event.get("delta", {}).get("stop_reason") == "tool_use" for event in events(told))
    else:
        (call,) = [block for block in json.loads(told)["content"] if block["type"] == "tool_use"]
        assert (call["name"], call["input"]) == ("oddity", {"city": "Paris"})
    assert vendor.complaints == []
