"""What a real call to an upstream tells."""

from typing import Any

import msgspec
import pytest

from modelgate.app.upstream_probe import probe_upstream
from modelgate.core.http import HeaderBlock
from modelgate.core.records import Credential, Upstream
from modelgate.providers import load_providers
from modelgate.transport.errors import ConnectFailed
from modelgate.transport.target import Target

PROVIDERS = load_providers()
UPSTREAM = Upstream(
    id="up_1",
    name="openai",
    provider="openai",
    base_url="https://llm.example/v1",
    book="live",
    credentials=(Credential(id="cred_1", secret="sk-one"),),
)


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body

    async def read(self, limit: int) -> bytes:
        assert len(self._body) <= limit
        return self._body


class Line:
    """A transport that notes what is sent and answers from a list."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self._answers = list(answers)
        self.sent: list[tuple[Target, str, str, HeaderBlock]] = []

    async def send(self, target: Target, *, method: str, path: str, headers: HeaderBlock, **_: Any) -> Answer:
        self.sent.append((target, method, path, headers))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def probe(line: Line, upstream: Upstream = UPSTREAM, **ways: str) -> list[tuple[bool, str]]:
    verdicts = await probe_upstream(line, upstream, PROVIDERS[upstream.provider], **ways)  # type: ignore[arg-type]  # a stand-in
    return [(verdict.ok, verdict.text) for verdict in verdicts]


@pytest.mark.anyio
async def test_the_list_of_models_is_asked_for_with_the_key() -> None:
    line = Line(Answer(200, b'{"data": [{"id": "b"}, {"id": "a"}]}'))
    assert await probe(line, proxy="http://proxy:3128", ca_file="/etc/ca.pem") == [(True, "it works and has 2 models: a, b")]
    target, method, path, headers = line.sent[0]
    assert (target.origin, target.proxy, target.ca_file) == ("https://llm.example", "http://proxy:3128", "/etc/ca.pem")
    assert (method, path, headers.get(b"authorization")) == ("GET", "/v1/models", b"Bearer sk-one")


@pytest.mark.anyio
async def test_a_media_vendor_is_asked_for_a_job_that_nobody_knows() -> None:
    kling = msgspec.structs.replace(UPSTREAM, provider="kling", base_url="https://kling.example")
    line = Line(Answer(404, b'{"code": 1203, "message": "no such task", "request_id": "r"}'))
    assert await probe(line, kling) == [(True, "it works: the vendor took the key")]
    assert line.sent[0][1:3] == ("GET", "/v1/images/generations/modelgate-probe")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "body", "ok"), [(200, b'{"credits": 7.5}', True), (403, b'{"detail": "Not authenticated"}', False), (500, b"{}", False)]
)
async def test_a_media_vendor_whose_polls_take_any_key_is_asked_elsewhere(status: int, body: bytes, ok: bool) -> None:
    flux = msgspec.structs.replace(UPSTREAM, provider="bfl", base_url="https://flux.example")
    line = Line(Answer(status, body))
    assert [verdict for verdict, _ in await probe(line, flux)] == [ok]
    assert line.sent[0][1:3] == ("GET", "/v1/credits")


@pytest.mark.anyio
async def test_each_key_has_a_verdict_of_its_own() -> None:
    two = msgspec.structs.replace(UPSTREAM, credentials=(Credential(id="cred_1", secret="a"), Credential(id="cred_2", secret="b")))
    line = Line(Answer(401, b"{}"), ConnectFailed("refused"))
    (first_ok, first), (second_ok, second) = await probe(line, two)
    assert (first_ok, second_ok) == (False, False)
    assert "401" in first
    assert "cannot be used: refused" in second


@pytest.mark.anyio
async def test_a_key_that_no_header_may_hold_is_told() -> None:
    broken = msgspec.structs.replace(UPSTREAM, credentials=(Credential(id="cred_1", secret="a\nb"),))
    assert await probe(Line(), broken) == [(False, "the key holds characters that no HTTP header may hold")]


@pytest.mark.anyio
async def test_an_address_that_is_none_is_told() -> None:
    ((ok, text),) = await probe(Line(), msgspec.structs.replace(UPSTREAM, base_url="nonsense"))
    assert not ok
    assert "nonsense" in text


@pytest.mark.anyio
async def test_every_dialects_list_is_understood_and_a_base_url_may_end_in_its_version() -> None:
    claude = msgspec.structs.replace(UPSTREAM, provider="anthropic", base_url="https://claude.example/v1")
    line = Line(Answer(200, b'{"data": [{"id": "c", "type": "model"}], "has_more": false}'))
    assert await probe(line, claude) == [(True, "it works and has 1 models: c")]
    assert line.sent[0][2] == "/v1/models?limit=1000"
    assert (line.sent[0][3].get(b"x-api-key"), line.sent[0][3].get(b"anthropic-version")) == (b"sk-one", b"2023-06-01")
    gemini = msgspec.structs.replace(UPSTREAM, provider="gemini", base_url="https://gemini.example/v1beta")
    line = Line(Answer(200, b'{"models": [{"name": "models/g"}]}'))
    assert await probe(line, gemini) == [(True, "it works and has 1 models: g")]
    assert line.sent[0][2] == "/v1beta/models?pageSize=1000"
    assert await probe(Line(Answer(200, b"[]")), gemini) == [(False, "it was reached, but its list of models is like no vendor's")]


@pytest.mark.anyio
async def test_a_vendor_may_keep_its_list_of_models_elsewhere() -> None:
    line = Line(Answer(200, b'{"data": []}'))
    await probe(line, msgspec.structs.replace(UPSTREAM, provider="azure", base_url="https://mine.openai.azure.com"))
    assert line.sent[0][2] == "/openai/models?api-version=2024-10-21"
