"""The relay's leases: totals, waiters, asks, recalls and periods, each rule by the symptom of its absence."""

from collections.abc import Callable

import pytest

from modelgate.metering import leases as module
from modelgate.metering.leases import Lease, Leases, TooManyWaiters, Waiter
from modelgate.metering.messages import Ask, Granted, Hello, LeaseTotals, PeriodOver, Recall, Refused, Return, ToBook, Totals

KEY, ALL = "key_k", "all"


class World:
    """A relay's leases, what they sent, and what became of waiters. `grant` plays the book."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sent: list[ToBook] = []
        self.log: list[str] = []
        self.leases = Leases(clock=lambda: self.now)
        self.connect()

    def connect(self, *totals: LeaseTotals, answer: bool = True) -> Hello:
        self.sent.clear()
        self.leases.connected(self.sent.append, incarnation="inc_1", node="here")
        hello = self.sent.pop()
        assert isinstance(hello, Hello)
        if answer:
            self.leases.on_message(Totals(0, totals))
        return hello

    def take(self, amount: int, *, period: str = ALL, ends_at: float | None = None) -> tuple[Lease, bool]:
        return self.leases.take(KEY, period, ends_at=ends_at, amount_nanos=amount)

    def wait(self, name: str, amount: int, *, period: str = ALL, ends_at: float | None = None, key: str = KEY) -> Waiter:
        lease, taken = self.leases.take(key, period, ends_at=ends_at, amount_nanos=amount)
        assert not taken
        waiter = Waiter(
            lease,
            amount,
            served=lambda lease: self.log.append(f"{name} served from {lease.period}"),
            refused=lambda reason: self.log.append(f"{name} refused: {reason}"),
        )
        self.leases.wait(waiter)
        return waiter

    def ask(self) -> Ask:
        """Take out the only ask that was sent."""
        (ask,) = [message for message in self.sent if isinstance(message, Ask)]
        self.sent.remove(ask)
        return ask

    def grant(self, n: int, granted: int, *, returned: int = 0, period: str = ALL, key: str = KEY) -> None:
        self.leases.on_message(Granted(n, 0, (LeaseTotals(key, period, granted, returned),)))

    def recall(self, granted: int, *, returned: int = 0, round: int = 1) -> Return:
        self.leases.on_message(Recall("acct_a", round, 0, (LeaseTotals(KEY, ALL, granted, returned),)))
        answer = self.sent.pop()
        assert isinstance(answer, Return)
        assert (answer.round, answer.account) == (round, "acct_a")
        return answer


@pytest.fixture
def world() -> World:
    return World()


def lease_with(world: World, granted: int) -> Lease:
    world.leases.on_message(Totals(0, (LeaseTotals(KEY, ALL, granted, 0),)))
    return world.take(0)[0]


# ---- money on this side


def test_a_hold_needs_its_whole_amount_and_takes_it(world: World) -> None:
    lease = lease_with(world, 10)
    assert world.take(4) == (lease, True)
    assert world.take(7) == (lease, False)
    assert world.take(6) == (lease, True)
    assert lease.free_nanos == 0
    assert world.take(1) == (lease, False)


def test_a_capture_below_its_hold_leaves_the_rest_free(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    world.leases.settle(lease, 10, 3)
    assert lease.free_nanos == 7
    assert lease.used_nanos == 3


def test_an_overrun_makes_free_money_negative_until_the_book_covers_it(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    world.leases.settle(lease, 10, 14)
    assert lease.free_nanos == -4
    waiter = world.wait("a", 5)
    assert world.ask().need_nanos == 19
    assert waiter in lease.waiters
    world.leases.on_message(Totals(2, (LeaseTotals(KEY, ALL, 14, 0),)))
    assert lease.free_nanos == 0


def test_a_free_model_needs_no_money_even_after_an_overrun(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    world.leases.settle(lease, 10, 14)
    assert world.take(0) == (lease, True)
    assert world.take(0, period="2026-11", ends_at=world.now - 1)[1]


# ---- totals, not deltas


def test_a_repeated_or_older_message_changes_nothing(world: World) -> None:
    lease = lease_with(world, 10)
    for granted in (10, 4, 10):
        world.leases.on_message(Totals(7, (LeaseTotals(KEY, ALL, granted, 0),)))
    assert lease.granted_nanos == 10
    world.leases.on_message(Totals(3))
    assert world.leases.posted_seq == 7


def test_a_grant_whose_news_was_lost_is_learned_from_hello(world: World) -> None:
    """The book committed a grant and died; the relay never learned of it, and 3 lay idle while another was refused."""
    world.connect(LeaseTotals(KEY, ALL, 3, 0))
    assert world.take(3)[1]


def test_a_recall_about_a_lease_never_heard_of_gives_it_back(world: World) -> None:
    """Without totals in the recall the relay answered "nothing free" about a lease it did not know it had."""
    answer = world.recall(3)
    assert answer.leases == (LeaseTotals(KEY, ALL, 3, 3),)
    assert not world.take(1)[1]


def test_a_return_that_was_lost_is_said_again_as_the_same_total(world: World) -> None:
    """With returns as deltas, one posted twice left a lease of 0 with an open hold of 2."""
    lease_with(world, 5)
    world.take(2)
    assert world.recall(5).leases == (LeaseTotals(KEY, ALL, 5, 3),)
    assert world.recall(5).leases == (LeaseTotals(KEY, ALL, 5, 3),)
    assert world.connect().leases == (LeaseTotals(KEY, ALL, 5, 3),)
    assert world.connect(LeaseTotals(KEY, ALL, 5, 3)).leases == (LeaseTotals(KEY, ALL, 5, 3),)
    assert world.connect().leases == (), "the book has said that it is posted"


# ---- asking


def test_an_ask_names_its_need_as_a_total(world: World) -> None:
    """Asking for the missing part, two relays with a remainder each were recalled while they asked, and never got enough."""
    lease = lease_with(world, 10)
    world.take(6)
    world.leases.settle(lease, 6, 5)
    world.take(4)
    world.wait("a", 3)
    ask = world.ask()
    assert (ask.n, ask.key, ask.period, ask.need_nanos) == (1, KEY, ALL, 5 + 4 + 3)
    assert ask.want_nanos >= ask.need_nanos


def test_no_ask_is_sent_before_hello_is_answered(world: World) -> None:
    world.connect(answer=False)
    world.wait("a", 3)
    assert world.sent == []
    world.leases.on_message(Totals(0))
    assert world.ask().need_nanos == 3


def test_an_ask_dies_with_its_connection_and_is_sent_again_on_the_next(world: World) -> None:
    world.wait("a", 3)
    first = world.ask()
    world.leases.disconnected()
    world.connect(answer=False)
    assert world.sent == []
    world.leases.on_message(Totals(0))
    second = world.ask()
    assert second.n > first.n
    assert second.need_nanos == 3


def test_a_smaller_hold_that_comes_later_replaces_the_ask(world: World) -> None:
    world.wait("large", 9)
    first = world.ask()
    world.wait("small", 2)
    second = world.ask()
    assert (second.n, second.need_nanos) == (first.n + 1, 2)
    world.leases.on_message(Refused(first.n, "balance", 0, ()))
    assert world.log == []
    world.grant(second.n, 2)
    assert world.log == ["small served from all"]
    assert world.ask().need_nanos == 2 + 9


def test_those_who_come_while_an_ask_is_under_way_wait_for_its_answer(world: World) -> None:
    for name in "abc":
        world.wait(name, 3)
    assert len(world.sent) == 1
    ask = world.ask()
    world.grant(ask.n, 6)
    assert world.log == ["a served from all", "b served from all"]
    assert world.ask().need_nanos == 9


def test_the_want_follows_recent_use_and_is_bounded(world: World) -> None:
    world.wait("a", 100)
    first = world.ask()
    assert first.want_nanos == 100 + module.FIRST_PREFETCH_HOLDS * 100
    world.grant(first.n, 10_000)
    for _ in range(99):
        assert world.take(100)[1]
    world.now += 1.0
    world.wait("b", 100)
    ask = world.ask()
    assert ask.want_nanos - ask.need_nanos == int(100 * 100 * module.PREFETCH_S)
    world.grant(ask.n, ask.need_nanos)
    world.wait("huge", module.MAX_PREFETCH_NANOS)
    ask = world.ask()
    assert ask.want_nanos - ask.need_nanos == module.MAX_PREFETCH_NANOS


# ---- serving


def test_waiters_are_served_inside_the_call_that_brings_the_money(world: World) -> None:
    """Served a turn later, a recall took the fresh grant away before its use; two relays swapped one unit for ever."""
    world.wait("a", 3)
    n = world.ask().n
    world.grant(n, 3)
    assert world.log == ["a served from all"]
    assert world.recall(3).leases == (LeaseTotals(KEY, ALL, 3, 0),)


def test_a_recall_that_brings_money_serves_waiters_before_it_is_answered(world: World) -> None:
    world.wait("a", 3)
    world.ask()
    answer = world.recall(5)
    assert world.log == ["a served from all"]
    assert answer.leases == (LeaseTotals(KEY, ALL, 5, 2),)


def test_waiters_are_served_in_order_and_a_large_one_does_not_stop_a_small_one(world: World) -> None:
    for name, amount in (("a", 3), ("big", 50), ("b", 3), ("c", 3)):
        world.wait(name, amount)
    n = world.ask().n
    world.grant(n, 7)
    assert world.log == ["a served from all", "b served from all"]
    ask = world.ask()
    assert ask.need_nanos == 6 + 3
    world.grant(ask.n, 9)
    assert world.log[2:] == ["c served from all"]


def test_what_a_hold_leaves_over_serves_a_waiter_here(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    world.wait("a", 4)
    n = world.ask().n
    world.leases.settle(lease, 10, 6)
    assert world.log == ["a served from all"]
    world.leases.on_message(Refused(n, "balance", 0, ()))
    assert world.log == ["a served from all"], "the ask went with its waiter"


def test_a_grant_that_came_too_late_is_followed_by_an_ask_for_what_is_needed_now(world: World) -> None:
    """One ask shared by successive waiters: the second waited for ever."""
    first = world.wait("a", 3)
    ask = world.ask()
    world.wait("b", 5)
    world.leases.give_up(first)
    world.grant(ask.n, 3)
    assert world.log == []
    assert world.ask().need_nanos == 5


# ---- refusing


def test_a_refusal_is_for_those_only_who_waited_when_its_ask_was_sent(world: World) -> None:
    world.leases.disconnected()
    for name in "abc":
        world.wait(name, 3)
    world.connect()
    n = world.ask().n
    world.wait("late", 3)
    world.leases.on_message(Refused(n, "limit", 0, ()))
    assert world.log == [f"{name} refused: limit" for name in "abc"]
    assert world.ask().n > n


def test_a_refusal_of_an_abandoned_ask_does_not_hit_the_next_waiter(world: World) -> None:
    waiter = world.wait("a", 3)
    first = world.ask().n
    world.leases.give_up(waiter)
    world.wait("b", 3)
    second = world.ask().n
    assert second != first
    world.leases.on_message(Refused(first, "balance", 0, ()))
    assert world.log == []
    world.leases.on_message(Refused(second, "balance", 0, ()))
    assert world.log == ["b refused: balance"]


def test_a_refusal_does_not_reach_who_needs_less_than_what_was_refused(world: World) -> None:
    """Money came free here after the ask: the total that was refused is more than what is needed now."""
    lease = lease_with(world, 10)
    world.take(10)
    world.leases.disconnected()
    world.wait("a", 8)
    world.wait("b", 8)
    world.connect(LeaseTotals(KEY, ALL, 10, 0))
    ask = world.ask()
    assert ask.need_nanos == 18
    world.leases.settle(lease, 10, 5)  # 5 free: not enough for either
    world.leases.on_message(Refused(ask.n, "balance", 0, ()))
    assert world.log == []
    assert world.ask().need_nanos == 13


def test_a_refusal_that_brings_totals_serves_before_it_refuses(world: World) -> None:
    world.wait("a", 3)
    n = world.ask().n
    world.leases.on_message(Refused(n, "balance", 0, (LeaseTotals(KEY, ALL, 3, 0),)))
    assert world.log == ["a served from all"]


def test_giving_up_twice_or_after_service_is_nothing(world: World) -> None:
    waiter = world.wait("a", 3)
    world.grant(world.ask().n, 3)
    world.leases.give_up(waiter)
    world.leases.give_up(waiter)
    assert world.take(0)[0].used_nanos == 3


def test_an_ask_nobody_answered_is_put_anew_when_one_of_its_waiters_gives_up(world: World) -> None:
    """The book forgets an ask after 250 ms; those who came meanwhile waited for an answer that never came."""
    first = world.wait("a", 3)
    ask = world.ask()
    world.now += module.STALE_ASK_S
    world.wait("b", 3)
    world.wait("c", 3)
    assert world.sent == []
    world.leases.give_up(first)
    again = world.ask()
    assert again.n > ask.n


# ---- giving back


def test_a_recall_takes_all_that_is_free_and_nothing_that_is_held(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(4)
    assert world.recall(10, round=7).leases == (LeaseTotals(KEY, ALL, 10, 6),)
    assert lease.free_nanos == 0


def test_a_recall_is_answered_also_when_nothing_is_free_or_less_than_nothing(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    world.leases.settle(lease, 10, 14)
    assert world.recall(10).leases == (LeaseTotals(KEY, ALL, 10, 0),)


def test_idle_money_goes_back_unasked_after_its_time(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(4)
    world.leases.return_idle()
    world.now += module.IDLE_RETURN_S - 1
    world.leases.return_idle()
    assert world.sent == []
    world.now += 1
    world.leases.return_idle()
    assert world.sent == [Return((LeaseTotals(KEY, ALL, 10, 6),))]
    world.leases.return_idle()
    assert len(world.sent) == 1
    assert lease.free_nanos == 0


def test_money_in_use_is_not_idle(world: World) -> None:
    lease_with(world, 100)
    for _ in range(5):
        world.take(1)
        world.now += module.IDLE_RETURN_S - 1
        world.leases.return_idle()
    assert world.sent == []


def test_nothing_goes_back_without_a_connection_but_is_said_at_the_next(world: World) -> None:
    lease = lease_with(world, 10)
    world.leases.disconnected()
    world.now += 100
    world.leases.return_idle()
    world.leases.return_all()
    assert lease.free_nanos == 10


def test_a_revoked_key_gives_back_its_money_alone(world: World) -> None:
    lease_with(world, 10)
    world.leases.on_message(Totals(0, (LeaseTotals("key_other", ALL, 5, 0),)))
    world.leases.return_all([KEY])
    assert world.sent == [Return((LeaseTotals(KEY, ALL, 10, 10),))]
    world.leases.return_all([])
    assert len(world.sent) == 1


def test_at_shutdown_everything_free_goes_back(world: World) -> None:
    lease_with(world, 10)
    world.leases.on_message(Totals(0, (LeaseTotals("key_other", ALL, 5, 0),)))
    world.take(1)
    world.leases.return_all()
    assert world.sent == [Return((LeaseTotals(KEY, ALL, 10, 9), LeaseTotals("key_other", ALL, 5, 5)))]


# ---- periods


def open_period(world: World, *, granted: int = 10, ends_at: float = 1100.0) -> Lease:
    lease, _ = world.take(0, period="mon", ends_at=ends_at)
    world.leases.on_message(Totals(0, (LeaseTotals(KEY, "mon", granted, 0),)))
    return lease


def test_no_hold_is_taken_from_a_period_that_is_over(world: World) -> None:
    """A reset with leases out: 2 spent in a period limited to 1."""
    lease = open_period(world)
    assert world.take(4, period="mon", ends_at=1100.0)[1]
    world.now = 1100.0
    world.wait("a", 4, period="mon", ends_at=1100.0)
    ask = world.ask()
    assert (ask.period, ask.need_nanos) == ("mon", 8)
    assert world.sent == [Return((LeaseTotals(KEY, "mon", 10, 6),))], "its free part goes back"
    assert lease.open_holds == 2


def test_waiters_of_a_period_that_is_over_ask_under_the_new_one(world: World) -> None:
    lease = open_period(world)
    world.now = 1100.0
    world.wait("a", 4, period="mon", ends_at=1100.0)
    n = world.ask().n
    world.leases.on_message(PeriodOver(n, KEY, "tue", 1200.0, 0, (LeaseTotals(KEY, "mon", 10, 10),)))
    ask = world.ask()
    assert (ask.period, ask.need_nanos) == ("tue", 4)
    world.grant(ask.n, 20, period="tue")
    assert world.log == ["a served from tue"]
    later, taken = world.take(4, period="mon", ends_at=1100.0)  # a caller whose key was looked up yesterday
    assert taken
    assert later.period == "tue"
    assert lease.free_nanos == 0


def test_a_book_whose_clock_is_ahead_ends_the_period_early(world: World) -> None:
    open_period(world, granted=3)
    world.wait("a", 4, period="mon", ends_at=1100.0)
    n = world.ask().n
    world.leases.on_message(PeriodOver(n, KEY, "tue", 1200.0, 0, ()))
    assert world.ask().period == "tue"
    assert world.sent == [Return((LeaseTotals(KEY, "mon", 3, 3),))]
    assert world.take(1, period="mon", ends_at=1100.0)[0].period == "tue"


def test_a_book_whose_clock_is_behind_may_still_grant_out_of_the_old_period(world: World) -> None:
    open_period(world, granted=0)
    world.now = 1100.0
    world.wait("a", 4, period="mon", ends_at=1100.0)
    world.grant(world.ask().n, 4, period="mon")
    assert world.log == ["a served from mon"]


def test_the_rest_of_a_period_that_is_over_goes_back_and_its_lease_is_forgotten(world: World) -> None:
    lease = open_period(world)
    world.take(4, period="mon", ends_at=1100.0)
    world.now = 1100.0
    world.leases.return_idle()
    assert world.sent == [Return((LeaseTotals(KEY, "mon", 10, 6),))]
    world.leases.settle(lease, 4, 4)
    world.leases.settle(lease, 0, 0)
    world.leases.return_idle()
    assert len(world.leases) == 1, "the book has not said that it heard of the return"
    world.leases.on_message(Totals(0, (LeaseTotals(KEY, "mon", 10, 6),)))
    world.leases.return_idle()
    assert len(world.leases) == 0


def test_open_holds_stay_with_the_period_they_were_taken_in(world: World) -> None:
    lease = open_period(world)
    world.take(4, period="mon", ends_at=1100.0)
    world.now = 1100.0
    world.leases.return_idle()
    world.leases.settle(lease, 4, 2)
    world.leases.return_idle()
    assert world.sent[-1] == Return((LeaseTotals(KEY, "mon", 10, 8),))


# ---- bounds


def test_the_number_of_waiters_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITERS", 2)
    first = world.wait("a", 3)
    world.wait("b", 3, key="key_other")
    with pytest.raises(TooManyWaiters):
        world.wait("c", 3)
    world.leases.give_up(first)
    world.wait("c", 3)


def test_the_number_of_leases_is_bounded_but_not_what_the_book_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LEASES", 1)
    world.take(0)
    with pytest.raises(TooManyWaiters):
        world.take(0, period="other")
    world.leases.on_message(Totals(0, (LeaseTotals("key_other", ALL, 5, 0),)))
    assert len(world.leases) == 2


def test_a_waiter_that_resolves_others_while_it_is_served_disturbs_nobody(world: World) -> None:
    lease = lease_with(world, 10)
    world.take(10)
    log: list[str] = []

    def queue(name: str, amount: int, then: Callable[[], None] = lambda: None) -> Waiter:
        def served(_: Lease) -> None:
            log.append(name)
            then()

        waiter = Waiter(lease, amount, served=served, refused=lambda reason: log.append(reason))
        world.leases.wait(waiter)
        return waiter

    second = None
    queue("a", 3, lambda: world.leases.give_up(second) if second else None)
    second = queue("b", 3)
    queue("c", 3)
    world.leases.settle(lease, 10, 0)
    assert log == ["a", "c"]
