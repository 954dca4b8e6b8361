"""A book and a relay's link over a real socket."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from modelgate.app import book
from modelgate.app.book import ORPHANS_SETTING, Book
from modelgate.app.relay_claims import MAX_CLAIMS_ASKED
from modelgate.app.settings import Settings
from modelgate.core.claims import MAX_STORED_BYTES, Claim, ClaimEnding, StoredAnswer
from modelgate.core.ids import new_id
from modelgate.core.records import ApiKey, RequestFacts, Snapshot
from modelgate.metering.messages import (
    Ask,
    ClaimAnswered,
    ClaimEnded,
    Configured,
    EndClaim,
    Fenced,
    FindKey,
    Granted,
    Hello,
    KeyFound,
    KeysChanged,
    MakeClaim,
    Ping,
    Pong,
    ToRelay,
    Totals,
)
from modelgate.storage import claims, identity, ledger_recovery
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.journal_writer import JournalWriter
from modelgate.storage.migrations import prepare
from modelgate.storage.schema import money
from modelgate.storage.settings import set_setting
from modelgate.transport.frames import FrameClient, FrameConnection

WAIT_S = 60.0
pytestmark = pytest.mark.anyio


class Peer:
    """A relay's end of the socket."""

    def __init__(self, path: str) -> None:
        self.heard: list[ToRelay] = []
        self.connections: list[FrameConnection[ToRelay]] = []
        decoder: msgspec.msgpack.Decoder[ToRelay] = msgspec.msgpack.Decoder(ToRelay)
        self.client = FrameClient(Path(path), decoder=decoder, accepted=self._accepted)
        self.client.start()

    def _accepted(self, connection: FrameConnection[ToRelay]) -> "Peer":
        self.connections.append(connection)
        return self

    def received(self, message: ToRelay) -> None:
        self.heard.append(message)

    def lost(self) -> None:
        pass

    async def say(self, message: msgspec.Struct) -> None:
        await until(lambda: self.connections and self.connections[-1].is_open)
        self.connections[-1].send(message)

    async def hear(self, kind: type, *, after: int = 0) -> Any:
        await until(lambda: any(isinstance(message, kind) for message in self.heard[after:]))
        return next(message for message in self.heard[after:] if isinstance(message, kind))


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not happened():  # noqa: ASYNC110  # what is waited for happens in other processes and threads
            await asyncio.sleep(0.005)


class Office:
    """A book that runs, and the database it writes."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=str(folder))
        prepare(self.settings.database_url)
        self.database = Database(self.settings.database_url)
        self.account = self.database.run(identity.create_account, name="acme", now=1.0)
        key = ApiKey(id=new_id("key"), account=self.account, book="test", name="k", digest="digest", hint="")
        self.key = self.database.run(identity.create_key, key, now=1.0)
        self._stop = asyncio.Event()

    async def open(self) -> None:
        self._database = Database(self.settings.database_url)
        self._stop = asyncio.Event()
        ready = asyncio.Event()
        book = Book(self.settings, self._database, Cipher(b"0" * 32))
        self._task = asyncio.ensure_future(book.run(self._stop, ready=ready.set))
        await asyncio.wait([self._task, asyncio.ensure_future(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set()

    async def close(self) -> None:
        self._stop.set()
        await self._task
        self._database.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path)
    await made.open()
    yield made
    await made.close()
    made.database.close()


@pytest.fixture
async def peer(office: Office) -> AsyncIterator[Peer]:
    made = Peer(office.settings.book_socket)
    yield made
    await made.client.close()


async def test_a_relay_is_told_what_it_needs(office: Office, peer: Peer) -> None:
    await peer.say(Hello("inc_1", "node"))
    configured = await peer.hear(Configured)
    assert [type(message) for message in peer.heard] == [Totals, KeysChanged, Configured]
    snapshot = msgspec.msgpack.decode(configured.snapshot, type=Snapshot)
    assert any(upstream.socket == office.settings.sandbox_socket for upstream in snapshot.upstreams)
    await peer.say(FindKey(1, "digest"))
    assert (await peer.hear(KeyFound)).key == office.key
    await peer.say(Ask(1, office.key.id, "all", 100, 500))
    assert (await peer.hear(Granted)).leases[0].granted_nanos == 500


async def test_a_book_says_that_it_is_there_whatever_it_waits_for(office: Office, peer: Peer) -> None:
    await peer.say(Ping())
    await peer.hear(Pong)
    assert [type(message) for message in peer.heard] == [Pong], "before any hello"


async def test_changes_reach_the_relay(office: Office, peer: Peer) -> None:
    await peer.say(Hello("inc_1", "node"))
    await peer.hear(Configured)
    heard = len(peer.heard)
    office.database.run(identity.disable_key, office.key.id, now=2.0)
    assert (await peer.hear(KeysChanged, after=heard)).keys == (office.key.id,)
    office.database.run(set_setting, ORPHANS_SETTING, "yes", now=2.0)
    await until(lambda: any(isinstance(message, Configured) and b"charge_orphans" in message.snapshot for message in peer.heard))


async def test_journals_are_posted_while_the_relay_lives_and_when_it_is_dead(office: Office, peer: Peer) -> None:
    journal = JournalWriter.create(office.settings.journal_path)
    await peer.say(Hello(journal.incarnation, "node"))
    await peer.hear(Configured)
    request = {"key": office.key.id, "account": office.account, "book": "test", "period": "all", "request_id": "req_1"}
    facts = RequestFacts(request_id="req_1", account=office.account, key=office.key.id, book="test", endpoint="chat", model="m", at_ms=1)
    hold = journal.stage_hold(amount_nanos=0, **request)  # type: ignore[arg-type]
    journal.stage_capture(hold, amount_nanos=5, facts=msgspec.msgpack.encode(facts))
    journal.commit()
    await until(lambda: any(isinstance(message, Totals) and message.posted_seq == 2 for message in peer.heard))
    covered = next(message for message in peer.heard if isinstance(message, Totals) and message.posted_seq == 2)
    assert covered.leases[0].granted_nanos == 5
    journal.close()
    await until(lambda: not journal.directory.exists())
    states = office.database.read(lambda connection: connection.execute(select(money.incarnation.c.state)).scalars().all())
    assert states == ["closed"]
    await peer.say(Ask(1, office.key.id, "all", 1, 1))
    await peer.hear(Fenced)


async def test_a_book_that_stops_posts_everything_first(office: Office) -> None:
    journal = JournalWriter.create(office.settings.journal_path)
    hold = journal.stage_hold(key=office.key.id, account=office.account, book="test", period="all", amount_nanos=0, request_id="r")
    journal.stage_capture(hold, amount_nanos=0, facts=b"")
    journal.commit()
    await office.close()
    journal.close()
    await office.open()
    await office.close()
    assert not journal.directory.exists()
    assert office.database.read(ledger_recovery.open_incarnations) == []
    await office.open()


async def test_a_relay_says_hello_again_to_the_next_book(office: Office, peer: Peer) -> None:
    await peer.say(Hello("inc_1", "node"))
    await peer.hear(Configured)
    await office.close()
    await office.open()
    await until(lambda: len(peer.connections) >= 2)
    heard = len(peer.heard)
    await peer.say(Hello("inc_1", "node"))
    await peer.hear(Totals, after=heard)


async def test_a_database_that_cannot_be_used_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "modelgate.db").write_text("this is no database")
    command = (sys.executable, "-m", "modelgate", "book", "--data", str(tmp_path))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert len(errors.decode().strip().splitlines()) == 1


async def test_the_largest_answer_is_kept_over_the_socket_and_given_to_another_relay(office: Office) -> None:
    first, second = Peer(office.settings.book_socket), Peer(office.settings.book_socket)
    try:
        for number, peer in enumerate((first, second)):
            await peer.say(Hello(f"inc_{number}", "node"))
            await peer.hear(Configured)
        claim = Claim(scope="s", account=office.account, digest="d", request_id="req_1", at_ms=1)
        await first.say(MakeClaim(1, claim))
        assert (await first.hear(ClaimAnswered)).verdict.state == "granted"
        answer = StoredAnswer(status=200, header_lines=b"a: b\r\n", body=random.randbytes(MAX_STORED_BYTES))
        await first.say(EndClaim(2, ClaimEnding(scope="s", account=office.account, request_id="req_1", answer=answer)))
        await first.hear(ClaimEnded)
        for n in range(MAX_CLAIMS_ASKED):
            await second.say(MakeClaim(n, msgspec.structs.replace(claim, request_id=f"req_again_{n}")))
        await until(lambda: sum(isinstance(message, ClaimAnswered) for message in second.heard) == MAX_CLAIMS_ASKED)
        assert all(message.verdict.answer == answer for message in second.heard if isinstance(message, ClaimAnswered))
        assert len(second.connections) == 1, "so much at once does not cost the connection"
    finally:
        await first.client.close()
        await second.client.close()


async def test_old_answers_are_forgotten_by_themselves(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - claims.KEPT_S - 10
    claim = Claim(scope="s", account=office.account, digest="d", request_id="req_1", at_ms=1)
    office.database.run(claims.make_claim, claim, owner="inc_1", now=long_ago)
    ending = ClaimEnding(scope="s", account=office.account, request_id="req_1")
    office.database.run(claims.end_claim, ending, trims=False, now=long_ago)
    assert office.database.read(claims.has_expired, now=time.time())
    await office.close()
    monkeypatch.setattr(book, "EXPIRE_S", 0.01)
    await office.open()
    await until(lambda: not office.database.read(claims.has_expired, now=time.time()))
