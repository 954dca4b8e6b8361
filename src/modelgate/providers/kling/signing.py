"""How Kling knows its customer: a short-lived token signed with the secret key, or the plain API key of 2026."""

import base64
import hashlib
import hmac

import msgspec

TOKEN_LIFETIME_S = 1800
TOKEN_BACKDATE_S = 5

_encode = msgspec.json.Encoder().encode


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the authentication header for one credential at a time in seconds.

    `ACCESS|SECRET` makes a signed token, good for half an hour from `now`; anything else is an API key (or the key of
    another gateway, whose base URL then ends in `/kling`) and is sent as it is.
    """
    access, bar, secret_key = secret.partition("|")
    bearer = _signed_token(access, secret_key, int(now)) if bar else secret
    return (("authorization", f"Bearer {bearer}"),)


def _signed_token(access: str, secret_key: str, now: int) -> str:
    """Return a JSON Web Token by hand: HS256 is one HMAC, and a library would weigh on every relay."""
    header = _base64url(b'{"alg":"HS256","typ":"JWT"}')
    claims = _base64url(_encode({"iss": access, "exp": now + TOKEN_LIFETIME_S, "nbf": now - TOKEN_BACKDATE_S}))
    signed = header + b"." + claims
    signature = _base64url(hmac.digest(secret_key.encode(), signed, hashlib.sha256))
    return (signed + b"." + signature).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
