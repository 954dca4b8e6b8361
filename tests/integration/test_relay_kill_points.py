"""kill -9 of a real relay process at every point of the money protocol, against a real book: afterwards every sum agrees."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from modelgate.app.book import Book
from modelgate.app.settings import Settings
from modelgate.core.records import ApiKey
from modelgate.storage import identity, ledger
from modelgate.storage.audit import audit
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.journal import UNBORN_S, find_journals, sweep_unborn
from modelgate.storage.migrations import prepare
from modelgate.storage.schema.money import account_balance, request_record

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("relay_child.py")
CREDIT = 1000
WAIT_S = 60.0
"""How long anything may take before the test gives up; nothing waits for it when all is well."""


class RelayProcess:
    """A child relay: `ask` sends a command and returns its answer, or "dead"."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, command: str) -> str:
        assert self.process.stdin is not None
        with suppress(ConnectionResetError, BrokenPipeError):
            self.process.stdin.write(command.encode() + b"\n")
            await self.process.stdin.drain()
        return await self.answer()

    async def insist(self, command: str) -> str:
        """Come again as long as it is told to: on a slow machine the book may need more than its 250 ms."""
        async with asyncio.timeout(WAIT_S):
            while (answer := await self.ask(command)) == "Overloaded":  # noqa: ASYNC110  # as a client would
                await asyncio.sleep(0.02)
        return answer

    async def answer(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            return (await self.process.stdout.readline()).decode().strip() or "dead"

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def is_killed(self) -> bool:
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait() == -signal.SIGKILL


class World:
    """A book in this process, on a database of its own, and relays beside it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=str(folder))
        prepare(self.settings.database_url)
        self.database = Database(self.settings.database_url)
        self.relays: list[RelayProcess] = []
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        long_ago = time.time() - 3600  # a limit chosen just now would have idle money recalled
        self.account = self.database.run(identity.create_account, name="payer", now=long_ago)
        key = ApiKey(id="key_a", account=self.account, book="live", name="k", digest="d", hint="")
        self.database.run(identity.create_key, key, now=long_ago)
        self.database.run(ledger.set_credit_limit, account=self.account, book="live", credit_limit_nanos=0, now=long_ago)
        cause = {"account": self.account, "book": "live", "amount_nanos": CREDIT, "idempotency_key": "first"}
        self.database.run(ledger.credit, **cause, now=long_ago)

    async def start_book(self) -> None:
        ready = asyncio.Event()
        self._stop = asyncio.Event()
        book = Book(self.settings, self.database, Cipher(b"0" * 32))
        self._running = asyncio.create_task(book.run(self._stop, ready=ready.set))
        async with asyncio.timeout(WAIT_S):
            await ready.wait()

    async def stop_book(self) -> None:
        self._stop.set()
        if self._running is not None:
            async with asyncio.timeout(WAIT_S):
                await self._running
            self._running = None

    async def relay(self, kill_point: str = "") -> RelayProcess:
        arguments = (self.settings.book_socket, str(self.settings.journal_path), "key_a", self.account, kill_point)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, str(CHILD), *arguments, stdin=pipe, stdout=pipe)
        self.relays.append(RelayProcess(process))
        return self.relays[-1]

    async def come_to_rest(self) -> None:
        """Wait until every journal is recovered."""
        async with asyncio.timeout(WAIT_S):
            while find_journals(self.settings.journal_path):  # noqa: ASYNC110  # the file system sends no events
                await asyncio.sleep(0.02)

    def balance(self) -> int:
        query = select(account_balance.c.balance_nanos).where(account_balance.c.account == self.account, account_balance.c.book == "live")
        return int(self.database.read(lambda connection: connection.execute(query).scalar_one()))

    def outcomes(self) -> dict[str, list[int]]:
        """The amounts of all request records by outcome."""
        found: dict[str, list[int]] = {}
        query = select(request_record.c.outcome, request_record.c.amount_nanos)
        for outcome, amount in self.database.read(lambda connection: connection.execute(query).all()):
            found.setdefault(outcome, []).append(amount)
        return found

    def check(self, *, captured: list[int], orphans: int) -> None:
        """Insist that nothing is out, every sum agrees, and exactly these requests were charged or orphaned."""
        report = self.database.read(audit, at_rest=True)
        assert report.failures == ()
        outcomes = self.outcomes()
        assert sorted(outcomes.get("captured", [])) == sorted(captured)
        assert outcomes.get("orphaned", []) == [0] * orphans
        assert self.balance() == CREDIT - sum(captured)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start_book()
    yield world
    for relay in world.relays:
        await relay.kill()
    await world.stop_book()
    world.database.close()


COMMANDS = ("hold 40", "hold 50", "capture 30", "release", "hold 20", "hold 20", "capture 25", "capture 5", "hold 7", "return")
"""Two segments and more, an overrun, and a hold left open; until the process dies."""
EXPECTED = {
    "locked, not renamed": ([], 0),
    "renamed, no hello": ([], 0),
    "hello sent": ([], 0),
    "ask sent": ([], 0),
    "hold staged": ([], 0),
    "hold committed": ([], 1),
    "upstream answering": ([30, 25, 5], 1),
    "capture staged": ([], 2),
    "capture committed": ([30], 1),
    "return sent": ([30, 25, 5], 1),
    "old segment closed, new not made": ([30], 0),
    "between two deletions": ([30, 25, 5], 1),
}
"""What is charged and orphaned when the process died at a point, having obeyed as many commands as it could."""


async def run_to_death(world: World, kill_point: str) -> list[int]:
    """Start a relay and have it obey until it dies; return the captures it answered."""
    relay = await world.relay(kill_point)
    answered: list[int] = []
    answer = await relay.answer()
    for command in COMMANDS:
        if answer == "dead":
            break
        answer = await relay.insist(command)
        if answer.startswith("captured "):
            answered.append(int(answer.split()[1]))
    if kill_point == "upstream answering":
        await relay.kill()
    assert await relay.is_killed(), f"{kill_point} was never reached"
    return answered


@pytest.mark.parametrize("kill_point", EXPECTED)
async def test_a_relay_killed_anywhere_leaves_a_book_that_balances(world: World, kill_point: str) -> None:
    answered = await run_to_death(world, kill_point)
    captured, orphans = EXPECTED[kill_point]
    await world.come_to_rest()
    world.check(captured=captured, orphans=orphans)
    assert all(amount in captured for amount in answered), "what a client saw finish is charged"
    unborn = list(world.settings.journal_path.glob(".*"))
    assert bool(unborn) == (kill_point == "locked, not renamed")
    sweep_unborn(world.settings.journal_path, now=time.time() + UNBORN_S + 1)
    assert not list(world.settings.journal_path.iterdir())


async def test_two_relays_killed_at_different_points_at_once(world: World) -> None:
    points = list(EXPECTED)
    for first, second in zip(points, [*points[5:], *points[:5]], strict=True):
        await asyncio.gather(run_to_death(world, first), run_to_death(world, second))
    await world.come_to_rest()
    captured = [amount for amounts, _ in EXPECTED.values() for amount in amounts] * 2
    world.check(captured=captured, orphans=2 * sum(orphans for _, orphans in EXPECTED.values()))


async def test_relays_that_die_while_the_book_is_away_are_recovered_at_its_start(world: World) -> None:
    relay = await world.relay()
    assert await relay.answer() == "born"
    assert await relay.insist("hold 50") == "held 1"
    assert await relay.ask("capture 10") == "captured 10"
    await world.stop_book()
    assert await relay.ask("hold 40") == "held 3", "a relay goes on with what it has"
    assert await relay.ask(f"hold {CREDIT}") == "Overloaded", "and no further"
    assert await relay.ask("capture 30") == "captured 30"
    await relay.kill()
    unknown = await world.relay("renamed, no hello")
    assert await unknown.is_killed()
    await world.start_book()
    await world.come_to_rest()
    world.check(captured=[10, 30], orphans=0)


async def test_a_clean_shutdown_leaves_nothing_to_recover(world: World) -> None:
    relay = await world.relay()
    assert await relay.answer() == "born"
    for command in ("hold 40", "capture 30", "hold 10", "release"):
        await relay.insist(command)
    assert await relay.ask("close") == "closed"
    await world.come_to_rest()
    world.check(captured=[30], orphans=0)


async def test_a_stopped_relay_keeps_its_money_and_others_are_told_to_come_again(world: World) -> None:
    """A heartbeat would have closed it: it woke up and spent money that was given to another."""
    stopped, other = await world.relay(), await world.relay()
    assert [await stopped.answer(), await other.answer()] == ["born", "born"]
    assert await stopped.insist(f"hold {CREDIT - 100}") == "held 1"
    assert await stopped.ask("capture 0") == "captured 0"  # all of it lies idle with a relay that is about to stop
    os.kill(stopped.process.pid, signal.SIGSTOP)
    assert await other.ask(f"hold {CREDIT - 50}") == "Overloaded", "never refused for good: the money is there"
    assert find_journals(world.settings.journal_path), "its lock is held, so it is not dead"
    os.kill(stopped.process.pid, signal.SIGCONT)
    assert await stopped.ask("hold 500") in ("held 3", "Overloaded")
    await asyncio.sleep(0.1)
    await stopped.ask("release")
    assert (await other.insist(f"hold {CREDIT - 50}")).startswith("held ")
    await other.ask("capture 10")
    await stopped.kill()
    await other.kill()
    await world.come_to_rest()
    assert world.balance() == CREDIT - 10
    assert world.database.read(audit, at_rest=True).failures == ()


async def test_a_stopped_relay_that_is_killed_frees_its_money(world: World) -> None:
    stopped, other = await world.relay(), await world.relay()
    assert [await stopped.answer(), await other.answer()] == ["born", "born"]
    assert await stopped.insist(f"hold {CREDIT}") == "held 1"
    os.kill(stopped.process.pid, signal.SIGSTOP)
    assert await other.ask("hold 10") == "Overloaded"
    await stopped.kill()
    assert (await other.insist("hold 10")).startswith("held ")
    await other.ask("capture 10")
    await other.kill()
    await world.come_to_rest()
    world.check(captured=[10], orphans=1)


async def test_no_money_is_said_only_after_everybody_was_asked(world: World) -> None:
    rich, poor = await world.relay(), await world.relay()
    assert [await rich.answer(), await poor.answer()] == ["born", "born"]
    assert await rich.insist(f"hold {CREDIT - 10}") == "held 1"
    assert await poor.insist("hold 100") == "BalanceExhausted", "what is held is held"
    assert await rich.ask("release") == "released"
    assert await poor.insist("hold 100") == "held 1", "what lies idle is recalled before anybody is refused"
    await rich.kill()
    await poor.kill()
    await world.come_to_rest()
    world.check(captured=[], orphans=1)
