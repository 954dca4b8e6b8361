"""Who is asking: from a request's headers to a caller that may ask, on the relay's bounded key table."""

from modelgate.core.clock import Clock
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.identity.keys import check_key, digest_of, secret_from
from modelgate.identity.table import Caller, KeyTable


async def authenticate(request: HttpRequest, *, keys: KeyTable, clock: Clock) -> Caller:
    """Return the caller a request speaks for.

    Raises:
        MissingKey, InvalidKey, ExpiredKey, DisabledKey, ForeignAddress: see `core/errors.py`.
        Overloaded: the key is not known here yet and the book did not answer in time.
    """
    headers = request.headers
    presented = presented_key(headers)
    caller = keys.presented(presented)
    if caller is None:
        secret = secret_from(headers, request.query)
        digest = digest_of(secret)
        caller = await keys.find(digest)
        # Not when the secret stood elsewhere, nor when the key changed while we asked.
        if presented is not None and presented.endswith(secret.encode()) and keys.get(digest) is caller:
            keys.remember(presented, caller)
    request.key = caller.key
    check_key(caller.key, now=clock(), client=request.client)
    return caller


def presented_key(headers: HeaderBlock) -> bytes | None:
    """Return the whole header in which a key usually stands."""
    presented = headers.get(b"authorization")
    return presented if presented is not None else headers.get(b"x-api-key") or headers.get(b"x-goog-api-key")
