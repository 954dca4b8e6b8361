"""docs/errors.md, row by row, in every dialect, against a running server."""

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
KLING = "/kling/v1/images/generations"
FOLLOW_S = 60.0
GEMINI = "/v1beta/models/{model}:generateContent"
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": GEMINI,
    "kling": KLING,
}


class Row(NamedTuple):
    name: str
    status: str
    type: str
    code: str
    anthropic_status: str
    anthropic_type: str
    gemini_status: str
    gemini_name: str
    kling_status: str
    kling_code: str

    def status_in(self, dialect: str) -> str:
        return str(getattr(self, f"{dialect}_status", self.status))


class Answer(NamedTuple):
    status: int
    headers: Any
    body: dict[str, Any]


def read_rows() -> dict[str, Row]:
    table = DOCS.read_text().partition("| what happens |")[2].partition("\n\n")[0]
    rows = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in table.splitlines()[2:]]
    return {row.name: row for row in rows}


ROWS = read_rows()


def call(url: str, *, headers: dict[str, str], body: bytes | None, method: str = "POST") -> Answer:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return Answer(response.status, response.headers, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, json.loads(error.read()))


KEYS: dict[tuple[str, ...], str] = {}


class Caller:
    """Asks in one dialect."""

    def __init__(self, installation: Installation, dialect: str) -> None:
        self.installation = installation
        self.dialect = dialect
        self.model = "kling-v1" if dialect == "kling" else "gpt-4o-mini"
        self.provider = "kling" if dialect == "kling" else "openai"

    def path(self, model: str = "") -> str:
        return PATHS[self.dialect].format(model=model or self.model)

    @property
    def unknown_path(self) -> str:
        return "/v1beta/nowhere" if self.dialect == "gemini" else self.path() + "/nowhere/else"

    def key(self, *flags: str) -> str:
        """Return a key that was made with these flags, for all dialects the same."""
        made = KEYS.get(flags)
        if made is None:
            made = KEYS[flags] = self.installation.key(*flags)
        return made

    def headers(self, key: str | None) -> dict[str, str]:
        if key is None:
            return {}
        match self.dialect:
            case "anthropic":
                return {"x-api-key": key, "anthropic-version": "2023-06-01"}
            case "gemini":
                return {"x-goog-api-key": key}
            case _:
                return {"Authorization": f"Bearer {key}"}

    def body(self, model: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": "Hi"}]
        match self.dialect:
            case "openai_responses":
                return {"model": model, "input": "Hi", "max_output_tokens": 16}
            case "gemini":
                return {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 10}}
            case "kling":
                return {"model_name": model, "prompt": "a kite"}
            case _:
                return {"model": model, "messages": messages, "max_tokens": 10}

    def ask(
        self, key: str | None, *, model: str = "", path: str = "", raw: bytes | None = None, method: str = "POST", idempotency_key: str = ""
    ) -> Answer:
        model = model or self.model
        body = raw if raw is not None else json.dumps(self.body(model)).encode()
        url = self.installation.base_url + (path or self.path(model))
        headers = self.headers(key) | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        return call(url, headers=headers, body=None if method == "GET" else body, method=method)


def no_key(caller: Caller) -> Answer:
    return caller.ask(None)


def wrong_key(caller: Caller) -> Answer:
    return caller.ask("sk-test-nobody")


def expired_key(caller: Caller) -> Answer:
    is_new = ("--test", "--expires", "1s") not in KEYS
    key = caller.key("--test", "--expires", "1s")
    time.sleep(1.2 if is_new else 0)
    return caller.ask(key)


def disabled_key(caller: Caller) -> Answer:
    made = caller.installation.json("keys", "create", "--name", "k", "--test")
    assert caller.ask(made["secret"]).status == 200
    caller.installation.run("keys", "disable", made["id"])
    return followed(lambda: caller.ask(made["secret"]), before={200, 503})  # 503: the key is being looked up anew


def followed(ask: Callable[[], Answer], *, before: set[int]) -> Answer:
    """Return the first answer of another status: a running server follows its operator within a second, but on a busy machine."""
    ends = time.monotonic() + FOLLOW_S
    while (answer := ask()).status in before and time.monotonic() < ends:
        time.sleep(0.05)
    return answer


def foreign_ip(caller: Caller) -> Answer:
    return caller.ask(caller.key("--test", "--ips", "203.0.113.0/24,2001:db8::/32"))


def model_not_allowed(caller: Caller) -> Answer:
    return caller.ask(caller.key("--test", "--models", "something-else"))


def unknown_model(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, model="no-such-model")


def model_for_other_work(caller: Caller) -> Answer:
    other = "gpt-4o-mini" if caller.dialect == "kling" else "kling-v1"
    answer = caller.ask(caller.key(), model=other)
    assert f"'{other}' has no operation" in str(answer.body)
    return answer


def unpriced_model(caller: Caller) -> Answer:
    model = f"unpriced-{caller.dialect}"
    add_upstream(caller, model, "http://127.0.0.1:9")
    key = caller.installation.key()
    return followed(lambda: caller.ask(key, model=model), before={404, 503})


def balance_exhausted(caller: Caller) -> Answer:
    flags = ("--test", "--account", "poor")
    if flags not in KEYS:
        caller.installation.run("accounts", "create", "--name", "poor")
        caller.installation.run("accounts", "limit", "poor", "prepaid", "--test")
    return caller.ask(caller.key(*flags))


def key_limit_exhausted(caller: Caller) -> Answer:
    return caller.ask(caller.key("--test", "--limit", "0.000000001"))


def requests_per_minute_exceeded(caller: Caller) -> Answer:
    key = caller.installation.key("--test", "--rpm", "1")
    assert caller.ask(key).status == 200
    return caller.ask(key)


def tokens_per_minute_exceeded(caller: Caller) -> Answer:
    key = caller.installation.key("--test", "--tpm", "1")
    assert caller.ask(key).status == 200
    return caller.ask(key)


def no_upstream(caller: Caller) -> Answer:
    return caller.ask(caller.key())


def upstream_down(caller: Caller) -> Answer:
    model = f"down-{caller.dialect}"
    rate = ("--call", "1") if caller.dialect == "kling" else ("--input", "1", "--output", "1")
    caller.installation.run("prices", "set", model, *rate)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # kept, so that nobody else comes to listen there
        add_upstream(caller, model, f"http://127.0.0.1:{silent.getsockname()[1]}")
        key = caller.installation.key()
        return followed(lambda: caller.ask(key, model=model), before={404, 503})  # 503: the price is known, the upstream not yet


def invalid_request(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, raw=b'{"model":"gpt-4o-mini"}' if caller.dialect != "gemini" else b"{}")


def body_is_not_json(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, raw=b"{oops")


def body_is_no_form(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path="/v1/images/variations")


def idempotency_key_malformed(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, idempotency_key="two words")


def idempotency_key_of_another_request(caller: Caller) -> Answer:
    key = f"reused-{caller.dialect}"
    assert caller.ask(caller.installation.test_key, idempotency_key=key).status == 200
    return caller.ask(caller.installation.test_key, idempotency_key=key, raw=b"{}")


def unknown_path(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path=caller.unknown_path)


def wrong_method(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, method="DELETE")


def unknown_task(caller: Caller) -> Answer:
    return caller.ask(caller.installation.test_key, path=f"{KLING}/task_nobodys", method="GET")


def add_upstream(caller: Caller, model: str, url: str) -> None:
    secret = "access|secret" if caller.dialect == "kling" else "sk-vendor"
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
    "model that is for other work": model_for_other_work,
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
    "idempotency key malformed": idempotency_key_malformed,
    "idempotency key of another request": idempotency_key_of_another_request,
    "unknown path": unknown_path,
    "wrong method": wrong_method,
    "unknown task": unknown_task,
}


def test_every_row_of_the_table_has_its_case() -> None:
    assert set(ROWS) == set(CASES)


def check_openai(answer: Answer, row: Row) -> None:
    error = answer.body["error"]
    assert (error["type"], error["code"]) == (row.type, None if row.code == "-" else row.code)
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"] in error["message"]


def check_anthropic(answer: Answer, row: Row) -> None:
    assert set(answer.body) == {"type", "error", "request_id"}
    assert answer.body["type"] == "error"
    assert answer.body["error"]["type"] == row.anthropic_type
    assert answer.body["error"]["message"]
    assert answer.body["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]


def check_gemini(answer: Answer, row: Row) -> None:
    error = answer.body["error"]
    assert (error["code"], error["status"]) == (answer.status, row.gemini_name)
    assert answer.headers["x-request-id"] in error["message"]
    reasons = [detail["reason"] for detail in error.get("details", ()) if "reason" in detail]
    assert reasons == ([] if row.code == "-" else [row.code.upper()])
    if "per minute" in row.name:
        (wait,) = [detail["retryDelay"] for detail in error["details"] if "retryDelay" in detail]
        assert wait == f"{answer.headers['retry-after']}s"


def check_kling(answer: Answer, row: Row) -> None:
    request_id = answer.headers["x-request-id"]
    assert (answer.body["code"], answer.body["request_id"]) == (int(row.kling_code), request_id)
    assert request_id in answer.body["error"]["message"]


CHECKS: dict[str, Callable[[Answer, Row], None]] = {
    "openai_chat": check_openai,
    "openai_responses": check_openai,
    "anthropic": check_anthropic,
    "gemini": check_gemini,
    "kling": check_kling,
}


def check_rate_headers(headers: Any, dialect: str, dimension: str) -> None:
    """The limits in each dialect's own headers, and none of another's."""
    assert int(headers["retry-after"]) >= 1
    told = {name.lower() for name in headers if "ratelimit" in name.lower()}
    if dialect == "anthropic":
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", headers[f"anthropic-ratelimit-{dimension}-reset"])
        assert headers[f"anthropic-ratelimit-{dimension}-remaining"] == "0"
        assert all(name.startswith("anthropic-") for name in told)
    elif dialect == "gemini":
        assert not told
    else:
        assert re.fullmatch(r"(\d+m)?[\d.]+(s|ms)", headers[f"x-ratelimit-reset-{dimension}"])
        assert headers[f"x-ratelimit-remaining-{dimension}"] == "0"
        assert all(name.startswith("x-") for name in told)


@pytest.mark.parametrize("dialect", list(CHECKS))
@pytest.mark.parametrize("name", sorted(CASES))
def test_row(installation: Installation, name: str, dialect: str) -> None:
    row = ROWS[name]
    status = row.status_in(dialect)
    if status == "-":
        pytest.skip("cannot happen in this dialect")
    answer = CASES[name](Caller(installation, dialect))
    assert answer.status == int(status), answer
    assert not re.search(r"sk-(live|test)-\w{20}|sk-vendor|127\.0\.0\.1", json.dumps(answer.body))
    CHECKS[dialect](answer, row)
    if "per minute" in name:
        check_rate_headers(answer.headers, dialect, "requests" if name.startswith("requests") else "tokens")
    if "exhausted" in name and dialect.startswith("openai"):
        assert answer.headers["x-should-retry"] == "false"
