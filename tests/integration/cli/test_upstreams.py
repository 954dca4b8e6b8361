"""`modelgate upstreams` on real databases."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from click.testing import Result

from modelgate.core.records import Snapshot

Run = Callable[..., Result]
RunJson = Callable[..., Any]
Snapshots = Callable[[], Snapshot]


class Vendor(BaseHTTPRequestHandler):
    """An OpenAI-like server: one good key, one that is out of quota, one for which it is not well."""

    answers: ClassVar[dict[str, tuple[int, bytes]]] = {
        "Bearer good": (200, b'{"data": [{"id": "m1"}, {"id": "m2"}]}'),
        "Bearer poor": (429, b"{}"),
        "Bearer ill": (500, b"{}"),
        "Bearer page": (200, b"<html>hello</html>"),
    }

    def do_GET(self) -> None:
        status, body = self.answers.get(self.headers.get("Authorization", ""), (401, b"{}"))
        if self.path not in ("/v1/models", "/kling/v1/images/generations/modelgate-probe"):
            status, body = 404, b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def vendor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_come_from_stdin_and_are_stored_encrypted(run: Run, run_json: RunJson, snapshot: Snapshots) -> None:
    options = [
        "--base-url",
        "https://llm.example/v1/",
        "--models",
        "a,b=c",
        "--priority",
        "2",
        "--weight",
        "3",
        "--timeout",
        "12.5",
        "--cancel",
        "cancel",
        "--max-concurrent",
        "4",
    ]
    added = run_json("upstreams", "add", "openai", *options, stdin="sk-one\n\n sk-two \nsk-one\n")
    assert "sk-" not in str(added).replace("sk-vendor", "")
    (upstream,) = snapshot().upstreams
    assert [credential.secret for credential in upstream.credentials] == ["sk-one", "sk-two"]
    assert (upstream.base_url, upstream.models, upstream.priority, upstream.weight) == (
        "https://llm.example/v1",
        {"a": "a", "b": "c"},
        2,
        3,
    )
    assert (upstream.timeout_s, upstream.cancel, upstream.max_concurrent, upstream.book, upstream.free) == (
        12.5,
        "cancel",
        4,
        "live",
        False,
    )
    assert "sk-one" not in run("upstreams", "list").stdout


def test_upstreams_without_a_name_are_numbered(run: Run, run_json: RunJson) -> None:
    names = [run_json("upstreams", "add", "openai", stdin="sk")["name"] for _ in range(3)]
    assert names == ["openai", "openai-2", "openai-3"]
    taken = run("upstreams", "add", "openai", "--name", "openai", stdin="sk")
    assert taken.exit_code == 1
    assert "--name" in taken.stderr


def test_a_server_of_ones_own_needs_no_key_and_is_free(run_json: RunJson) -> None:
    ollama = run_json("upstreams", "add", "ollama")
    assert (ollama["free"], len(ollama["credentials"])) == (True, 1)
    assert not run_json("upstreams", "add", "openai", "--no-key", "--base-url", "http://127.0.0.1:8000/v1")["free"]


def test_where_everybody_has_an_address_of_his_own_it_must_be_said(run: Run, run_json: RunJson) -> None:
    refused = run("upstreams", "add", "azure", stdin="key")
    assert refused.exit_code == 1
    assert "--base-url" in refused.stderr
    assert run_json("upstreams", "add", "azure", "--base-url", "https://mine.openai.azure.com", stdin="key")["provider"] == "azure"


def test_an_upstream_is_edited_paused_resumed_and_removed(run: Run, run_json: RunJson, snapshot: Snapshots) -> None:
    run("upstreams", "add", "openai", stdin="sk-one")
    run("upstreams", "edit", "openai", "--name", "main", "--weight", "9", "--free")
    assert run_json("upstreams", "pause", "main")["disabled"]
    assert "paused" in run("upstreams", "list").stdout
    assert not run_json("upstreams", "resume", "main")["disabled"]
    run("upstreams", "edit", "main", "--new-keys", stdin="sk-new")
    (upstream,) = snapshot().upstreams
    assert (upstream.name, upstream.weight, upstream.free, upstream.credentials[0].secret) == ("main", 9, True, "sk-new")
    assert run("upstreams", "remove", "main").exit_code == 0
    assert "no upstreams yet" in run("upstreams", "list").stdout


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "text"),
    [
        (("upstreams", "add", "nobody"), "", 1, "there is no provider 'nobody'; there are: "),
        (("upstreams", "add", "openai"), "", 1, "no key was given"),
        (("upstreams", "add", "openai", "--base-url", "llm.example"), "sk", 2, "not an http:// or https:// URL"),
        (("upstreams", "add", "openai", "--models", "=x"), "sk", 2, "neither a model name"),
        (("upstreams", "add", "openai"), "sk\n" + "k" * 10_000, 2, "at most"),
        (("upstreams", "edit", "nobody", "--weight", "1"), "", 1, "no upstream has the id or name 'nobody'"),
        (("upstreams", "edit", "nobody"), "", 2, "nothing to change"),
        (("upstreams", "test", "nobody"), "", 1, "no upstream has"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], stdin: str, exit_code: int, text: str) -> None:
    run("migrate")
    ended = run(*arguments, stdin=stdin)
    assert ended.exit_code == exit_code
    assert text in ended.stderr
    if exit_code == 1:
        assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("provider", "path", "key", "ok", "text"),
    [
        ("openai", "/v1", "good", True, "it works and has 2 models: m1, m2"),
        ("openai", "/v1", "wrong", False, "does not take the key (it answered 401)"),
        ("openai", "/v1", "poor", False, "no quota left"),
        ("openai", "/v1", "ill", False, "answered 500"),
        ("openai", "/v1", "page", False, "like no vendor's"),
        ("openai", "", "good", False, "usually ends in /v1"),
        ("kling", "/kling", "good", True, "the vendor took the key"),
        ("kling", "/kling", "wrong", False, "does not take the key"),
        ("kling", "/kling", "ill", False, "answered 500"),
    ],
)
def test_a_test_calls_the_upstream_and_judges(run: Run, vendor: str, provider: str, path: str, key: str, ok: bool, text: str) -> None:
    run("upstreams", "add", provider, "--name", "up", "--base-url", vendor + path, stdin=key)
    tested = run("upstreams", "test", "up")
    assert tested.exit_code == (0 if ok else 1)
    assert text in tested.stdout


def test_each_key_is_tested_and_missing_models_are_named(run: Run, run_json: RunJson, vendor: str) -> None:
    run("upstreams", "add", "openai", "--base-url", f"{vendor}/v1", "--models", "m1", stdin="good\nwrong")
    tested = run("upstreams", "test", "openai")
    assert tested.exit_code == 1
    assert "openai, key 1: it works" in tested.stdout
    assert "openai, key 2: the vendor does not take" in tested.stdout
    run("upstreams", "edit", "openai", "--models", "m1,mine=m9", "--new-keys", stdin="good")
    assert "it has no m9" in run("upstreams", "test", "openai").stdout


def test_an_upstream_that_is_down_is_said_to_be(run: Run) -> None:
    run("upstreams", "add", "openai", "--base-url", "http://127.0.0.1:1/v1", stdin="sk")
    tested = run("upstreams", "test", "openai")
    assert tested.exit_code == 1
    assert "cannot be used" in tested.stdout


def test_models_without_a_price_are_named_when_an_upstream_is_added(run: Run) -> None:
    added = run("upstreams", "add", "openai", "--models", "gpt-4o,home-made", stdin="sk")
    assert "Without a price, these are refused: home-made." in added.stdout
    assert "Without a price" not in run("upstreams", "add", "openai", "--models", "home-made", "--free", stdin="sk").stdout


def test_an_upstream_that_serves_nothing_is_told(run: Run) -> None:
    """Symptom: another Modelgate was added without --models, and every model was unknown, for no reason that anybody gave."""
    where = ("--base-url", "https://gateway.example")
    added = run("upstreams", "add", "modelgate", "--name", "the other", *where, stdin="sk")
    said = "It serves nothing yet, because the price list has no models of Another Modelgate. Name them with: modelgate upstreams edit 'the other' --models A,B"
    assert said in added.stdout
    assert "serves nothing" not in run("upstreams", "edit", "the other", "--models", "gpt-4o").stdout
    assert said in run("upstreams", "edit", "the other", "--models", "any").stdout
    assert "serves nothing" not in run("upstreams", "edit", "the other", "--free").stdout, "it is asked for any model then"
    for arguments in (("modelgate", "--models", "gpt-4o", *where), ("newapi", "--free", *where), ("openai",)):
        assert "serves nothing" not in run("upstreams", "add", *arguments, stdin="sk").stdout


def test_another_secret_ends_with_one_clear_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("upstreams", "add", "openai", stdin="sk")
    monkeypatch.setenv("MODELGATE_SECRET", "another secret altogether")
    ended = run("upstreams", "test", "openai")
    assert ended.exit_code == 1
    assert ended.stderr.count("\n") == 1
    assert "encrypted with another secret" in ended.stderr
