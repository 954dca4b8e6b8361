"""docs/errors.md, row by row, in both dialects, against a running server."""

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.gateway.conftest import Installation

DOCS = Path(__file__).parents[3] / "docs" / "errors.md"
CHAT = "/v1/chat/completions"
KLING = "/kling/v1/images/generations"


class Row(NamedTuple):
    name: str
    status: str
    type: str
    code: str
    kling_status: str
    kling_code: str


class Answer(NamedTuple):
    status: int
    headers: Any
    body: dict[str, Any]


def read_rows() -> dict[str, Row]:
    table = DOCS.read_text().partition("| what happens |")[2].partition("\n\n")[0]
    rows = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in table.splitlines()[2:]]
    return {row.name: row for row in rows}


ROWS = read_rows()


def call(url: str, *, key: str | None, body: bytes | None, method: str = "POST") -> Answer:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key is not None else {})}
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.headers, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, json.loads(error.read()))


class Caller:
    """Asks in one dialect."""

    def __init__(self, installation: Installation, dialect: str) -> None:
        self.installation = installation
        self.dialect = dialect
        self.path = CHAT if dialect == "openai" else KLING
        self.model = "gpt-4o-mini" if dialect == "openai" else "kling-v1"
        self.provider = dialect

    def ask(self, key: str | None, *, model: str = "", path: str = "", raw: bytes | None = None, method: str = "POST") -> Answer:
        model = model or self.model
        chat = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
        body = json.dumps(chat if self.dialect == "openai" else {"model_name": model, "prompt": "a kite"}).encode()
        data = None if method == "GET" else (raw if raw is not None else body)
        return call(self.installation.base_url + (path or self.path), key=key, body=data, method=method)


def no_key(caller: Caller) -> Answer:
    return caller.ask(None)


def wrong_key(caller: Caller) -> Answer:
    return caller.ask("sk-test-nobody")


def expired_key(caller: Caller) -> Answer:
    key = caller.installation.key("--test", "--expires", "1s")
    time.sleep(1.2)
    return caller.ask(key)


def disabled_key(caller: Caller) -> Answer:
    made = caller.installation.json("keys", "create", "--name", "k", "--test")
    assert caller.ask(made["secret"]).status == 200
    caller.installation.run("keys", "disable", made["id"])
    time.sleep(1)  # a revoked key is refused everywhere within a second
    return caller.ask(made["secret"])


def foreign_ip(caller: Caller) -> Answer:
    return caller.ask(caller.installation.key("--test", "--ips", "203.0.113.0/24,2001:db8::/32"))


def model_not_allowed(caller: Caller) -> Answer:
    return caller.ask(caller.installation.key("--test", "--models", "something-else"))


def unknown_model(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, model="no-such-model")


def unpriced_model(caller: Caller) -> Answer:
    model = f"unpriced-{caller.dialect}"
    add_upstream(caller, model, "http://127.0.0.1:9")
    return caller.ask(caller.installation.key(), model=model)


def balance_exhausted(caller: Caller) -> Answer:
    name = f"poor-{caller.dialect}"
    caller.installation.run("accounts", "create", "--name", name)
    caller.installation.run("accounts", "limit", name, "prepaid", "--test")
    return caller.ask(caller.installation.key("--test", "--account", name))


def key_limit_exhausted(caller: Caller) -> Answer:
    return caller.ask(caller.installation.key("--test", "--limit", "0.000000001"))


def requests_per_minute_exceeded(caller: Caller) -> Answer:
    key = caller.installation.key("--test", "--rpm", "1")
    assert caller.ask(key).status == 200
    return caller.ask(key)


def tokens_per_minute_exceeded(caller: Caller) -> Answer:
    key = caller.installation.key("--test", "--tpm", "1")
    assert caller.ask(key).status == 200
    return caller.ask(key)


def no_upstream(caller: Caller) -> Answer:
    return caller.ask(caller.installation.key())


def upstream_down(caller: Caller) -> Answer:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    model = f"down-{caller.dialect}"
    add_upstream(caller, model, f"http://127.0.0.1:{port}")
    rate = ("--call", "1") if caller.dialect == "kling" else ("--input", "1", "--output", "1")
    caller.installation.run("prices", "set", model, *rate)
    return caller.ask(caller.installation.key(), model=model)


def invalid_request(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, raw=b'{"model":"gpt-4o-mini"}')


def body_is_not_json(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, raw=b"{oops")


def body_is_no_form(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path="/v1/images/variations")


def unknown_path(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path=caller.path + "/nowhere/else")


def wrong_method(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, method="DELETE")


def unknown_task(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path=f"{KLING}/task_nobodys", method="GET")


def add_upstream(caller: Caller, model: str, url: str) -> None:
    secret = "sk-vendor" if caller.dialect == "openai" else "access|secret"
    flags = ("--name", model, "--base-url", url, "--models", model)
    caller.installation.run("upstreams", "add", caller.provider, *flags, typed=secret + "\n")


CASES: dict[str, Callable[[Caller], Answer]] = {
    "no key": no_key,
    "wrong key": wrong_key,
    "expired key": expired_key,
    "disabled key": disabled_key,
    "foreign IP": foreign_ip,
    "model not allowed": model_not_allowed,
    "unknown model": unknown_model,
    "unpriced model": unpriced_model,
    "balance exhausted": balance_exhausted,
    "key limit exhausted": key_limit_exhausted,
    "requests per minute exceeded": requests_per_minute_exceeded,
    "tokens per minute exceeded": tokens_per_minute_exceeded,
    "no upstream": no_upstream,
    "upstream down": upstream_down,
    "invalid request": invalid_request,
    "body is not JSON": body_is_not_json,
    "body is not a well-formed form": body_is_no_form,
    "unknown path": unknown_path,
    "wrong method": wrong_method,
    "unknown task": unknown_task,
}


def test_every_row_of_the_table_has_its_case() -> None:
    assert set(ROWS) == set(CASES)


@pytest.mark.parametrize("dialect", ["openai", "kling"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_row(installation: Installation, name: str, dialect: str) -> None:
    row = ROWS[name]
    status = row.status if dialect == "openai" else row.kling_status
    if status == "-":
        pytest.skip("cannot happen in this dialect")
    answer = CASES[name](Caller(installation, dialect))
    assert answer.status == int(status), answer
    request_id = answer.headers["x-request-id"]
    error = answer.body["error"]
    assert request_id in error["message"]
    assert not re.search(r"sk-(live|test)-\w{20}|sk-vendor|127\.0\.0\.1", json.dumps(answer.body))
    if dialect == "openai":
        assert (error["type"], error["code"]) == (row.type, None if row.code == "-" else row.code)
        assert set(error) == {"message", "type", "param", "code"}
    else:
        assert (answer.body["code"], answer.body["request_id"]) == (int(row.kling_code), request_id)
    if "per minute" in name:
        dimension = "requests" if name.startswith("requests") else "tokens"
        assert int(answer.headers["retry-after"]) >= 1
        assert re.fullmatch(r"(\d+m)?[\d.]+(s|ms)", answer.headers[f"x-ratelimit-reset-{dimension}"])
        assert answer.headers[f"x-ratelimit-remaining-{dimension}"] == "0"
    if "exhausted" in name and dialect == "openai":
        assert answer.headers["x-should-retry"] == "false"
