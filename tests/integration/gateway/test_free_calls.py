"""Counting tokens, and what an upstream keeps of answers, through a running gateway: nothing of it is charged."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.integration.gateway.conftest import Installation

TEXT = "Count the words of this sentence, please."
CLAUDE = {"anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    house = Installation(tmp_path_factory.mktemp("free") / "data")
    yield house
    house.stop()


def ask(installation: Installation, method: str, path: str, body: Any = None, *, key: str = "", **headers: str) -> tuple[int, Any, Any]:
    host, port = installation.base_url.removeprefix("http://").split(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        sent = {"authorization": f"Bearer {key or installation.test_key}", "content-type": "application/json", **headers}
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.headers


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4o-mini", "gemini-2.5-flash"])
def test_each_dialect_counts_for_models_of_every_vendor(installation: Installation, model: str) -> None:
    conversation = [{"role": "user", "content": TEXT}]
    status, said, headers = ask(installation, "POST", "/v1/messages/count_tokens", {"model": model, "messages": conversation}, **CLAUDE)
    assert status == 200
    assert 8 <= said["input_tokens"] <= 25
    assert headers["request-id"] == headers["x-request-id"]
    contents = [{"parts": [{"text": TEXT}]}]
    for body in ({"contents": contents}, {"generateContentRequest": {"model": f"models/{model}", "contents": contents}}):
        status, said, _ = ask(installation, "POST", f"/v1beta/models/{model}:countTokens", body)
        assert status == 200
        assert 8 <= said["totalTokens"] <= 25
    status, said, _ = ask(installation, "POST", "/v1/responses/input_tokens", {"model": model, "input": TEXT})
    assert status == 200
    assert 8 <= said["input_tokens"] <= 25


def test_a_claude_counts_as_the_answer_will(installation: Installation) -> None:
    body = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": TEXT}]}
    _, counted, _ = ask(installation, "POST", "/v1/messages/count_tokens", body, **CLAUDE)
    _, answered, _ = ask(installation, "POST", "/v1/messages", {**body, "max_tokens": 50}, **CLAUDE)
    assert counted["input_tokens"] == answered["usage"]["input_tokens"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/messages/count_tokens", {"model": "claude-haiku-4-5"}, 400),
        ("/v1/messages/count_tokens", {"model": "nobody", "messages": [{"role": "user", "content": "x"}]}, 404),
        ("/v1beta/models/gemini-2.5-flash:countTokens", {}, 400),
        ("/v1/responses/input_tokens", {"model": "gpt-4o-mini", "input": 3}, 400),
        ("/v1/responses/resp_nobody/cancel", {}, 404),
        ("/v1/responses/resp_nobody/dance", {}, 404),
    ],
)
def test_what_cannot_be_is_refused_in_its_dialect(installation: Installation, path: str, body: Any, status: int) -> None:
    found, said, _ = ask(installation, "POST", path, body, **(CLAUDE if "messages" in path else {}))
    assert (found, "error" in said) == (status, True)


def test_a_kept_answer_is_fetched_gone_on_from_and_deleted_by_its_maker_alone(installation: Installation) -> None:
    status, first, _ = ask(installation, "POST", "/v1/responses", {"model": "gpt-4o-mini", "input": "My name is Ada."})
    assert status == 200
    place = f"/v1/responses/{first['id']}"
    other = installation.json("keys", "create", "--name", "other", "--test", "--account", _account(installation))["secret"]
    assert ask(installation, "GET", place, key=other)[0] == 404
    # A key of the other book reached, and could delete, what its account keeps at the upstreams of this one.
    own_test, own_live = (installation.json("keys", "create", "--name", "own", *flags)["secret"] for flags in (("--test",), ()))
    assert [ask(installation, "GET", place, key=key)[0] for key in (own_test, own_live)] == [200, 404]
    status, again, _ = ask(installation, "GET", place)
    assert (status, again["id"], again["output"]) == (200, first["id"], first["output"])
    status, items, _ = ask(installation, "GET", f"{place}/input_items")
    assert status == 200
    assert items["data"][0]["content"][0]["text"] == "My name is Ada."
    status, second, _ = ask(
        installation, "POST", "/v1/responses", {"model": "gpt-4o-mini", "input": "And?", "previous_response_id": first["id"]}
    )
    assert (status, second["previous_response_id"]) == (200, first["id"])
    assert ask(installation, "PUT", place, {})[0] == 405
    assert ask(installation, "DELETE", place)[0] == 200
    assert ask(installation, "GET", place)[0] == 404


def _account(installation: Installation) -> str:
    return str(installation.json("accounts", "create", "--name", "someone else")["id"])


def test_nothing_of_it_was_charged_or_recorded(installation: Installation) -> None:
    assert "balances" in installation.run("audit")
