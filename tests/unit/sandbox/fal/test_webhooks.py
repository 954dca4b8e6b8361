import asyncio
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modelgate.sandbox.callbacks import CallbackFailed
from modelgate.sandbox.fal.webhooks import FalWebhooks

URL = "http://gateway.example/hook"


def test_a_signature_is_proven_by_the_key_set() -> None:
    webhooks = FalWebhooks(clock=lambda: 1_790_000_000.5)
    headers, (key,) = webhooks.sign("job", b"{}"), webhooks.key_set()["keys"]
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))
    signature = bytes.fromhex(headers["x-fal-webhook-signature"])
    message = f"job\n{headers['x-fal-webhook-user-id']}\n1790000000\n{hashlib.sha256(b'{}').hexdigest()}".encode()
    public.verify(signature, message)
    with pytest.raises(InvalidSignature):
        public.verify(signature, message + b"0")


@pytest.mark.anyio
@pytest.mark.parametrize(("answers", "calls"), [([200], 1), ([500, 204], 2), ([CallbackFailed("x"), 500, 500, 200], 3)])
async def test_it_is_sent_again(monkeypatch: pytest.MonkeyPatch, answers: list[Any], calls: int) -> None:
    sent: list[bytes] = []

    async def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        assert (url, headers["x-fal-webhook-request-id"]) == (URL, "job")
        sent.append(body)
        answer = answers[len(sent) - 1]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, int)
        return answer

    async def make() -> dict[str, Any] | None:
        return {"status": "OK"}

    monkeypatch.setattr("modelgate.sandbox.fal.webhooks.post_callback", post)
    monkeypatch.setattr("modelgate.sandbox.fal.webhooks.PAUSES_S", (0.0, 0.0, 0.0))
    webhooks = FalWebhooks(clock=lambda: 0.0)
    webhooks.send_later(URL, "job", after_s=0, make=make)
    async with asyncio.timeout(10):
        while len(sent) < calls:  # noqa: ASYNC110  # whoever sends says nothing of it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert sent == [b'{"status":"OK"}'] * calls


@pytest.mark.anyio
async def test_nothing_is_sent_where_there_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    async def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        sent.append(url)
        return 200

    async def make() -> dict[str, Any] | None:
        return None

    monkeypatch.setattr("modelgate.sandbox.fal.webhooks.post_callback", post)
    FalWebhooks(clock=lambda: 0.0).send_later(URL, "job", after_s=0, make=make)
    monkeypatch.setattr("modelgate.sandbox.fal.webhooks.MAX_PENDING", 0)
    FalWebhooks(clock=lambda: 0.0).send_later(URL, "job", after_s=0, make=make)
    await asyncio.sleep(0.02)
    assert sent == []
