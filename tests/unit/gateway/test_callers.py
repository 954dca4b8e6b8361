"""Who is asking, wherever the key stands, and how little it takes to know a caller again."""

import pytest

from modelgate.core.errors import InvalidKey
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey
from modelgate.gateway import callers
from modelgate.gateway.callers import authenticate
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable

pytestmark = pytest.mark.anyio

SECRET = "sk-live-" + "a" * 40
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="n", digest=digest_of(SECRET), hint="")
BEARER = ("authorization", f"Bearer {SECRET}")
HEADERS = (BEARER, ("authorization", SECRET), ("x-api-key", SECRET), ("x-goog-api-key", SECRET))


class Book:
    """Knows one key until it is revoked."""

    def __init__(self) -> None:
        self.is_revoked = False
        self.table = KeyTable(self.look_up)

    async def look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        return (KEY if digest == KEY.digest and not self.is_revoked else None), "once", None

    async def ask(self, *headers: tuple[str, str], query: str = "") -> str:
        request = HttpRequest(method="POST", path="/v1/messages", query=query, headers=HeaderBlock.of(*headers), client="192.0.2.1")
        caller = await authenticate(request, keys=self.table, clock=lambda: 1_790_000_000.0)
        return caller.key.id


@pytest.mark.parametrize("header", HEADERS)
async def test_a_header_that_was_looked_up_is_known_again(header: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    assert await book.ask(header) == KEY.id
    monkeypatch.setattr(callers, "digest_of", lambda secret: pytest.fail("it was digested again"))
    assert await book.ask(header) == KEY.id


@pytest.mark.parametrize("header", HEADERS)
async def test_a_key_that_was_revoked_is_not(header: tuple[str, str]) -> None:
    book = Book()
    assert await book.ask(header) == KEY.id
    book.is_revoked = True
    book.table.forget([KEY.id])
    with pytest.raises(InvalidKey):
        await book.ask(header)


async def test_a_key_elsewhere_is_found_each_time() -> None:
    book = Book()
    for _ in range(2):
        assert await book.ask(query=f"key={SECRET}") == KEY.id
        assert await book.ask(("authorization", "Bearer"), ("x-api-key", SECRET)) == KEY.id


async def test_authorization_goes_first_though_another_header_is_known() -> None:
    book = Book()
    assert await book.ask(("x-api-key", SECRET)) == KEY.id
    with pytest.raises(InvalidKey):
        await book.ask(("authorization", "Bearer sk-live-wrong"), ("x-api-key", SECRET))
    with pytest.raises(InvalidKey):
        await book.ask(("x-api-key", "sk-live-wrong"), ("x-goog-api-key", SECRET))
