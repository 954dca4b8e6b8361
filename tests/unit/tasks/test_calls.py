import asyncio
from typing import Any

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import Provider, UpstreamCall
from modelgate.core.records import Credential, Upstream
from modelgate.tasks import calls
from modelgate.tasks.calls import MAX_SIGNED, SIGNED_FOR_S, CallFailed, TransportCaller
from modelgate.transport.errors import BodyTooLong, ConnectFailed, ConnectionBroken, TransportError

pytestmark = pytest.mark.anyio

CREDENTIAL = Credential(id="cred_a", secret="s3cret")
CALL = UpstreamCall(method="POST", path="/v1/images", headers=(("content-type", "application/json"),), body=b"{}")


def upstream(**changes: Any) -> Upstream:
    fields: dict[str, Any] = {
        "id": "up_a",
        "name": "a",
        "provider": "acme",
        "base_url": "https://api.example/kling/",
        "book": "test",
        "timeout_s": 20.0,
    }
    return Upstream(**(fields | changes))


class Answer:
    def __init__(self, body: bytes | Exception = b"[]", *, status: int = 201) -> None:
        self.status = status
        self.headers = HeaderBlock.of(("retry-after", "3"))
        self.body = body

    async def read(self, limit: int) -> bytes:
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


class Sender:
    def __init__(self, answer: Any = None, *, lacks: tuple[str, ...] = ()) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answer = answer or Answer()
        self.lacks = lacks

    async def send(self, target: Any, **call: Any) -> Any:
        self.sent.append({"target": target, **call})
        if call["path"] in self.lacks:
            return Answer(b"no such path", status=404)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "never":
            await asyncio.sleep(3600)
        return self.answer


class Signer:
    def __init__(self) -> None:
        self.count = 0
        self.now = 1000.0

    def sign(self, secret: str, now: float) -> tuple[tuple[str, str], ...]:
        self.count += 1
        return (("authorization", f"Bearer {secret}-{now:.0f}"),)


def caller(sender: Sender, signer: Signer | None = None, **more: Any) -> TransportCaller:
    signer = signer or Signer()
    provider = Provider(name="acme", title="Acme", base_url="https://api.example", sign=signer.sign)
    return TransportCaller(sender, providers={"acme": provider}, clock=lambda: signer.now, **more)


async def test_a_call_goes_under_the_base_path_signed() -> None:
    sender = Sender()

    answer = await caller(sender, proxy_for=lambda url: f"http://proxy.example:3128/{len(url)}").call(upstream(), CREDENTIAL, CALL)

    assert (answer.status, answer.body, answer.headers.get(b"retry-after")) == (201, b"[]", b"3")
    (sent,) = sender.sent
    assert (sent["method"], sent["path"], sent["body"], sent["timeouts"].head_s) == ("POST", "/kling/v1/images", b"{}", 20.0)
    assert (sent["target"].origin, sent["target"].proxy) == ("https://api.example", "http://proxy.example:3128/26")
    assert sent["headers"].get(b"authorization") == b"Bearer s3cret-1000"
    assert sent["headers"].get(b"content-type") == b"application/json"


@pytest.mark.parametrize(
    ("lacks", "asked", "status"),
    [
        ((), ["/kling/fast/images"], 201),
        (("/kling/fast/images",), ["/kling/fast/images", "/kling/images"], 201),
        (("/kling/fast/images", "/kling/images"), ["/kling/fast/images", "/kling/images"], 404),
    ],
)
async def test_a_path_that_a_server_does_not_have_is_asked_otherwise(lacks: tuple[str, ...], asked: list[str], status: int) -> None:
    sender = Sender(lacks=lacks)

    answer = await caller(sender).call(
        upstream(), CREDENTIAL, UpstreamCall(method="POST", path="/fast/images", otherwise="/images", body=b"{}")
    )

    assert ([sent["path"] for sent in sender.sent], answer.status) == (asked, status)
    assert {sent["body"] for sent in sender.sent} == {b"{}"}


async def test_a_socket_needs_no_proxy() -> None:
    sender = Sender()
    await caller(sender, proxy_for=lambda url: "http://proxy.example:3128").call(
        upstream(base_url="http://sandbox", socket="/run/s"), CREDENTIAL, CALL
    )

    assert (sender.sent[0]["target"].socket, sender.sent[0]["target"].proxy, sender.sent[0]["path"]) == ("/run/s", "", "/v1/images")


@pytest.mark.parametrize(
    ("base_url", "host", "asked"),
    [
        ("https://api.acme.example", "", "https://api.acme.example"),
        ("https://api.acme.example", "api.eu4.acme.example", "https://api.eu4.acme.example"),
        ("https://eu.api.acme.example", "api.eu4.acme.example", "https://api.eu4.acme.example"),
        ("https://api.acme.example", "api.other.example", "https://api.acme.example"),
        ("https://api.acme.example", "evilacme.example", "https://api.acme.example"),
        ("https://proxy.elsewhere.example", "api.eu4.acme.example", "https://proxy.elsewhere.example"),
        ("http://api.acme.example", "api.eu4.acme.example", "http://api.acme.example"),
    ],
)
async def test_a_key_goes_to_no_host_but_the_vendors(base_url: str, host: str, asked: str) -> None:
    """A vendor's answer names the host to ask: believed without a check, it would be sent the operator's key."""
    sender, signer = Sender(), Signer()
    provider = Provider(name="acme", title="Acme", base_url="https://api.acme.example", sign=signer.sign)
    used = TransportCaller(sender, providers={"acme": provider}, clock=lambda: signer.now, proxy_for=lambda url: f"http://{url[8:]}:1")

    await used.call(upstream(base_url=base_url), CREDENTIAL, UpstreamCall(method="GET", path="/r?id=1", host=host))

    (sent,) = sender.sent
    assert (sent["target"].origin, sent["path"]) == (asked, "/r?id=1")
    assert sent["target"].proxy == f"http://{asked[8:]}:1" or not asked.startswith("https")


async def test_signatures_are_used_again_until_they_grow_old() -> None:
    signer, sender = Signer(), Sender()
    used = caller(sender, signer)

    for at in (1000.0, 1000.0 + SIGNED_FOR_S - 1, 1000.0 + SIGNED_FOR_S, 900.0):  # the last: the clock was set back
        signer.now = at
        await used.call(upstream(), CREDENTIAL, CALL)

    assert [sent["headers"].get(b"authorization")[-4:] for sent in sender.sent] == [b"1000", b"1000", b"2500", b"-900"]


async def test_a_signature_that_was_refused_is_not_used_again() -> None:
    """Kling's word that a token is not yet, or no longer, valid was answered with the same token for up to 25 minutes."""
    signer, sender = Signer(), Sender()
    used = caller(sender, signer)
    for status, at in ((401, 1000.0), (201, 1001.0), (403, 1002.0), (201, 1003.0)):
        signer.now, sender.answer.status = at, status
        await used.call(upstream(), CREDENTIAL, CALL)

    assert [sent["headers"].get(b"authorization")[-4:] for sent in sender.sent] == [b"1000", b"1001", b"1001", b"1001"]


async def test_kept_signatures_are_bounded() -> None:
    signer = Signer()
    used = caller(Sender(), signer)
    for n in range(MAX_SIGNED + 5):
        await used.call(upstream(), Credential(id=f"cred_{n}", secret="s"), CALL)

    assert len(used._signed) == MAX_SIGNED


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (ConnectFailed("refused"), False),
        (ConnectionBroken("cut", sent=True), True),
        (ConnectionBroken("cut before a byte", sent=False), False),
    ],
)
async def test_a_failure_says_whether_the_vendor_heard(error: TransportError, sent: bool) -> None:
    with pytest.raises(CallFailed) as failed:
        await caller(Sender(error)).call(upstream(), CREDENTIAL, CALL)
    assert failed.value.sent is sent


async def test_an_answer_that_is_cut_or_too_long_was_sent() -> None:
    with pytest.raises(CallFailed) as failed:
        await caller(Sender(Answer(BodyTooLong("long")))).call(upstream(), CREDENTIAL, CALL)
    assert failed.value.sent


async def test_a_call_without_an_answer_ends_by_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_CALL_S", 0.01)
    with pytest.raises(CallFailed) as failed:
        await caller(Sender("never")).call(upstream(), CREDENTIAL, CALL)
    assert failed.value.sent


@pytest.mark.parametrize("bad", [upstream(provider="unheard"), upstream(base_url="ftp://x")])
async def test_a_misconfigured_upstream_hears_nothing(bad: Upstream) -> None:
    sender = Sender()
    with pytest.raises(CallFailed) as failed:
        await caller(sender).call(bad, CREDENTIAL, CALL)
    assert not failed.value.sent
    assert sender.sent == []
