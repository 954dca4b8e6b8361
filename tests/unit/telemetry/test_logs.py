"""Log lines: one line an event, no secret in any of them."""

import json
import subprocess
import sys

import pytest

from modelgate.telemetry.logs import REDACTED, redact

SECRETS = [
    "sk-live-0123456789abcdefghij",
    "sk-proj-abc_def-0123456789",
    "Bearer abc.def/123",
    "bearer abcdef123456",
    "Basic dXNlcjpwYXNz",
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl",
    "AIzaSyA0123456789abcdefghijklmnop",
    "postgresql://user:pass-word@host/name",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    bare = secret.split()[-1].split("@")[0].rpartition("://")[2]
    for value in (secret, f"before {secret} after", [secret], {"a": {"b": (secret,)}}, ValueError(secret), secret.encode()):
        text = str(redact(value))
        assert bare not in text
        assert REDACTED in text


@pytest.mark.parametrize(
    "text", ["task_0123456789", "model gpt-4o at https://api.example.com/v1?x=1", "bearer of news", "no sk- here", "risk-averse-people"]
)
def test_plain_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", ["secret", "api_key", "Authorization", "proxy_authorization", "password", "credentials"])
def test_a_field_named_like_a_secret_is_taken_out(name: str) -> None:
    assert redact({name: "abc"}) == {name: REDACTED}


@pytest.mark.parametrize("name", ["key", "tokens", "input_tokens", "monkey"])
def test_an_id_or_a_count_is_not(name: str) -> None:
    assert redact({name: "abc"}) == {name: "abc"}


def test_deep_values_end() -> None:
    value: list[object] = []
    value.append(value)
    assert "..." in str(redact(value))


def logged(code: str, **options: str) -> list[str]:
    script = f"from modelgate.telemetry.logs import configure_logs, log\nconfigure_logs(**{options!r})\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr.splitlines()


def test_an_event_is_one_json_line_without_secrets() -> None:
    code = """
try:
    raise ValueError("bad key sk-live-0123456789abcdefghij")
except ValueError as error:
    log.error("upstream_failed", exc_info=error, header="Bearer abcdef", text="two\\nlines", secret="x")
log.debug("not_shown")
"""
    (line,) = logged(code, format="json", role="relay")
    event = json.loads(line)
    assert (event["event"], event["level"], event["role"], event["text"]) == ("upstream_failed", "error", "relay", "two\nlines")
    assert "0123456789" not in line
    assert "abcdef" not in line
    assert event["secret"] == REDACTED
    assert "Traceback" in event["exception"]


def test_the_level_is_respected() -> None:
    assert logged("log.info('a'); log.warning('b')", level="warning", format="json")[0].count('"b"') == 1
    assert len(logged("log.info('a'); log.debug('b')", level="debug", format="console")) == 2
