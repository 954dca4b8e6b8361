"""Who sent a request to the account API: by the browser's cookie, or by an access key."""

from typing import Protocol

from modelgate.core.clock import Clock
from modelgate.core.errors import AuthenticationError
from modelgate.core.http import HttpRequest
from modelgate.core.ids import random_text
from modelgate.core.members import SESSION_IDLE_S, Member, Session
from modelgate.identity.keys import digest_of

COOKIE = "modelgate_session"
MAX_AGE_S = 90 * 86_400.0
"""However often a browser comes back, it is signed out then."""
ACCESS_KEY_PREFIX = "ak-"
SECRET_LENGTH = 40
MAX_SECRET_LENGTH = 200
MAX_COOKIES = 64

_SCHEME = b"bearer "


class UnknownAccessKey(AuthenticationError):
    """The bearer is nobody's access key."""

    code = "unknown_access_key"
    text = "This is nobody's access key. Make one in the console; keys for models (`sk-…`) are something else."


class SessionStore(Protocol):
    """Where sessions are kept. Members come only if they are not disabled."""

    async def member_by_session(self, digest: str, *, now: float) -> Member | None: ...

    async def member_by_access_key(self, digest: str, *, now: float) -> Member | None: ...

    async def open_session(self, session: Session) -> None: ...

    async def close_session(self, digest: str) -> None: ...


class Sessions:
    """Opens, recognises and ends sessions."""

    def __init__(self, store: SessionStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def member_of_cookie(self, request: HttpRequest) -> Member | None:
        """Return who is signed in, None for nobody (any more)."""
        secret = cookie_of(request)
        return await self._store.member_by_session(digest_of(secret), now=self._clock()) if secret else None

    async def member_of_access_key(self, request: HttpRequest) -> Member | None:
        """Return whose access key came with a request, None when none came.

        Raises:
            UnknownAccessKey: one came, and it is nobody's.
        """
        value = request.headers.get(b"authorization")
        if not value:
            return None
        secret = value[len(_SCHEME) :].strip().decode("latin-1") if value[: len(_SCHEME)].lower() == _SCHEME else ""
        if not secret.startswith(ACCESS_KEY_PREFIX) or len(secret) > MAX_SECRET_LENGTH:
            raise UnknownAccessKey
        member = await self._store.member_by_access_key(digest_of(secret), now=self._clock())
        if member is None:
            raise UnknownAccessKey
        return member

    async def begin(self, member: Member, request: HttpRequest) -> str:
        """Sign a browser in, with a secret it never had before; return the `set-cookie` value."""
        await self.end(request)
        now, secret = self._clock(), random_text(SECRET_LENGTH)
        ends_at = now + MAX_AGE_S
        await self._store.open_session(
            Session(digest=digest_of(secret), member=member.id, created_at=now, expires_at=now + SESSION_IDLE_S, ends_at=ends_at)
        )
        return render_cookie(secret, max_age_s=int(MAX_AGE_S), secure=came_by_https(request))

    async def end(self, request: HttpRequest) -> str:
        """Sign a browser out, if it was in; return the `set-cookie` value that forgets it."""
        if secret := cookie_of(request):
            await self._store.close_session(digest_of(secret))
        return render_cookie("", max_age_s=0, secure=came_by_https(request))


def cookie_of(request: HttpRequest) -> str:
    """Return the secret in the session's cookie, empty when there is none."""
    header = b"; ".join(request.headers.get_all(b"cookie")).decode("latin-1")
    for part in header.split(";", MAX_COOKIES):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and len(value) <= MAX_SECRET_LENGTH:
            return value
    return ""


def render_cookie(secret: str, *, max_age_s: int, secure: bool) -> str:
    """Return a `set-cookie` value: not for scripts, not for pages of other sites. The server, not its age, says when it ends."""
    return f"{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}" + ("; Secure" if secure else "")


def came_by_https(request: HttpRequest) -> bool:
    """Tell whether the browser spoke https, to us or to the proxy before us. It names its scheme with everything that changes something."""
    origin = request.headers.get(b"origin")
    if origin is not None:
        return origin.startswith(b"https://")
    return (request.headers.get(b"x-forwarded-proto") or b"").split(b",")[0].strip() == b"https"


def new_access_key() -> str:
    """Return a fresh access key, to be shown once."""
    return ACCESS_KEY_PREFIX + random_text(SECRET_LENGTH)
