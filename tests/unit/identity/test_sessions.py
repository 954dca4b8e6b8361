"""Who sent a request: cookies and access keys."""

import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.members import SESSION_IDLE_S, Member, Session
from modelgate.identity.keys import digest_of
from modelgate.identity.sessions import (
    COOKIE,
    MAX_AGE_S,
    Sessions,
    UnknownAccessKey,
    came_by_https,
    cookie_of,
    new_access_key,
    render_cookie,
)

pytestmark = pytest.mark.anyio

ADA = Member(id="mem_a", account="acct_a", role="owner", email="ada@example.com", name="Ada")


class Store:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.keys: dict[str, Member] = {}

    async def member_by_session(self, digest: str, *, now: float) -> Member | None:
        session = self.sessions.get(digest)
        return ADA if session is not None and session.expires_at > now else None

    async def member_by_access_key(self, digest: str, *, now: float) -> Member | None:
        return self.keys.get(digest)

    async def open_session(self, session: Session) -> None:
        self.sessions[session.digest] = session

    async def close_session(self, digest: str) -> None:
        self.sessions.pop(digest, None)


def request(*headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest(method="POST", path="/api/session", headers=HeaderBlock.of(*headers))


def secret_in(cookie: str) -> str:
    return cookie.partition(";")[0].partition("=")[2]


@pytest.mark.parametrize(
    ("lines", "secret"),
    [
        ([], ""),
        ([f"{COOKIE}=abc"], "abc"),
        ([f"a=b; {COOKIE}=abc ; c=d"], "abc"),
        (["a=b", f"{COOKIE}=abc"], "abc"),
        ([f"x{COOKIE}=abc; {COOKIE}x=def"], ""),
        ([f"{COOKIE}=" + "a" * 201], ""),
        ([f"{COOKIE}="], ""),
        (["a=b;" * 100 + f"{COOKIE}=late"], ""),
    ],
)
def test_the_cookie_among_others(lines: list[str], secret: str) -> None:
    assert cookie_of(request(*(("Cookie", line) for line in lines))) == secret


def test_the_flags_of_the_cookie() -> None:
    assert render_cookie("s", max_age_s=9, secure=False) == f"{COOKIE}=s; Path=/; HttpOnly; SameSite=Strict; Max-Age=9"
    assert render_cookie("s", max_age_s=9, secure=True).endswith("; Secure")


@pytest.mark.parametrize(
    ("headers", "https"),
    [
        ([], False),
        ([("origin", "https://gateway.example")], True),
        ([("origin", "http://localhost:8080")], False),
        ([("origin", "http://localhost:8080"), ("x-forwarded-proto", "https")], False),
        ([("x-forwarded-proto", "https")], True),
        ([("x-forwarded-proto", "https, http")], True),
        ([("x-forwarded-proto", "http")], False),
    ],
)
def test_how_the_browser_came(headers: list[tuple[str, str]], https: bool) -> None:
    assert came_by_https(request(*headers)) == https


async def test_signing_in_makes_a_secret_that_was_never_there() -> None:
    """A secret that an attacker planted in the browser before must be worth nothing after."""
    store = Store()
    sessions = Sessions(store, clock=lambda: 100.0)
    planted = "planted-by-somebody"
    await store.open_session(Session(digest=digest_of(planted), member="mem_x", created_at=1, expires_at=1e9, ends_at=1e9))

    cookie = await sessions.begin(ADA, request(("cookie", f"{COOKIE}={planted}")))

    secret = secret_in(cookie)
    assert planted not in cookie
    assert list(store.sessions) == [digest_of(secret)]
    (session,) = store.sessions.values()
    assert (session.member, session.expires_at, session.ends_at) == ("mem_a", 100.0 + SESSION_IDLE_S, 100.0 + MAX_AGE_S)
    assert await sessions.member_of_cookie(request(("cookie", f"{COOKIE}={secret}"))) == ADA
    assert await sessions.member_of_cookie(request(("cookie", f"{COOKIE}={planted}"))) is None


async def test_signing_out_ends_the_session_and_the_cookie() -> None:
    store = Store()
    sessions = Sessions(store, clock=lambda: 100.0)
    secret = secret_in(await sessions.begin(ADA, request()))
    cookie = await sessions.end(request(("cookie", f"{COOKIE}={secret}")))
    assert store.sessions == {}
    assert cookie.startswith(f"{COOKIE}=; ")
    assert "Max-Age=0" in cookie


async def test_an_access_key() -> None:
    store = Store()
    sessions = Sessions(store, clock=lambda: 100.0)
    secret = new_access_key()
    store.keys[digest_of(secret)] = ADA
    assert await sessions.member_of_access_key(request(("authorization", f"Bearer {secret}"))) == ADA
    assert await sessions.member_of_access_key(request(("authorization", f"bearer  {secret}"))) == ADA
    assert await sessions.member_of_access_key(request()) is None


@pytest.mark.parametrize("value", ["Bearer ak-unknown", "Bearer sk-live-abc", "Bearer ", "Basic YTpi", "ak-bare", "Bearer ak-" + "x" * 300])
async def test_what_is_no_access_key_is_refused(value: str) -> None:
    with pytest.raises(UnknownAccessKey):
        await Sessions(Store(), clock=lambda: 100.0).member_of_access_key(request(("authorization", value)))
