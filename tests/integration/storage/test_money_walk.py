"""Random walks through everything that may happen to money, the audit after every few steps, and exact sums at the end.

A failure prints the seed and the way there. MODELGATE_WALKS=200 walks longer than the suite does.
"""

import os
import random
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, select, update
from tests.integration.storage.conftest import Killed, SimBook, SimRelay, World, run_now

from modelgate.storage import ledger, ledger_tasks
from modelgate.storage.ledger_tasks import ShortOfMoney
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import request_record

WALKS = int(os.environ.get("MODELGATE_WALKS", "6"))
STEPS = 250
STEPS_PER_AUDIT = 10
HOLD = 3


class Walk:
    """One walk: each step is drawn out of those that are possible now."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.way: list[str] = []
        self.media: list[str] = []
        self.media_captured = 0
        self.paid = 20
        self.overruns = seed % 3 == 0
        world.charges_orphans = seed % 4 == 1
        if seed % 5 == 2:
            world.resets = "daily"
        world.add_key("key_b", limit_nanos=12, limit_reset=world.resets)
        world.prepay(self.paid)
        if seed % 2:
            world.books.append(SimBook(world))
        for _ in range(2):
            self._start_relay()

    def run(self) -> None:
        for number in range(STEPS):
            name, action = self.random.choices(*self._choices())[0]
            self.way.append(name)
            self._do(action)
            if number % STEPS_PER_AUDIT == 0:
                self.world.check()

    def _do(self, action: Callable[[], None]) -> None:
        """Take a step; a book that dies in it is started again."""
        try:
            action()
        except Killed as killed:
            self.way.append(str(killed))
            self.world.bury(killed)

    def _choices(self) -> tuple[list[tuple[str, Callable[[], None]]], list[float]]:
        world, choices = self.world, []

        def add(weight: float, name: str, action: Callable[[], None]) -> None:
            choices.append(((name, action), weight))

        for index, relay in enumerate(world.relays):
            if relay.up:
                add(6, f"book takes {relay.up[0]} of {index}", lambda relay=relay: world.deliver_up(relay))
            elif not relay.alive and relay.book is not None:
                add(2, f"book sees the end of {index}", lambda relay=relay: world.notice_death(relay))
            if relay.alive:
                self._add_relay(add, index, relay)
        if sum(relay.alive for relay in world.relays) < 3 and len(world.relays) < 7:
            add(1, "a relay starts", self._start_relay)
        for index, book in enumerate(world.books):
            add(2, f"book {index} works", book.work)
            add(2, f"book {index} ticks", lambda book=book: run_now(book.engine.tick()))
            add(0.15, f"book {index} is killed", lambda index=index: world.kill_book(index))
            add(0.3, f"book {index} will die", lambda book=book: self._doom(book))
        add(2, "time passes", lambda: self._pass(self.random.choice((0.05, 0.3, 6.0))))
        add(0.3, "a payment", self._pay)
        add(0.1, "a lower limit", self._lower_limit)
        if world.resets != "never":
            add(0.1, "a day passes", lambda: self._pass(86_400.0))
        add(0.5, "a media hold", self._hold_media)
        if self.media:
            add(0.5, "media ends", self._end_media)
        return [choice for choice, _ in choices], [weight for _, weight in choices]

    def _add_relay(self, add: Callable[..., None], index: int, relay: SimRelay) -> None:
        if relay.down:
            add(8, f"{index} hears {type(relay.down[0]).__name__}", relay.hear)
        if relay.book is None:
            add(4, f"{index} connects", lambda: relay.connect(self.random.choice(self.world.books)))
        else:
            add(0.2, f"{index} loses its connection", relay.disconnect)
        add(3, f"{index} has a request", lambda: relay.request(HOLD, key=self.random.choice(("key_a", "key_a", "key_b"))))
        worst = 2 * HOLD if self.overruns else HOLD
        for hold in list(relay.open)[:2]:
            add(2, f"{index} captures {hold}", lambda hold=hold: relay.capture(hold, self.random.randint(0, worst)))
            add(0.7, f"{index} releases {hold}", lambda hold=hold: relay.release(hold))
        if relay.waiting:
            add(0.3, f"{index} gives a waiter up", relay.give_up)
        add(0.2, f"{index} gives idle money back", relay.leases.return_all)
        add(0.15, f"{index} is killed", relay.kill)

    def _start_relay(self) -> None:
        self.world.relay(connected_to=self.random.choice(self.world.books), segment_records=self.random.choice((4, 20_000)))

    def _doom(self, book: SimBook) -> None:
        moment = self.random.choice(("dies_before", "dies_after"))
        setattr(book.database, moment, "any")

    def _pass(self, seconds: float) -> None:
        self.world.now += seconds

    def _pay(self) -> None:
        self.world.pay(5)
        self.paid += 5

    def _lower_limit(self) -> None:
        self.world.database.run(_set_limit, limit_nanos=self.random.randint(0, 12))
        self.world.database.run(ledger.key_limit_lowered, account=self.world.account, book="test", now=self.world.now)

    def _hold_media(self) -> None:
        task = f"task_{next(self.world.numbers)}"
        owner = {"account": self.world.account, "book": "test"}
        try:
            self.world.database.run(
                ledger_tasks.open_task_hold, task=task, key="key_a", period="all", limit_nanos=None, amount_nanos=2, **owner
            )
            self.media.append(task)
        except ShortOfMoney:
            self.world.database.run(ledger_tasks.raise_round, **owner)

    def _end_media(self) -> None:
        amount = self.random.randint(0, 3)
        task = self.media.pop()
        assert self.world.database.run(ledger_tasks.close_task_hold, task=task, captured_nanos=amount)
        assert not self.world.database.run(ledger_tasks.close_task_hold, task=task, captured_nanos=amount)
        self.media_captured += amount

    def end(self) -> None:
        while self.media:
            self._end_media()
        for book in self.world.books:
            book.database.dies_before = book.database.dies_after = None
        report = self.world.end()
        orphaned = self.world.database.read(_orphaned)
        spent = self.world.captured + self.media_captured + orphaned
        assert report.books[0].revenue_nanos == spent
        assert self.world.balance() == self.paid - spent


def _set_limit(connection: Connection, *, limit_nanos: int) -> None:
    connection.execute(update(api_key).where(api_key.c.id == "key_b").values(limit_nanos=limit_nanos))


def _orphaned(connection: Connection) -> int:
    query = select(func.coalesce(func.sum(request_record.c.amount_nanos), 0)).where(request_record.c.outcome == "orphaned")
    return int(connection.execute(query).scalar_one())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(WALKS))
def test_nothing_is_lost_or_charged_twice_on_a_random_walk(world: World, seed: int) -> None:
    walk = Walk(world, seed)
    try:
        walk.run()
        walk.end()
    except BaseException:
        print(f"seed {seed}:", *walk.way[-80:], sep="\n  ")
        raise
