"""The relay's link to a book that is played by the test, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from modelgate.app import book_link as module
from modelgate.app.book_link import BookLink
from modelgate.core.errors import Overloaded
from modelgate.core.records import ApiKey, Refusal, Snapshot
from modelgate.metering.leases import Leases, Waiter
from modelgate.metering.messages import (
    Ask,
    Configured,
    Fenced,
    FindKey,
    Granted,
    Hello,
    KeyFound,
    KeysChanged,
    LeaseTotals,
    NoteRefusals,
    Ping,
    Pong,
    Recall,
    Return,
    ToBook,
    ToRelay,
    Totals,
)
from modelgate.metering.meter import Meter
from modelgate.storage.journal import JournalBroken
from modelgate.storage.journal_writer import JournalWriter
from modelgate.transport.frames import FrameConnection, serve_frames

pytestmark = pytest.mark.anyio

KEY = ApiKey(id="key_k", account="acct_a", book="live", name="k", digest="d", hint="")


class PlayedBook:
    """One connection of a book: what came, and `say`."""

    def __init__(self, connection: FrameConnection[ToBook]) -> None:
        self._connection = connection
        self._messages: asyncio.Queue[ToBook] = asyncio.Queue()
        self.gone = asyncio.Event()

    def received(self, message: ToBook) -> None:
        self._messages.put_nowait(message)

    def lost(self) -> None:
        self.gone.set()

    def say(self, *messages: ToRelay) -> None:
        for message in messages:
            self._connection.send(message)

    def hang_up(self) -> None:
        self._connection.abort()

    async def hear(self) -> ToBook:
        async with asyncio.timeout(30):
            return await self._messages.get()

    def has_heard_nothing(self) -> bool:
        return self._messages.empty()


class World:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "book.sock"
        self.books: asyncio.Queue[PlayedBook] = asyncio.Queue()
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.journal = JournalWriter.create(folder / "journal", incarnation="inc_1")
        self.leases = Leases(clock=lambda: 1000.0)
        self.meter = Meter(
            journal=self.journal, leases=self.leases, clock=lambda: 1000.0, on_broken=self.events.put_nowait, broken_by=JournalBroken
        )
        self.link = BookLink(
            self.path,
            incarnation="inc_1",
            leases=self.leases,
            meter=self.meter,
            on_snapshot=self.events.put_nowait,
            on_keys_changed=self.events.put_nowait,
            on_fenced=lambda: self.events.put_nowait("fenced"),
        )

    async def serve(self) -> asyncio.AbstractServer:
        def accepted(connection: FrameConnection[ToBook]) -> PlayedBook:
            book = PlayedBook(connection)
            self.books.put_nowait(book)
            return book

        return await serve_frames(self.path, decoder=msgspec.msgpack.Decoder(ToBook), accepted=accepted)

    async def next_book(self) -> PlayedBook:
        async with asyncio.timeout(30):
            return await self.books.get()

    async def next_event(self) -> object:
        async with asyncio.timeout(30):
            return await self.events.get()

    def wait(self, amount: int) -> Waiter:
        lease, _ = self.leases.take("key_k", "all", ends_at=None, amount_nanos=amount)
        waiter = Waiter(lease, amount, served=lambda lease: self.events.put_nowait("served"), refused=self.events.put_nowait)
        self.leases.wait(waiter)
        return waiter


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    server = await world.serve()
    world.link.start()
    yield world
    await world.link.close()
    world.journal.close()
    server.close()
    await server.wait_closed()


async def greeted(world: World) -> PlayedBook:
    book = await world.next_book()
    hello = await book.hear()
    assert isinstance(hello, Hello)
    assert hello.incarnation == "inc_1"
    assert hello.node
    book.say(Totals(0), KeysChanged())
    assert await world.next_event() == ()
    assert world.link.connected
    return book


async def test_hello_comes_first_and_no_ask_before_its_answer(world: World) -> None:
    book = await world.next_book()
    assert isinstance(await book.hear(), Hello)
    world.wait(3)
    lookup = asyncio.create_task(world.link.lookup("d"))
    await asyncio.sleep(0.01)
    assert book.has_heard_nothing()
    assert not world.link.connected
    book.say(Totals(0))
    asked = [await book.hear(), await book.hear()]
    assert isinstance(asked[0], Ask)
    assert asked[1] == FindKey(1, "d")
    book.say(KeyFound(1, KEY, "all", None), Granted(asked[0].n, 0, (LeaseTotals("key_k", "all", 3, 0),)))
    assert await lookup == (KEY, "all", None)
    assert await world.next_event() == "served"


async def test_what_waited_when_the_book_died_is_asked_again(world: World) -> None:
    book = await greeted(world)
    world.wait(3)
    lookup = asyncio.create_task(world.link.lookup("d"))
    first = [await book.hear(), await book.hear()]
    book.hang_up()
    book = await greeted(world)
    again = [await book.hear(), await book.hear()]
    assert isinstance(first[0], Ask)
    assert isinstance(again[0], Ask)
    assert again[0].n > first[0].n
    assert again[1] == first[1] == FindKey(1, "d")
    book.say(KeyFound(1, None))
    assert await lookup == (None, "", None)


async def test_a_recall_is_answered_on_the_connection_it_came_by(world: World) -> None:
    book = await greeted(world)
    book.say(Recall("acct_a", 4, 0, (LeaseTotals("key_k", "all", 3, 0),)))
    assert await book.hear() == Return((LeaseTotals("key_k", "all", 3, 3),), 4, "acct_a")
    book.hang_up()
    book = await world.next_book()
    hello = await book.hear()
    assert isinstance(hello, Hello)
    assert hello.leases == (LeaseTotals("key_k", "all", 3, 3),)


async def test_a_lookup_without_an_answer_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_WAIT_S", 0.01)
    book = await greeted(world)
    with pytest.raises(Overloaded) as caught:
        await world.link.lookup("d")
    assert caught.value.retry_after_s == module.RETRY_AFTER_S
    assert await book.hear() == FindKey(1, "d")
    book.say(KeyFound(1, KEY), KeysChanged(("key_k",)))  # too late: nobody waits, nothing breaks
    assert await world.next_event() == ("key_k",)


async def test_the_number_of_lookups_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LOOKUPS", 1)
    book = await greeted(world)
    first = asyncio.create_task(world.link.lookup("d"))
    assert await book.hear() == FindKey(1, "d")
    with pytest.raises(Overloaded):
        await world.link.lookup("e")
    book.say(KeyFound(1, KEY, "2026-11", 5.0))
    assert await first == (KEY, "2026-11", 5.0)


async def test_configuration_keys_and_fencing_are_handed_on(world: World) -> None:
    book = await greeted(world)
    book.say(Configured(msgspec.msgpack.encode(Snapshot(version=7))))
    assert await world.next_event() == Snapshot(version=7)
    book.say(Totals(0, (LeaseTotals("key_k", "all", 3, 0),)), KeysChanged(("key_k",)))
    assert await world.next_event() == ("key_k",)
    assert await book.hear() == Return((LeaseTotals("key_k", "all", 3, 3),))
    book.say(Fenced())
    assert await world.next_event() == "fenced"
    with pytest.raises(Overloaded):  # its money is not ours to spend any more, not even what is free
        await world.meter.open_hold(key=KEY, period="all", period_ends_at=None, amount_nanos=0, request_id="req_1")


async def test_closing_sends_what_was_said(world: World) -> None:
    book = await greeted(world)
    book.say(Totals(0, (LeaseTotals("key_k", "all", 3, 0),)), KeysChanged())
    assert await world.next_event() == ()
    world.leases.return_all()
    await world.link.close()
    assert await book.hear() == Return((LeaseTotals("key_k", "all", 3, 3),))
    async with asyncio.timeout(30):
        await book.gone.wait()
    assert not world.link.connected


async def test_what_was_refused_is_told(world: World) -> None:
    refused = Refusal(
        at_ms=1, request_id="req_1", account="a", key="k", book="live", endpoint="e", model="m", status=429, code="c", message=""
    )
    book = await greeted(world)
    world.link.tell_refusals(())
    world.link.tell_refusals([refused])
    assert await book.hear() == NoteRefusals((refused,))


async def test_a_book_that_hangs_does_not_answer_and_one_that_goes_on_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped book kept its connection, so that readiness was told for as long as it was stopped."""
    assert not await world.link.answers(), "nobody is asked before the book has said hello"
    book = await greeted(world)
    monkeypatch.setattr(module, "PROBE_WAIT_S", 0.01)
    for _ in range(3):
        assert not await world.link.answers()
    assert await book.hear() == Ping()
    assert book.has_heard_nothing(), "one question is enough"

    monkeypatch.setattr(module, "PROBE_WAIT_S", 30.0)
    asked = [asyncio.create_task(world.link.answers()) for _ in range(3)]
    await asyncio.sleep(0)
    book.say(Pong())
    assert all(await asyncio.gather(*asked))
    asking = asyncio.create_task(world.link.answers())
    assert await book.hear() == Ping()
    book.say(Pong(), Pong())
    assert await asking


async def test_a_book_that_goes_away_while_it_is_asked_does_not_answer(world: World) -> None:
    book = await greeted(world)
    asking = asyncio.create_task(world.link.answers())
    assert await book.hear() == Ping()
    book.hang_up()
    assert not await asking
