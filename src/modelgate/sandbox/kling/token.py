"""How the make-believe Kling knows its customer: the token signed with the secret key, or the plain API key of 2026."""

import hmac
from base64 import urlsafe_b64decode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import KlingRefused

KEY = "sandbox-access|sandbox-secret-key-of-the-make-believe-kling"
"""Access key and secret key, joined as the family writes them."""
API_KEY = "kling-sandbox-api-key"
"""What Kling takes since 2026 in place of a signed token."""


def check_token(authorization: str | None, *, now: float) -> None:
    """Check `Authorization: Bearer <JWT or API key>` as the vendor does. Raises KlingRefused 1000 to 1004."""
    if not authorization:
        raise KlingRefused(1001, "Authorization is empty")
    scheme, _, token = authorization.partition(" ")
    if scheme == "Bearer" and hmac.compare_digest(token.encode(), API_KEY.encode()):
        return
    if scheme != "Bearer" or token.count(".") != 2:
        raise KlingRefused(1002, "Authorization is invalid")
    access_key, _, secret_key = KEY.partition("|")
    if _header_of(token) != {"alg": "HS256", "typ": "JWT"}:
        raise KlingRefused(1000, "auth failed: the token's header must be alg HS256, typ JWT")
    try:
        claims = jwt.decode(token, OctKey.import_key(secret_key), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        raise KlingRefused(1002, "Authorization is invalid: signature") from None
    if claims.get("iss") != access_key:
        raise KlingRefused(1002, "Authorization is invalid: access key not found")
    if not isinstance(claims.get("exp"), int) or not isinstance(claims.get("nbf"), int):
        raise KlingRefused(1000, "auth failed: the token needs exp and nbf")
    if claims["nbf"] > now:
        raise KlingRefused(1003, "Authorization is not yet valid")
    if claims["exp"] <= now:
        raise KlingRefused(1004, "Authorization has expired")


def _header_of(token: str) -> Json:
    head = token.partition(".")[0]
    try:
        return msgspec.json.decode(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise KlingRefused(1002, "Authorization is invalid") from None
