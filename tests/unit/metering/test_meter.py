"""The meter: nothing is answered before it is durable, one commit per loop turn, every wait is bounded."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from modelgate.core.errors import BalanceExhausted, LimitExhausted, Overloaded
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, RequestFacts
from modelgate.metering import leases as leases_module
from modelgate.metering import meter as module
from modelgate.metering.leases import Lease, Leases
from modelgate.metering.messages import Ask, LeaseTotals, Refused, Return, ToBook, Totals
from modelgate.metering.meter import Hold, Meter

pytestmark = pytest.mark.anyio

KEY = ApiKey(id="key_k", account="acct_a", book="live", name="k", digest="", hint="")


class Broken(Exception):
    pass


class MemoryJournal:
    """A journal in memory that says what was committed together."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.committed_seq = 0
        self.staged: list[tuple[str, int, int]] = []
        self.commits: list[list[tuple[str, int, int]]] = []
        self.facts: dict[int, RequestFacts] = {}
        self.pruned: list[int] = []
        self.fails = False
        self.closed = False

    def _stage(self, kind: str, hold_seq: int, amount: int) -> int:
        self.last_seq += 1
        self.staged.append((kind, hold_seq or self.last_seq, amount))
        return self.last_seq

    def stage_hold(self, *, key: str, account: str, book: Book, period: str, amount_nanos: int, request_id: str) -> int:
        assert (key, account, book) == ("key_k", "acct_a", "live")
        return self._stage("hold", 0, amount_nanos)

    def stage_capture(self, hold_seq: int, *, amount_nanos: int, facts: bytes) -> int:
        self.facts[hold_seq] = msgspec.msgpack.decode(facts, type=RequestFacts)
        return self._stage("capture", hold_seq, amount_nanos)

    def stage_release(self, hold_seq: int, *, facts: bytes) -> int:
        self.facts[hold_seq] = msgspec.msgpack.decode(facts, type=RequestFacts)
        return self._stage("release", hold_seq, 0)

    def commit(self) -> None:
        if self.fails:
            raise Broken("disk full")
        if self.staged:
            self.commits.append(self.staged)
        self.staged = []
        self.committed_seq = self.last_seq

    def prune(self, posted_seq: int) -> int:
        if self.fails:
            raise Broken("disk gone")
        self.pruned.append(posted_seq)
        return 0

    def close(self) -> None:
        self.closed = True


class World:
    def __init__(self, *, granted: int = 0) -> None:
        self.now = 1000.0
        self.sent: list[ToBook] = []
        self.broken: list[Exception] = []
        self.journal = MemoryJournal()
        self.leases = Leases(clock=lambda: self.now)
        self.meter = Meter(journal=self.journal, leases=self.leases, clock=lambda: self.now, on_broken=self.broken.append, broken_by=Broken)
        self.leases.connected(self.sent.append, incarnation="inc_1", node="here")
        self.sent.clear()
        self.say(granted)

    def say(self, granted: int, *, posted_seq: int = 0) -> None:
        self.meter.on_message(Totals(posted_seq, (LeaseTotals("key_k", "all", granted, 0),)))

    async def hold(self, amount: int = 4, *, request_id: str = "req_1") -> Hold:
        return await self.meter.open_hold(key=KEY, period="all", period_ends_at=None, amount_nanos=amount, request_id=request_id)

    def start(self, amount: int = 4) -> asyncio.Task[Hold]:
        return asyncio.create_task(self.hold(amount))

    def ask(self) -> Ask:
        (ask,) = [message for message in self.sent if isinstance(message, Ask)]
        self.sent.remove(ask)
        return ask

    @property
    def free(self) -> int:
        return self.leases.take("key_k", "all", ends_at=None, amount_nanos=0)[0].free_nanos


def facts(**changes: str) -> RequestFacts:
    return RequestFacts(request_id="req_1", account="acct_a", key="key_k", book="live", endpoint="chat", model="m", at_ms=1, **changes)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE_WAIT_S", 0.01)


async def test_a_hold_is_durable_before_it_is_given() -> None:
    world = World(granted=10)
    hold = await world.hold(4)
    assert (hold.seq, hold.amount_nanos, hold.lease.period, hold.key.account, hold.key.book) == (1, 4, "all", "acct_a", "live")
    assert world.journal.commits == [[("hold", 1, 4)]]
    assert world.free == 6


async def test_everything_of_one_turn_is_one_commit() -> None:
    world = World(granted=100)
    first, second, third = await asyncio.gather(*(world.hold() for _ in range(3)))
    order: list[str] = []
    world.meter.capture(first, amount_nanos=3, facts=facts(), committed=lambda: order.append("first"))
    world.meter.release(third, facts=facts(error="upstream"), committed=lambda: order.append("third"))
    world.meter.capture(second, amount_nanos=2, facts=facts(), committed=lambda: order.append("second"))
    assert order == []
    await turns()
    assert order == ["first", "third", "second"]
    assert [len(commit) for commit in world.journal.commits] == [3, 3]
    assert world.journal.facts[3].error == "upstream"
    assert world.free == 100 - 3 - 2


async def test_a_capture_is_not_answered_before_its_commit() -> None:
    world = World(granted=10)
    hold = await world.hold()
    seen: list[int] = []
    world.meter.capture(hold, amount_nanos=3, facts=facts(), committed=lambda: seen.append(world.journal.committed_seq))
    assert world.journal.committed_seq == 1
    await turns()
    assert seen == [2]


async def test_a_hold_is_resolved_once() -> None:
    world = World(granted=10)
    hold = await world.hold()
    world.meter.capture(hold, amount_nanos=3, facts=facts(), committed=lambda: None)
    with pytest.raises(KeyError):
        world.meter.capture(hold, amount_nanos=3, facts=facts(), committed=lambda: None)
    with pytest.raises(KeyError):
        world.meter.release(hold, facts=facts(), committed=lambda: None)
    await turns()
    assert world.free == 7
    assert world.journal.last_seq == 2


async def test_amounts_below_zero_are_refused() -> None:
    """An upstream with negative usage must not become credit."""
    world = World(granted=10)
    with pytest.raises(ValueError, match="below zero"):
        await world.hold(-1)
    hold = await world.hold()
    with pytest.raises(ValueError, match="below zero"):
        world.meter.capture(hold, amount_nanos=-1, facts=facts(), committed=lambda: None)
    world.meter.release(hold, facts=facts(), committed=lambda: None)
    await turns()


async def test_use_above_the_hold_is_charged_in_full() -> None:
    world = World(granted=10)
    hold = await world.hold(10)
    world.meter.capture(hold, amount_nanos=14, facts=facts(), committed=lambda: None)
    await turns()
    assert world.journal.commits[-1] == [("capture", 1, 14)]
    assert world.free == -4


async def test_a_free_model_is_journalled_without_money() -> None:
    world = World(granted=0)
    hold = await world.hold(0)
    world.meter.capture(hold, amount_nanos=0, facts=facts(), committed=lambda: None)
    await turns()
    assert world.journal.commits == [[("hold", 1, 0)], [("capture", 1, 0)]]
    assert world.sent == []


async def test_a_hold_without_a_lease_waits_for_the_book() -> None:
    world = World(granted=0)
    task = world.start(4)
    await turns()
    assert not task.done()
    assert world.ask().need_nanos == 4
    world.say(4)
    assert world.journal.staged == [("hold", 1, 4)], "staged inside the call that brought the money"
    assert (await task).seq == 1


async def test_what_a_request_leaves_serves_the_next_in_the_same_commit() -> None:
    world = World(granted=10)
    first = await world.hold(10)
    task = world.start(5)
    await turns()
    world.meter.capture(first, amount_nanos=2, facts=facts(), committed=lambda: None)
    await task
    assert world.journal.commits[-1] == [("capture", 1, 2), ("hold", 3, 5)]


@pytest.mark.parametrize(("reason", "error"), [("balance", BalanceExhausted), ("limit", LimitExhausted)])
async def test_a_final_refusal_is_told_as_such(reason: str, error: type[Exception]) -> None:
    world = World()
    task = world.start()
    await turns()
    world.meter.on_message(Refused(world.ask().n, reason, 0, ()))  # type: ignore[arg-type]
    with pytest.raises(error):
        await task
    assert world.journal.last_seq == 0


@pytest.mark.usefixtures("short_wait")
async def test_no_answer_in_time_is_come_again_and_never_no_money() -> None:
    world = World()
    with pytest.raises(Overloaded) as caught:
        await world.hold()
    assert caught.value.retry_after_s == module.RETRY_AFTER_S
    n = world.ask().n
    world.meter.on_message(Refused(n, "balance", 0, ()))
    world.say(4)
    assert world.journal.staged == [], "nobody waits any more"
    assert (await world.hold()).seq == 1


async def test_a_client_that_leaves_while_it_waits_takes_no_money() -> None:
    world = World()
    task = world.start()
    await turns()
    task.cancel()
    await asyncio.wait([task])
    world.say(4)
    assert world.journal.staged == []
    assert world.free == 4


async def test_a_client_that_leaves_between_money_and_commit_is_released() -> None:
    world = World()
    task = world.start()
    await turns()
    world.say(4)
    task.cancel()
    await asyncio.wait([task])
    await turns()
    assert [record for commit in world.journal.commits for record in commit] == [("hold", 1, 4), ("release", 1, 0)]
    assert world.journal.facts[1].error == "client_left"
    assert world.free == 4


async def test_one_client_that_leaves_disturbs_no_other() -> None:
    """All holds of a commit waited for one future, and a cancelled request cancelled it for everybody."""
    world = World(granted=100)
    tasks = [world.start() for _ in range(3)]
    await turns(1)
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [False, True, False]


async def test_a_backlog_above_its_bound_refuses_new_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BACKLOG_RECORDS", 2)
    world = World(granted=100)
    holds = [await world.hold() for _ in range(3)]
    with pytest.raises(Overloaded):
        await world.hold()
    world.meter.capture(holds[0], amount_nanos=1, facts=facts(), committed=lambda: None)  # what runs may end
    await turns()
    world.say(100, posted_seq=3)
    assert (await world.hold()).seq == 5


async def test_too_many_waiters_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "MAX_WAITERS", 0)
    monkeypatch.setattr(leases_module, "MAX_LEASES", 1)
    world = World()
    with pytest.raises(Overloaded):
        await world.hold()
    other = msgspec.structs.replace(KEY, id="key_other")
    with pytest.raises(Overloaded):
        await world.meter.open_hold(key=other, period="all", period_ends_at=None, amount_nanos=1, request_id="req_1")


async def test_what_the_book_has_posted_is_pruned_once() -> None:
    world = World(granted=10)
    world.say(10, posted_seq=3)
    world.say(10, posted_seq=3)
    world.say(10, posted_seq=2)
    assert world.journal.pruned == [3]


async def test_a_commit_that_fails_answers_busy_and_releases_nothing() -> None:
    world = World(granted=100)
    running = await world.hold()
    released: list[str] = []
    world.journal.fails = True
    world.meter.capture(running, amount_nanos=1, facts=facts(), committed=lambda: released.append("last byte"))
    with pytest.raises(Overloaded):
        await world.hold()
    assert released == []
    assert [str(error) for error in world.broken] == ["disk full"]
    with pytest.raises(Overloaded):
        await world.hold()
    world.say(100, posted_seq=1)
    assert len(world.broken) == 1
    assert not await world.meter.close(0)
    assert not world.journal.closed


async def test_a_segment_that_cannot_be_deleted_ends_the_relay() -> None:
    world = World(granted=100)
    world.journal.fails = True
    world.say(100, posted_seq=1)
    assert [str(error) for error in world.broken] == ["disk gone"]


async def test_one_answer_that_fails_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(granted=100)
    holds = [await world.hold() for _ in range(3)]
    told: list[str] = []
    faults: list[str] = []

    def fail() -> None:
        raise RuntimeError("socket closed")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(str(context["exception"])))
    actions: list[Callable[[], None]] = [lambda: told.append("first"), fail, lambda: told.append("third")]
    for hold, action in zip(holds, actions, strict=True):
        world.meter.capture(hold, amount_nanos=1, facts=facts(), committed=action)
    await turns()
    assert told == ["first", "third"]
    assert faults == ["socket closed"]


def take_now(world: World, amount: int = 4, *, period: str = "all", ends_at: float | None = None) -> Lease | None:
    return world.meter.take_now(KEY, period=period, period_ends_at=ends_at, amount_nanos=amount)


async def test_a_hold_taken_at_once_is_told_when_it_is_durable() -> None:
    world = World(granted=10)
    told: list[tuple[bool, int]] = []
    lease = take_now(world)
    assert lease is not None
    assert (world.free, world.journal.staged) == (6, [])
    hold = world.meter.hold_now(
        KEY, lease=lease, amount_nanos=4, request_id="req_1", committed=lambda is_committed: told.append((is_committed, hold.seq))
    )
    assert (hold.is_open, hold.seq, hold.lease, hold.amount_nanos, hold.request_id) == (True, 1, lease, 4, "req_1")
    assert told == []
    await turns()
    assert told == [(True, 1)]
    world.meter.capture(hold, amount_nanos=3, facts=facts(), committed=lambda: told.append((True, 0)))
    with pytest.raises(KeyError):
        world.meter.release(hold, facts=facts(), committed=lambda: None)
    await turns()
    assert world.journal.commits == [[("hold", 1, 4)], [("capture", 1, 3)]]
    assert (told[1:], world.free) == ([(True, 0)], 7)


async def test_holds_of_both_ways_share_a_commit_in_their_order() -> None:
    world = World(granted=100)
    told: list[str] = []
    task = world.start(5)
    await turns(1)
    lease = take_now(world, 6)
    assert lease is not None
    world.meter.hold_now(KEY, lease=lease, amount_nanos=6, request_id="req_2", committed=lambda is_committed: told.append("now"))
    assert not task.done()
    await task
    assert told == ["now"]
    assert world.journal.commits == [[("hold", 1, 5), ("hold", 2, 6)]]


async def test_money_that_is_not_there_is_neither_taken_nor_asked_for() -> None:
    world = World(granted=3)
    assert take_now(world, 4) is None
    assert (world.free, world.journal.staged, world.sent) == (3, [], [])
    assert take_now(world, 3) is not None
    assert take_now(world, 0) is not None  # a free model needs none


async def test_money_given_back_serves_who_waits() -> None:
    world = World(granted=5)
    lease = take_now(world, 4)
    assert lease is not None
    task = world.start(3)
    await turns()
    assert not task.done()
    world.meter.give_back(lease, 4)
    assert (await task).seq == 1
    assert lease.open_holds == 1
    assert world.free == 2


async def test_nothing_is_taken_at_once_out_of_a_period_that_is_over() -> None:
    world = World(granted=10)
    assert take_now(world, ends_at=world.now + 5) is not None
    world.now += 5
    assert take_now(world, ends_at=world.now) is None
    assert [message for message in world.sent if isinstance(message, Return)] == [Return((LeaseTotals("key_k", "all", 10, 6),))]


async def test_bounds_and_a_shutdown_hold_for_holds_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(granted=100)
    with monkeypatch.context() as bounds:
        bounds.setattr(module, "MAX_BACKLOG_RECORDS", 0)
        assert take_now(world) is not None  # nothing is behind yet
        await world.hold()
        assert take_now(world) is None
    with monkeypatch.context() as bounds:
        bounds.setattr(leases_module, "MAX_LEASES", 1)
        other = msgspec.structs.replace(KEY, id="key_other")
        assert world.meter.take_now(other, period="all", period_ends_at=None, amount_nanos=0) is None
    assert take_now(world) is not None
    world.meter.stop()
    assert take_now(world) is None


async def test_a_hold_taken_at_once_hears_of_a_commit_that_fails() -> None:
    world = World(granted=10)
    told: list[bool] = []
    lease = take_now(world)
    assert lease is not None
    world.journal.fails = True
    world.meter.hold_now(KEY, lease=lease, amount_nanos=4, request_id="req_1", committed=told.append)
    await turns()
    assert told == [False]
    assert [str(error) for error in world.broken] == ["disk full"]
    assert take_now(world) is None


async def test_who_fails_to_hear_of_its_hold_keeps_no_other_from_it() -> None:
    world = World(granted=100)
    told: list[bool] = []
    faults: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(str(context["exception"])))

    def fail(is_committed: bool) -> None:
        raise RuntimeError("a fault of ours")

    before = await world.hold()
    for committed in (told.append, fail, told.append):
        lease = take_now(world)
        assert lease is not None
        world.meter.hold_now(KEY, lease=lease, amount_nanos=4, request_id="req_1", committed=committed)
    world.meter.capture(before, amount_nanos=1, facts=facts(), committed=lambda: told.append(True))
    await turns()
    assert (told, faults) == ([True, True, True], ["a fault of ours"])


async def test_shutdown_returns_everything_and_waits_until_all_is_posted() -> None:
    world = World(granted=10)
    hold = await world.hold(4)
    world.meter.capture(hold, amount_nanos=3, facts=facts(), committed=lambda: None)
    closing = asyncio.create_task(world.meter.close(5))
    await turns()
    assert not closing.done()
    with pytest.raises(Overloaded):
        await world.hold()
    assert world.sent == [Return((LeaseTotals("key_k", "all", 10, 7),))]
    world.say(10, posted_seq=2)
    assert await closing
    assert world.journal.closed


async def test_shutdown_does_not_wait_for_ever_for_the_book() -> None:
    world = World(granted=10)
    await world.hold(4)
    closing = asyncio.create_task(world.meter.close(5))
    await turns()
    world.now += 6
    assert not await closing
    assert world.journal.closed


async def test_idle_money_goes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_CHECK_S", 0.001)
    world = World(granted=10)
    world.now += leases_module.IDLE_RETURN_S
    returned = asyncio.Event()
    world.leases.connected(lambda message: (world.sent.append(message), returned.set())[0], incarnation="inc_1", node="here")
    world.sent.clear()
    returned.clear()
    world.say(10)
    world.meter.start()
    async with asyncio.timeout(30):
        await returned.wait()
    assert world.sent == [Return((LeaseTotals("key_k", "all", 10, 10),))]
    await world.meter.drain(0)


async def test_a_revoked_key_gives_its_money_back() -> None:
    world = World(granted=10)
    world.meter.keys_changed(["key_k"])
    assert world.sent == [Return((LeaseTotals("key_k", "all", 10, 10),))]
