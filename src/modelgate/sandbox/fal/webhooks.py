"""fal's webhooks: signed with a key of the process, tried again, and the set of public keys that proves them."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import CallbackFailed, post_callback

PAUSES_S = (0.0, 1.0, 5.0)
"""Before each attempt. The real vendor makes ten more within two hours."""
MAX_PENDING = 1_000
"""Webhooks beyond this many at once are not sent: whoever waits for one has to poll."""
USER_ID = "sandbox-user"

News = Callable[[], Awaitable[dict[str, Json] | None]]


class FalWebhooks:
    """Delivers the outcome of jobs. What is pending dies with the process, as does the key."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._key = Ed25519PrivateKey.generate()
        self._pending: set[asyncio.Task[None]] = set()

    def key_set(self) -> dict[str, Json]:
        """Return the JWKS that proves the signatures."""
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = urlsafe_b64encode(public).rstrip(b"=").decode()
        return {
            "keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": hashlib.sha256(public).hexdigest()[:16], "x": x}]
        }

    def sign(self, request_id: str, body: bytes) -> dict[str, str]:
        """Return the headers that prove a body."""
        timestamp = str(int(self._clock()))
        message = "\n".join((request_id, USER_ID, timestamp, hashlib.sha256(body).hexdigest()))
        return {
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": USER_ID,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self._key.sign(message.encode()).hex(),
        }

    def send_later(self, url: str, request_id: str, *, after_s: float, make: News) -> None:
        """Begin to deliver, in the background: what `make` returns after a while, unless it is None."""
        if len(self._pending) >= MAX_PENDING:
            return
        delivery = asyncio.get_running_loop().create_task(self._deliver(url, request_id, after_s=after_s, make=make))
        self._pending.add(delivery)
        delivery.add_done_callback(self._pending.discard)

    async def _deliver(self, url: str, request_id: str, *, after_s: float, make: News) -> None:
        await asyncio.sleep(after_s)
        payload = await make()
        body = msgspec.json.encode(payload)
        for pause_s in PAUSES_S if payload is not None else ():
            await asyncio.sleep(pause_s)
            try:
                if 200 <= await post_callback(url, body, headers=self.sign(request_id, body)) < 300:
                    return
            except CallbackFailed:
                continue
