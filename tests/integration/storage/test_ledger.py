"""The money protocol at work: relays and books on a real database. Kill points and random walks have files of their own.

Tests named for a symptom are the traps of the protocol: each was once a rule that seemed fine.
"""

import os
from functools import partial

import msgspec
import pytest
from sqlalchemy import Connection, select, update
from tests.integration.storage.conftest import NOW, SimBook, SimRelay, World, run_now

from modelgate.core.leases import LeaseReport
from modelgate.core.records import RequestFacts
from modelgate.metering.book import ASK_WAITS_S
from modelgate.metering.messages import Ask, Fenced, Hello, Refused, Return, ToBook
from modelgate.storage import ledger, ledger_recovery, ledger_tasks
from modelgate.storage.database import Database
from modelgate.storage.journal import segment_name
from modelgate.storage.ledger import IdempotencyConflict
from modelgate.storage.ledger_tasks import ShortOfMoney
from modelgate.storage.schema import money
from modelgate.storage.schema.identity import api_key

DAY_S = 86_400.0


def captures(relay: SimRelay, amount_nanos: int) -> None:
    for hold in list(relay.open):
        relay.capture(hold, amount_nanos)


def exchange(world: World, relay: SimRelay) -> None:
    """Deliver what is under way between one relay and its book; nothing else happens."""
    while relay.up or relay.down:
        if relay.up:
            world.deliver_up(relay)
        else:
            relay.hear()


def outcomes(world: World) -> dict[str, int]:
    rows = world.database.read(lambda connection: connection.execute(select(money.request_record)).all())
    return {outcome: sum(row.outcome == outcome for row in rows) for outcome in {row.outcome for row in rows}}


# --- the usual


def test_a_request_is_held_captured_and_posted(world: World) -> None:
    world.prepay(100)
    relay = world.relay()
    relay.request(10)
    world.settle()
    assert relay.served == 1
    relay.capture(1, 7)
    world.settle()
    world.check()
    report = world.end()
    assert (world.balance(), report.records, report.books[0].revenue_nanos) == (93, 1, 7)


def test_exactly_the_payable_requests_are_served(world: World) -> None:
    world.prepay(10)
    relays = [world.relay() for _ in range(4)]
    for number in range(40):
        relays[number % 4].request(1)
    for _ in range(20):
        world.settle()
        for relay in relays:
            captures(relay, 1)
    assert sum(relay.served for relay in relays) == 10
    assert [reason for relay in relays for reason in relay.refused] == ["balance"] * 30
    world.end()
    assert world.balance() == 0


def test_an_account_that_pays_later_goes_below_zero(world: World) -> None:
    relay = world.relay()
    relay.request(1_000)
    world.settle()
    captures(relay, 900)
    world.end()
    assert world.balance() == -900


def test_a_key_limit_refuses_though_the_balance_would_do(world: World) -> None:
    world.add_key("key_b", limit_nanos=25)
    one, two = world.relay(), world.relay()
    for _ in range(2):
        one.request(10, key="key_b")
        two.request(10, key="key_b")
    world.settle()
    assert one.served + two.served == 2
    assert one.refused + two.refused == ["limit", "limit"]
    world.end()


def test_a_prepaid_account_gives_no_more_ahead_than_a_share(world: World) -> None:
    world.prepay(1_000)
    one, two = world.relay(), world.relay()
    one.request(1)
    two.request(1)
    world.settle()
    assert (one.served, two.served) == (1, 1)
    world.check()
    assert world.balance() > 700


def test_released_money_serves_who_waits_elsewhere(world: World) -> None:
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    one.release(1)
    two.request(10)
    world.settle()
    assert two.served == 1
    world.end()
    assert outcomes(world) == {"released": 1, "orphaned": 1}


def test_a_payment_serves_who_waits(world: World) -> None:
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    two.request(10)
    exchange(world, two)
    assert not two.served
    assert not two.refused
    world.pay(10)
    run_now(world.books[0].engine.tick())
    exchange(world, two)
    assert two.served == 1


def test_an_ask_nobody_waits_for_any_more_is_forgotten(world: World) -> None:
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    two.request(10)
    world.deliver_up(two)
    exchange(world, two)
    world.now += ASK_WAITS_S + 1.0
    run_now(world.books[0].engine.tick())
    world.pay(50)
    run_now(world.books[0].engine.tick())
    assert not any(type(message).__name__ == "Granted" for message in two.down)


def test_use_above_the_hold_is_charged_in_full_and_covered(world: World) -> None:
    world.prepay(10)
    relay = world.relay()
    relay.request(10)
    world.settle()
    captures(relay, 14)
    report = world.end()
    assert world.balance() == -4
    assert any("1 covers" in note.text for note in report.notes)
    assert any("overrun" in note.text for note in report.notes)


def test_orphans_cost_nothing_or_their_hold(world: World) -> None:
    world.prepay(100)
    for charged in (False, True):
        world.charges_orphans = charged
        relay = world.relay()
        relay.request(10)
        world.settle()
        relay.kill()
        world.settle()
        world.check()
    report = world.end()
    assert outcomes(world) == {"orphaned": 2}
    assert world.balance() == 90
    assert report.books[0].revenue_nanos == 10


@pytest.mark.parametrize("charges_orphans", [False, True])
def test_records_a_power_cut_took_after_they_were_posted_are_noted(world: World, charges_orphans: bool) -> None:
    """The journal ends before the watermark: nothing is charged twice, no resolved hold becomes an orphan."""
    world.charges_orphans = charges_orphans
    world.prepay(100)
    relay = world.relay()
    relay.request(10)
    world.settle()
    captures(relay, 10)
    world.settle()
    (segment,) = relay.journal.directory.glob("*.log")
    os.truncate(segment, os.path.getsize(segment) - 1)
    relay.kill()
    report = world.end()
    assert outcomes(world) == {"captured": 1}
    assert world.balance() == 90
    assert any("lost its last 1 records" in note.text for note in report.notes)


# --- disks that are lost


def test_an_abandoned_incarnation_is_charged_late_when_its_disk_turns_up(world: World) -> None:
    world.prepay(100)
    relay = world.relay()
    for _ in range(3):
        relay.request(10)
    exchange(world, relay)
    relay.capture(1, 10)
    relay.capture(2, 25)
    relay.kill()
    assert world.database.run(ledger_recovery.abandon, incarnation_id=relay.incarnation, now=NOW) is not None
    assert world.balance() == 100
    assert world.database.run(ledger_recovery.abandon, incarnation_id=relay.incarnation, now=NOW) is None
    report = world.end()
    assert world.balance() == 65
    assert outcomes(world) == {"captured": 2, "orphaned": 1}
    assert any("late" in note.text for note in report.notes)


def test_an_abandoned_relay_that_lives_is_fenced(world: World) -> None:
    world.prepay(100)
    relay = world.relay()
    relay.request(10)
    world.settle()
    world.database.run(ledger_recovery.abandon, incarnation_id=relay.incarnation, now=NOW)
    relay.request(90)
    world.settle()
    assert relay.fenced


# --- periods and limits


def test_a_period_that_is_over_is_charged_for_what_began_in_it(world: World) -> None:
    """The wrong rule, a reset that clears what is set aside, let 2 be spent in a period limited to 1."""
    world.resets = "daily"
    world.add_key("key_d", limit_nanos=10, limit_reset="daily")
    relay = world.relay()
    relay.request(10, key="key_d")
    world.settle()
    world.now += DAY_S
    relay.request(10, key="key_d")
    world.settle()
    assert relay.served == 2
    captures(relay, 10)
    world.settle()
    world.check()
    rows = world.database.read(lambda connection: connection.execute(select(money.key_period).order_by(money.key_period.c.period)).all())
    assert [(row.spent_nanos, row.limit_nanos) for row in rows] == [(10, 10), (10, 10)]


def test_an_ask_for_a_period_that_is_over_hears_the_current_one(world: World) -> None:
    world.add_key("key_d", limit_nanos=10, limit_reset="daily")
    world.resets = "daily"
    relay = world.relay()
    world.settle()
    relay.request(10, key="key_d")
    world.now += DAY_S  # the ask is still in the socket
    world.settle()
    assert relay.served == 1
    (hold,) = relay.open.values()
    assert hold[0].period == "2026-11-19"


def test_an_ask_that_waits_while_the_period_ends_goes_on_in_the_next(world: World) -> None:
    world.resets = "daily"
    world.add_key("key_d", limit_nanos=10, limit_reset="daily")
    one, two = world.relay(), world.relay()
    one.request(10, key="key_d")
    world.settle()
    two.request(10, key="key_d")
    world.deliver_up(two)  # Hello was taken before: this is the ask, and it waits for a recall
    assert not two.down
    world.now += DAY_S
    world.books[0].engine._clock = lambda: world.now - DAY_S + 0.1  # it has not waited long
    run_now(world.books[0].engine.tick())
    exchange(world, two)
    assert two.served == 1
    assert not two.refused
    world.check()


def test_a_lowered_limit_counts_from_the_next_grant_on(world: World) -> None:
    world.add_key("key_b", limit_nanos=100)
    relay = world.relay()
    relay.request(10, key="key_b")
    world.settle()

    def lower(connection: Connection) -> None:
        connection.execute(update(api_key).where(api_key.c.id == "key_b").values(limit_nanos=5))

    world.database.run(lower)
    world.database.run(ledger.key_limit_lowered, account=world.account, book="test", now=world.now)
    run_now(world.books[0].engine.tick())
    exchange(world, relay)
    relay.request(10, key="key_b")
    world.settle()
    assert relay.refused == ["limit"]
    world.check()
    world.end()


def test_a_lower_credit_limit_is_no_error_of_the_book(world: World) -> None:
    relay = world.relay()
    relay.request(50)
    world.settle()
    captures(relay, 50)
    world.settle()
    world.database.run(ledger.set_credit_limit, account=world.account, book="test", credit_limit_nanos=10, now=world.now)
    world.settle()
    world.check()
    relay.request(500)
    world.settle()
    assert relay.refused == ["balance"]
    world.end()


# --- media holds beside relays


def test_a_media_hold_gets_the_idle_money_of_relays(world: World) -> None:
    world.prepay(10)
    relay = world.relay()
    relay.request(10)
    world.settle()
    relay.release(1)
    task = {"task": "task_1", "account": world.account, "book": "test", "key": "key_a", "period": "all", "limit_nanos": None}
    with pytest.raises(ShortOfMoney) as caught:
        world.database.run(ledger_tasks.open_task_hold, amount_nanos=10, **task)
    assert not caught.value.final
    number = world.database.run(ledger_tasks.raise_round, account=world.account, book="test")
    owner = {"account": world.account, "book": "test", "recall_round": number}
    assert not world.database.read(ledger_tasks.round_complete, **owner)
    run_now(world.books[0].engine.tick())
    exchange(world, relay)
    assert world.database.read(ledger_tasks.round_complete, **owner)
    world.database.run(ledger_tasks.open_task_hold, amount_nanos=10, recall_round=number, **task)
    world.database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=4)
    world.end()
    assert world.balance() == 6


def test_a_media_hold_is_refused_only_after_the_round(world: World) -> None:
    world.prepay(10)
    relay = world.relay()
    relay.request(10)
    world.settle()
    number = world.database.run(ledger_tasks.raise_round, account=world.account, book="test")
    task = {"task": "task_1", "account": world.account, "book": "test", "key": "key_a", "period": "all", "limit_nanos": None}
    for is_answered in (False, True):
        with pytest.raises(ShortOfMoney) as caught:
            world.database.run(ledger_tasks.open_task_hold, amount_nanos=10, recall_round=number, **task)
        assert caught.value.final == is_answered
        run_now(world.books[0].engine.tick())
        exchange(world, relay)
    world.check()


# --- traps


def test_a_refusal_waits_for_a_dead_relay_to_be_recovered(world: World) -> None:
    """Skipping a dead relay that is not recovered yet: refused while its lease holds all the money."""
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    one.release(1)
    one.kill()
    two.request(10)
    exchange(world, two)
    run_now(world.books[0].engine.tick())
    assert not two.refused
    world.settle()
    assert two.served == 1


def test_a_lease_that_is_being_closed_still_counts(world: World) -> None:
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    one.release(1)
    world.database.run(ledger_recovery.begin_closing, incarnation_id=one.incarnation, node="node", now=world.now)
    two.request(10)
    exchange(world, two)
    run_now(world.books[0].engine.tick())
    assert not two.refused
    one.kill()
    world.settle()
    assert two.served == 1


def test_an_answer_that_quotes_an_older_grant_does_not_count(world: World) -> None:
    world.prepay(10)
    relay = world.relay()
    relay.request(2)
    world.settle()
    (held,) = (lease.totals() for lease in relay.leases._leases.values())

    def answered(granted_nanos: int) -> int:
        report = LeaseReport("key_a", "all", granted_nanos, 0, round=9)
        step = {"incarnation_id": relay.incarnation, "reports": [report], "now": world.now}
        standing = world.database.run(ledger.post_returns, **step)
        assert standing is not None
        return standing.leases[0].answered_round

    assert answered(held.granted_nanos - 1) == 0
    assert answered(held.granted_nanos) == 9


def test_an_answer_does_not_outlive_a_grant(world: World) -> None:
    """A relay answers round 1, is granted money whose waiter has left; another is refused while that money lies idle."""
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(1)
    world.settle()
    number = world.database.run(ledger_tasks.raise_round, account=world.account, book="test")
    run_now(world.books[0].engine.tick())
    exchange(world, one)
    assert world.database.read(ledger_tasks.round_complete, account=world.account, book="test", recall_round=number)
    one.request(5)
    world.deliver_up(one)  # the grant is on its way
    assert not world.database.read(ledger_tasks.round_complete, account=world.account, book="test", recall_round=number)
    one.give_up()
    two.request(8)
    world.settle()
    assert two.served == 1
    assert not two.refused


def test_an_ask_and_a_recall_that_cross_do_not_chase_each_other(world: World) -> None:
    """The answer to the recall took part of the grant back, so the relay asked for the rest, and the next recall took that, …"""
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(1)
    world.settle()
    two.request(9)
    exchange(world, two)
    one.request(5)
    while one.down:  # it hears the recall after it has asked
        one.hear()
    assert [type(message) for message in one.up] == [Ask, Return]
    taken = 0
    while one.up or one.down:
        taken += 1
        assert taken < 20, "asks and recalls go on for ever"
        if one.up:
            world.deliver_up(one)
        else:
            one.hear()
    world.settle()
    world.check()
    assert one.served == 2
    assert two.refused == ["balance"]
    world.end()


def test_two_relays_with_remainders_do_not_take_from_each_other_for_ever(world: World) -> None:
    """Asks for the missing part: both are recalled while asking, each is granted 1, both again too poor: endless rounds."""
    world.prepay(3)
    one, two = world.relay(), world.relay()
    one.request(1)
    two.request(1)
    world.settle()
    for relay in (one, two):
        relay.release(1)
        relay.request(2)
        relay.request(2)
    world.settle()
    rounds = world.database.read(lambda connection: connection.execute(select(money.account_balance.c.recall_round)).scalars().all())
    assert max(rounds) < 12
    assert one.served + two.served == 3
    assert len(one.refused) + len(two.refused) == 3
    world.end()


def test_the_other_leases_of_the_asking_relay_are_recalled_too(world: World) -> None:
    """Two keys of one account at one relay: the idle money of one serves the other."""
    world.prepay(10)
    world.add_key("key_b")
    relay = world.relay()
    relay.request(10)
    world.settle()
    relay.release(1)
    relay.request(10, key="key_b")
    world.settle()
    assert relay.served == 2


def test_a_refusal_never_reaches_another_incarnation(world: World) -> None:
    """Waits keyed by a relay's slot: the refusal of a dead incarnation's ask, with its totals, reached the next one."""
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(10)
    world.settle()
    two.request(5)
    exchange(world, two)
    two.kill()
    world.notice_death(two)
    three = world.relay()
    world.settle()
    assert not any(isinstance(message, Refused) for message in three.down)
    assert len(three.leases) == 0
    assert three.refused == []


def test_a_dead_relays_ask_left_in_the_socket_is_granted_nothing(world: World) -> None:
    """A grant without looking at the state: a closed incarnation owned 2."""
    world.prepay(10)
    world.books.append(SimBook(world))
    relay = world.relay()
    world.settle()
    relay.request(5)
    relay.kill()
    for _ in range(3):
        world.now += 0.2
        world.books[1].work()
    assert isinstance(relay.up[0], Ask)
    world.deliver_up(relay)
    world.check()
    assert world.balance() == 10


def test_a_hello_that_comes_after_its_relay_was_buried_opens_nothing(world: World) -> None:
    """Without a tombstone the hello opened a row that nobody ever closed."""
    relay = world.relay()
    relay.kill()
    for _ in range(3):
        world.now += 0.2
        world.books[0].work()
    assert isinstance(relay.up[0], Hello)
    book = world.books[0]
    sent: list[object] = []
    book.engine._send = lambda _, message: sent.append(message)
    world.deliver_up(relay)
    assert sent == [Fenced()]
    world.end()


def test_a_return_that_crosses_an_overrun_leaves_no_lease_below_zero(world: World) -> None:
    """Cover only at charges: a return of 1 is sent, another hold overruns by 1, the charge posts, the return posts: lease -1."""
    world.prepay(2)
    relay = world.relay()
    relay.request(1)
    world.settle()
    relay.request(1)
    world.settle()
    relay.release(1)
    relay.leases.return_all()
    (returned,) = relay.up
    relay.up.clear()
    relay.capture(2, 2)
    world.now += 0.2
    world.books[0].work()
    relay.up.append(returned)
    exchange(world, relay)
    world.check()
    world.end()
    assert world.balance() == 0


def test_a_return_told_twice_is_posted_once(world: World) -> None:
    """Returns as deltas: posted, the acknowledgement lost, sent again: lease 0 < open hold 2."""
    world.prepay(10)
    relay = world.relay()
    relay.request(4)
    world.settle()
    relay.request(4)
    world.settle()
    relay.release(1)
    relay.leases.return_all()
    (returned,) = relay.up
    relay.up.append(returned)
    exchange(world, relay)
    world.check()
    world.end()
    assert world.balance() == 10


def test_a_grant_whose_news_was_lost_is_found_by_whoever_needs_it(world: World) -> None:
    """Grants as deltas, or a recall without totals: the money lies idle with a relay that knows nothing of it."""
    world.prepay(3)
    one, two = world.relay(), world.relay()
    world.settle()
    one.request(3)
    world.deliver_up(one)
    one.give_up()
    one.disconnect()  # Granted is lost
    two.request(3)
    world.settle()
    assert two.served == 1


def test_a_stopped_relay_keeps_its_money_and_loses_none(world: World) -> None:
    """A heartbeat instead of the lock: a paused relay is closed, wakes and journals a hold: spent money nobody posts."""
    world.prepay(10)
    one, two = world.relay(), world.relay()
    one.request(4)
    world.settle()
    held, one.alive = one, False  # SIGSTOP: it is not stepped, but its lock is held
    two.request(10)
    for _ in range(5):
        while two.up:
            world.deliver_up(two)
        while two.down:
            two.hear()
        world.now += 0.2
        for book in world.books:
            book.work()
            run_now(book.engine.tick())
    assert not two.refused
    held.alive = True
    one.capture(1, 4)
    one.request(2)
    world.settle()
    world.check()
    world.end()


def test_rounds_of_the_two_books_are_counted_apart(world: World) -> None:
    """A return that answers round 7 of the test book must not count as an answer to a later round 3 of the live book."""
    world.add_key("key_b")
    relay = world.relay()
    relay.request(1, key="key_b")
    world.settle()
    for _ in range(3):
        relay.up.append(answer_to(relay, round_number=7))
    exchange(world, relay)
    rows = world.database.read(lambda connection: connection.execute(select(money.lease.c.answered_round)).scalars().all())
    assert rows == [0]


def answer_to(relay: SimRelay, *, round_number: int) -> ToBook:
    totals = tuple(lease.totals() for lease in relay.leases._leases.values())
    return Return(totals, round_number, "acct")


def test_another_nodes_round_recalls_our_relays(world: World) -> None:
    world.prepay(10)
    world.books.append(SimBook(world))
    one, two = world.relay(connected_to=world.books[0]), world.relay(connected_to=world.books[1])
    one.request(10)
    world.settle()
    one.release(1)
    two.request(10)
    world.settle()
    assert two.served == 1


# --- journals


def test_a_gap_stops_the_drain_of_that_journal_alone(world: World) -> None:
    one, two = world.relay(segment_records=2), world.relay()
    for relay in (one, two):
        for _ in range(3):
            relay.request(1)
        exchange(world, relay)
        captures(relay, 1)
    (world.root / one.incarnation / segment_name(1)).unlink()
    world.settle()
    assert outcomes(world) == {"captured": 3}
    one.disconnect()
    one.kill()
    for relay in list(world.relays):
        if relay is one:
            world.relays.remove(relay)
    world.settle()
    assert (world.root / one.incarnation).exists()


def test_facts_that_cannot_be_read_stop_nothing(world: World) -> None:
    relay = world.relay()
    for _ in range(4):
        relay.request(1)
    world.settle()
    facts_of = partial(RequestFacts, request_id="r", account="a", key="k", book="test", endpoint="e")
    long = msgspec.msgpack.encode(facts_of(model="m" * 900 + "\0", at_ms=-5, total_ms=2**40))
    nul = msgspec.msgpack.encode(facts_of(model="m\0n", at_ms=5))
    for hold, facts in zip(list(relay.open), (b"", b"\xff\x00", long, nul), strict=True):
        lease, held = relay.open.pop(hold)
        relay.journal.stage_capture(hold, amount_nanos=1, facts=facts)
        relay.journal.commit()
        relay.leases.settle(lease, held, 1)
    world.captured = 4
    world.settle()
    rows = world.database.read(
        lambda connection: connection.execute(select(money.request_record).order_by(money.request_record.c.hold_seq)).all()
    )
    assert [(row.model, row.status, row.at_ms) for row in rows] == [("", 0, 0), ("", 0, 0), ("m" * 200, 200, 0), ("mn", 200, 5)]
    assert rows[2].total_ms == 2**31 - 1
    assert world.end().books[0].revenue_nanos == 4


# --- operators


def test_a_payment_is_booked_once(database: Database) -> None:
    payment = {"account": "acct_a", "book": "live", "idempotency_key": "pay_1", "now": NOW}
    assert database.run(ledger.credit, amount_nanos=5, note="card", **payment)
    assert not database.run(ledger.credit, amount_nanos=5, **payment)
    with pytest.raises(IdempotencyConflict):
        database.run(ledger.credit, amount_nanos=6, **payment)
    with pytest.raises(IdempotencyConflict):
        database.run(ledger.credit, amount_nanos=5, **{**payment, "book": "test"})
    assert database.run(ledger.adjust, amount_nanos=-2, **payment)
    assert database.run(ledger.refund, amount_nanos=1, **payment)
    balances = database.read(lambda connection: connection.execute(select(money.account_balance.c.balance_nanos)).scalars().all())
    assert sorted(balances) == [0, 4] or balances == [4]
