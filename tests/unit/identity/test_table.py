"""The table of known keys: bounded, coalesced, and never staler than the last change."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from modelgate.core.errors import InvalidKey, Overloaded
from modelgate.core.records import ApiKey
from modelgate.identity.table import UNKNOWN_FOR_S, KeyTable


def key(number: int) -> ApiKey:
    return ApiKey(id=f"key_{number}", account="acct_1", book="test", name="n", digest=f"d{number}", hint="h")


class Book:
    """A book that answers when told to."""

    def __init__(self) -> None:
        self.keys = {f"d{number}": key(number) for number in range(10)}
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.now = 1000.0

    async def look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        self.asked.append(digest)
        found = self.keys.get(digest)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return found, "all", None

    def table(self, **bounds: int) -> KeyTable:
        return KeyTable(self.look_up, clock=lambda: self.now, **bounds)


async def invalid(waiting: Awaitable[object]) -> None:
    with pytest.raises(InvalidKey):
        await waiting


async def started(make: Callable[[], Awaitable[object]]) -> "asyncio.Future[object]":
    task = asyncio.ensure_future(make())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


@pytest.mark.anyio
async def test_a_key_is_looked_up_once() -> None:
    book = Book()
    table = book.table()
    assert table.get("d1") is None
    caller = await table.find("d1")
    assert (caller.key.id, caller.period, caller.period_ends_at) == ("key_1", "all", None)
    assert table.get("d1") is caller
    assert await table.find("d1") is caller
    assert book.asked == ["d1"]


@pytest.mark.anyio
async def test_waiters_for_one_digest_share_a_look_up() -> None:
    book = Book()
    table = book.table()
    book.gate.clear()
    waiting = [await started(lambda: table.find("d1")) for _ in range(5)]
    book.gate.set()
    callers = await asyncio.gather(*waiting)
    assert len(book.asked) == 1
    assert all(caller is callers[0] for caller in callers)


@pytest.mark.anyio
async def test_a_waiter_that_leaves_does_not_take_the_others_look_up_along() -> None:
    book = Book()
    table = book.table()
    book.gate.clear()
    leaving = await started(lambda: table.find("d1"))
    staying = await started(lambda: table.find("d1"))
    leaving.cancel()
    await asyncio.sleep(0)
    book.gate.set()
    await staying
    assert len(book.asked) == 1


@pytest.mark.anyio
async def test_a_wrong_key_does_not_hammer_the_book() -> None:
    book = Book()
    table = book.table()
    for _ in range(3):
        await invalid(table.find("nobody"))
    assert book.asked == ["nobody"]
    book.now += UNKNOWN_FOR_S
    await invalid(table.find("nobody"))
    assert book.asked == ["nobody", "nobody"]


@pytest.mark.anyio
async def test_a_key_made_after_it_was_tried_works_at_once() -> None:
    book = Book()
    table = book.table()
    await invalid(table.find("new"))
    book.keys["new"] = key(77)
    table.forget(["key_77"])
    assert (await table.find("new")).key.id == "key_77"


@pytest.mark.anyio
async def test_forgetting_names_keys_or_means_all() -> None:
    table = Book().table()
    for digest in ("d1", "d2", "d3"):
        await table.find(digest)
    table.forget(["key_2", "key_none"])
    assert [table.get(digest) is None for digest in ("d1", "d2", "d3")] == [False, True, False]
    table.forget()
    assert len(table) == 0


@pytest.mark.anyio
async def test_an_answer_from_before_a_change_is_not_kept() -> None:
    """A key was revoked while its look-up was under way: the old answer must not be remembered."""
    book = Book()
    table = book.table()
    book.gate.clear()
    waiting = await started(lambda: table.find("d1"))
    table.forget(["key_1"])
    book.gate.set()
    await waiting
    assert table.get("d1") is None


@pytest.mark.anyio
async def test_the_least_recently_used_key_goes_first() -> None:
    table = Book().table(max_keys=2)
    await table.find("d1")
    await table.find("d2")
    table.get("d1")
    await table.find("d3")
    assert [table.get(digest) is None for digest in ("d1", "d2", "d3")] == [False, True, False]


@pytest.mark.anyio
async def test_look_ups_are_bounded_while_known_keys_go_on() -> None:
    book = Book()
    table = book.table(max_lookups=2)
    await table.find("d1")
    book.gate.clear()
    waiting = [await started(lambda digest=digest: table.find(digest)) for digest in ("x1", "x2")]
    with pytest.raises(Overloaded) as caught:
        await table.find("x3")
    assert caught.value.retry_after_s
    assert (await table.find("d1")).key.id == "key_1"
    book.gate.set()
    for one in waiting:
        await invalid(one)
    await invalid(table.find("x3"))


@pytest.mark.anyio
async def test_a_book_that_does_not_answer_is_asked_again() -> None:
    book = Book()
    table = book.table()
    book.error = Overloaded(retry_after_s=1)
    with pytest.raises(Overloaded):
        await table.find("d1")
    book.error = None
    assert (await table.find("d1")).key.id == "key_1"
