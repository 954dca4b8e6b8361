"""Ids of things that an upstream keeps (stored answers, sounds), as clients get them: bound to an account, an upstream and its credential.

The id itself says where it belongs, under a seal of ours, so that no relay has to remember anything and nobody reaches another account's
answer. Made of letters, digits, `_` and `-`; it begins like the vendor's own (`resp_`), because clients look at that.
"""

import base64
import binascii
import hmac

import msgspec

from modelgate.core.errors import InvalidRequest

MARK = "mg1"
SEAL_BYTES = 12
MAX_ID_CHARACTERS = 1024


class Bound(msgspec.Struct, frozen=True, array_like=True):
    """Where the thing behind an id is kept, and what it is called there."""

    upstream: str
    credential: str
    vendor_id: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Bound).decode


class StateSeals:
    """Makes and reads the ids of one installation. `secret` is a key made for this purpose alone."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, bound: Bound, *, account: str) -> str:
        """Return the id that an account is told."""
        kind, underscore, _ = bound.vendor_id.partition("_")
        payload = _encode(bound)
        text = base64.urlsafe_b64encode(self._seal(payload, account) + payload).rstrip(b"=").decode()
        return f"{kind if underscore else 'id'}_{MARK}{text}"

    def find(self, our_id: str, *, account: str) -> Bound:
        """Return what an id stands for.

        Raises:
            InvalidRequest: not made here, or for another account: the two cannot be told apart.
        """
        _, mark, text = our_id[:MAX_ID_CHARACTERS].partition(f"_{MARK}")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True) if mark else b""
            payload = raw[SEAL_BYTES:]
            if payload and hmac.compare_digest(raw[:SEAL_BYTES], self._seal(payload, account)):
                return _decode(payload)
        except (binascii.Error, ValueError):
            pass
        shown = our_id[:60]
        raise InvalidRequest(f"There is nothing with the id '{shown}' here, or no longer.", code="previous_response_not_found")

    def _seal(self, payload: bytes, account: str) -> bytes:
        return hmac.digest(self._secret, account.encode() + b"\0" + payload, "sha256")[:SEAL_BYTES]


class BoundIds:
    """The `StateIds` of one request to one credential of one upstream."""

    __slots__ = ("_account", "_credential", "_seals", "_upstream")

    def __init__(self, seals: StateSeals, *, account: str, upstream: str, credential: str) -> None:
        self._seals = seals
        self._account = account
        self._upstream = upstream
        self._credential = credential

    def seal(self, vendor_id: str) -> str:
        """Return our id for one of the upstream's."""
        return self._seals.seal(Bound(self._upstream, self._credential, vendor_id), account=self._account)

    def open(self, our_id: str) -> str:
        """Return the upstream's id. Raises InvalidRequest: not made here, for another account, or of another upstream."""
        bound = self._seals.find(our_id, account=self._account)
        if (bound.upstream, bound.credential) != (self._upstream, self._credential):
            raise InvalidRequest("Ids of answers kept at different upstreams cannot be used together.")
        return bound.vendor_id
