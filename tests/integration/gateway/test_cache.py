"""The exact cache through a running gateway with one relay: the official client, streams byte for byte, the price of a hit."""

import json
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import msgspec
import openai
import pytest
from tests.integration.gateway.conftest import Installation

from modelgate.core.records import RequestFacts

MODEL = "gpt-4o-mini"
CHAT = "/v1/chat/completions"
FOLLOW_S = 60.0


@pytest.fixture(scope="module")
def key(installation: Installation) -> str:
    installation.run("accounts", "create", "--name", "cachers")
    return installation.key("--test", "--account", "cachers", "--cache", "60")


@pytest.fixture
def client(installation: Installation, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=key, max_retries=0, timeout=60) as made:
        yield made


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def post(installation: Installation, key: str, body: Any, *, path: str = CHAT, cache: str = "") -> tuple[int, Any, bytes]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}", **({"modelgate-cache": cache} if cache else {})}
    request = urllib.request.Request(installation.base_url + path, data=json.dumps(body).encode(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_the_official_client_gets_the_same_answer(client: openai.OpenAI) -> None:
    first, again = [client.chat.completions.with_raw_response.create(**asked("plain")) for _ in range(2)]
    assert [answer.headers["modelgate-cache"] for answer in (first, again)] == ["stored", "hit"]
    assert first.content == again.content
    assert first.parse().id == again.parse().id
    assert int(again.headers["age"]) >= 0
    assert first.headers["x-request-id"] != again.headers["x-request-id"]


def test_the_official_client_gets_the_same_stream(client: openai.OpenAI) -> None:
    more = {"stream": True, "stream_options": {"include_usage": True}}
    first, again = [list(client.chat.completions.create(**asked("stream", **more))) for _ in range(2)]
    assert first == again
    assert len(first) > 3


CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, asked("bytes", stream=True)),
        ("/v1/responses", {"model": MODEL, "input": "hello", "stream": True}),
        ("/v1/messages", {**asked("bytes"), "model": "claude-haiku-4-5", "max_tokens": 20, "stream": True}),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", CONTENTS),
        ("/v1beta/models/gemini-2.5-flash:generateContent", CONTENTS),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello"}),
    ],
)
def test_every_dialect_byte_for_byte(installation: Installation, key: str, path: str, body: Any) -> None:
    first, again = [post(installation, key, body, path=path) for _ in range(2)]
    assert (first[0], again[0]) == (200, 200), first
    assert again[2] == first[2]
    assert again[1]["content-type"] == first[1]["content-type"]
    assert [answer[1]["modelgate-cache"] for answer in (first, again)] == ["stored", "hit"]


def test_a_request_may_say_otherwise(installation: Installation, key: str) -> None:
    body = asked("by request")
    said = [post(installation, key, body, cache=cache)[1]["modelgate-cache"] for cache in ("off", "", "off", "60")]
    assert said == [None, "stored", None, "hit"]
    plain = [post(installation, installation.test_key, body, cache=cache)[1]["modelgate-cache"] for cache in ("", "60", "60")]
    assert plain == [None, "stored", "hit"], "another account's answer is another's"
    assert post(installation, key, body, cache="soon")[0] == 400


def test_a_key_is_edited_while_it_runs(installation: Installation) -> None:
    made = installation.json("keys", "create", "--name", "edited", "--test")
    body = asked("edited")
    assert post(installation, made["secret"], body)[1]["modelgate-cache"] is None
    assert installation.json("keys", "edit", made["id"], "--cache", "60")["cache_s"] == 60
    followed(lambda: post(installation, made["secret"], body)[1]["modelgate-cache"] == "stored")
    assert post(installation, made["secret"], body)[1]["modelgate-cache"] == "hit"
    installation.run("keys", "edit", made["id"], "--cache", "none")
    followed(lambda: post(installation, made["secret"], body)[1]["modelgate-cache"] is None)


def followed(is_seen: Callable[[], bool]) -> None:
    """Wait until a running server follows a change of its operator: within a second, but on a busy machine."""
    deadline = time.monotonic() + FOLLOW_S
    while not is_seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_hit_is_recorded_and_costs_what_the_setting_says(installation: Installation) -> None:
    account = installation.json("accounts", "create", "--name", "payers of hits")["id"]
    secret = installation.key("--test", "--account", "payers of hits", "--cache", "3600")  # longer than the change below is waited for
    body = asked("price")
    assert post(installation, secret, body)[1]["modelgate-cache"] == "stored"
    assert post(installation, secret, body)[1]["modelgate-cache"] == "hit"
    (first, paid), (free, given) = records_of(installation, account, count=2)
    assert (first > 0, free) == (True, 0)
    installation.run("settings", "set", "cache_hit_price", "0.5")
    hits: list[tuple[int, RequestFacts]] = []

    def costs_something() -> bool:
        assert post(installation, secret, body)[1]["modelgate-cache"] == "hit"
        hits[:] = records_of(installation, account, count=3 + len(hits))[2:]
        return hits[-1][0] > 0

    try:
        followed(costs_something)
    finally:
        installation.run("settings", "unset", "cache_hit_price")
    assert [amount for amount, _ in hits] == [0] * (len(hits) - 1) + [(first + 1) // 2]
    assert (paid.note, paid.upstream) == ("", "up_sandbox_openai")
    assert {(facts.note, facts.upstream) for _, facts in (*hits, (free, given))} == {("cache_hit", "")}


def records_of(installation: Installation, account: str, *, count: int) -> list[tuple[int, RequestFacts]]:
    """The amounts and facts of an account's requests, once so many are posted."""
    deadline = time.monotonic() + FOLLOW_S
    query = "SELECT amount_nanos, facts FROM request_record WHERE account = ? ORDER BY hold_seq"
    with closing(sqlite3.connect(installation.data / "modelgate.db")) as database:
        while len(rows := database.execute(query, (account,)).fetchall()) < count and time.monotonic() < deadline:
            time.sleep(0.1)
    return [(amount, msgspec.msgpack.decode(facts, type=RequestFacts)) for amount, facts in rows]
