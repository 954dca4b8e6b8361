"""`Idempotency-Key` through a running gateway: the official client, and bytes on the wire."""

import base64
import json
import sqlite3
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from tests.integration.gateway.conftest import Installation

MODEL = "gpt-4o-mini"
USER = [{"role": "user", "content": "Tell me something"}]
CHAT = "/v1/chat/completions"
PICTURES = "/kling/v1/images/generations"


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    @property
    def is_replayed(self) -> bool:
        return bool(self.headers.get("idempotent-replayed") == "true")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(installation: Installation, key: str, body: Any, *, path: str = CHAT, secret: str = "", auth: str = "") -> Answer:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Authorization": f"Bearer {secret or installation.test_key}"}
    if auth:
        headers[auth] = headers.pop("Authorization").removeprefix("Bearer ")
    request = urllib.request.Request(installation.base_url + path, data=json.dumps(body).encode(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def client_of(installation: Installation, *, key: str = "", retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=key or installation.test_key, max_retries=retries, timeout=60)


def is_replayed(headers: Any) -> bool:
    return bool(headers.get("idempotent-replayed") == "true")


def test_the_official_client_gets_the_first_answer_again(installation: Installation) -> None:
    with client_of(installation) as client:
        same = {"model": MODEL, "messages": USER, "extra_headers": {"Idempotency-Key": "client-plain"}}
        first = client.chat.completions.with_raw_response.create(**same)
        again = client.chat.completions.with_raw_response.create(**same)
        assert first.parse().id == again.parse().id
        assert first.content == again.content
        assert [is_replayed(answer.headers) for answer in (first, again)] == [False, True]
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            client.chat.completions.create(**{**same, "max_tokens": 5})
        assert refused.value.code == "idempotency_key_reused"


def test_the_official_client_gets_a_stream_again(installation: Installation) -> None:
    with client_of(installation) as client:
        same: dict[str, Any] = {"model": MODEL, "messages": USER, "stream": True, "stream_options": {"include_usage": True}}
        same["extra_headers"] = {"Idempotency-Key": "client-stream"}
        first, again = list(client.chat.completions.create(**same)), list(client.chat.completions.create(**same))
    assert first == again
    assert len(first) > 3
    assert first[-1].usage is not None


def test_the_official_client_waits_for_a_first_answer_that_still_runs(installation: Installation) -> None:
    same: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "magic: slow\nhello"}]}
    same["extra_headers"] = {"Idempotency-Key": "client-race"}
    with client_of(installation, retries=60) as client, ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: client.chat.completions.with_raw_response.create(**same), range(3)))
    assert len({answer.parse().id for answer in answers}) == 1
    assert sorted(is_replayed(answer.headers) for answer in answers) == [False, True, True]


def test_the_official_clients_form_sent_again_is_the_same_request(installation: Installation) -> None:
    """It draws another boundary for each try."""
    with client_of(installation) as client:
        picture = client.images.generate(model="gpt-image-1", prompt="a kite", size="1024x1024").data
        assert picture
        image = ("a.png", base64.b64decode(picture[0].b64_json or ""), "image/png")
        same: dict[str, Any] = {"model": "gpt-image-1", "prompt": "a red kite", "extra_headers": {"Idempotency-Key": "client-form"}}
        edits = [client.images.with_raw_response.edit(image=image, **same) for _ in range(2)]
    assert [is_replayed(edit.headers) for edit in edits] == [False, True]
    assert edits[0].content == edits[1].content


MESSAGES = {"model": "claude-haiku-4-5", "max_tokens": 20, "messages": USER}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
GEMINI = "/v1beta/models/gemini-2.5-flash"


@pytest.mark.parametrize(
    ("path", "auth", "body"),
    [
        (CHAT, "", {"model": MODEL, "messages": USER, "stream": True}),
        ("/v1/responses", "", {"model": MODEL, "input": "hello", "stream": True}),
        ("/v1/responses", "", {"model": MODEL, "input": "hello"}),
        ("/v1/messages", "x-api-key", MESSAGES),
        ("/v1/messages", "x-api-key", {**MESSAGES, "stream": True}),
        (f"{GEMINI}:generateContent", "", CONTENTS),
        (f"{GEMINI}:streamGenerateContent", "", CONTENTS),
        (f"{GEMINI}:streamGenerateContent?alt=sse", "", CONTENTS),
        ("/v1/embeddings", "", {"model": "text-embedding-3-small", "input": "hello"}),
        ("/v1/images/generations", "", {"model": "gpt-image-1", "prompt": "a kite", "size": "1024x1024"}),
        ("/v1/images/generations", "", {"model": "kling-v1", "prompt": "a kite"}),
        (PICTURES, "", {"model_name": "kling-v1", "prompt": "a kite"}),
    ],
)
def test_every_post_is_answered_once_byte_for_byte(installation: Installation, path: str, auth: str, body: Any) -> None:
    key = f"{path} {json.dumps(body)}".replace(" ", "_")[-200:]
    first, again = (post(installation, key, body, path=path, auth=auth) for _ in range(2))
    assert first.status == 200, first.body
    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert again.body == first.body
    assert again.headers["content-type"] == first.headers["content-type"]
    other = post(installation, key, {**body, "user": "another"}, path=path, auth=auth)
    assert other.status == 422
    assert b"Idempotency-Key" in other.body


def test_it_is_charged_once_and_each_key_is_its_accounts_own(installation: Installation) -> None:
    installation.run("accounts", "create", "--name", "repeats")
    secrets = [installation.key("--test", "--account", "repeats") for _ in range(2)]
    body = {"model": MODEL, "messages": USER}
    answers = [post(installation, "once", body, secret=secret) for secret in (*secrets, installation.test_key)]
    assert [answer.is_replayed for answer in answers] == [False, True, False]
    assert len(records_of(installation, "repeats")) == 1


def records_of(installation: Installation, account: str) -> list[Any]:
    """The request records of an account, once they are posted and no more come."""
    owner = next(row["id"] for row in installation.json("accounts", "list") if row["name"] == account)
    deadline, rows, before = time.monotonic() + 60, [], None
    with closing(sqlite3.connect(installation.data / "modelgate.db")) as database:
        while (not rows or rows != before) and time.monotonic() < deadline:
            before = rows
            time.sleep(0.5)
            rows = database.execute("SELECT request_id, amount_nanos FROM request_record WHERE account = ?", (owner,)).fetchall()
    return rows


@pytest.mark.parametrize("path", [CHAT, PICTURES])
def test_a_failure_leaves_the_key_free(installation: Installation, path: str) -> None:
    wrong = {"model": "no-such", "messages": USER} if path == CHAT else {"model_name": "no-such", "prompt": "a kite"}
    right = {"model": MODEL, "messages": USER} if path == CHAT else {"model_name": "kling-v1", "prompt": "a kite"}
    assert post(installation, "free", wrong, path=path).status == 404
    tried = post(installation, "free", right, path=path)
    assert (tried.status, tried.is_replayed) == (200, False)


@pytest.mark.parametrize("path", [CHAT, PICTURES])
@pytest.mark.parametrize("key", ["two words", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(installation: Installation, path: str, key: str) -> None:
    refused = post(installation, key, {"model": MODEL, "model_name": "kling-v1", "prompt": "p", "messages": USER}, path=path)
    assert refused.status == 400
    assert b"Idempotency-Key" in refused.body


def test_answers_are_replayed_after_a_restart(tmp_path: Path) -> None:
    before = Installation(tmp_path / "data", "--drain-s", "2")
    try:
        bodies = {"plain": {"model": MODEL, "messages": USER}, "stream": {"model": MODEL, "messages": USER, "stream": True}}
        first = {key: post(before, key, body) for key, body in bodies.items()}
        first["picture"] = post(before, "picture", {"model_name": "kling-v1", "prompt": "a kite"}, path=PICTURES)
        secret = before.test_key
    finally:
        before.stop()
    after = Restarted(tmp_path / "data", "--drain-s", "2")
    try:
        for key, body in bodies.items():
            again = post(after, key, body, secret=secret)
            assert again.is_replayed
            assert again.body == first[key].body
        again = post(after, "picture", {"model_name": "kling-v1", "prompt": "a kite"}, path=PICTURES, secret=secret)
        assert again.body == first["picture"].body
    finally:
        after.stop()


class Restarted(Installation):
    """One that was started before prints neither key nor link."""

    def _read_printed(self, pattern: str) -> str:
        return ""
