"""The book dies before or after each of its commits; whoever comes next finishes, and no nano-dollar is lost or moved twice."""

import itertools

import pytest
from tests.integration.storage.conftest import Killed, MortalDatabase, SimBook, SimRelay, World, run_now

from modelgate.storage import ledger, ledger_drain, ledger_recovery
from modelgate.storage.database import Database
from modelgate.storage.journal import JournalReader

MOMENTS = ("dies_before", "dies_after")
STEPS_OF_LIFE = ("say_hello", "answer_ask", "post_returns", "post_batch", "begin_closing", "close_incarnation")
PAIRS = list(itertools.combinations(itertools.product(STEPS_OF_LIFE, MOMENTS), 2))


def live_a_life(world: World) -> tuple[SimRelay, SimRelay]:
    """Every step of the protocol once: hello, grant, drain, a recall that is answered, a refusal, a death and its recovery.

    Money is for three requests of 10: two relays; each request is captured at 10, the last is left an orphan.
    """
    one, two = world.relay(), world.relay()
    world.settle()
    one.request(10)
    world.settle()
    one.capture(1, 10)
    one.request(10)
    world.settle()
    two.request(10)
    world.settle()
    two.request(10)
    world.settle()
    for hold in list(two.open):
        two.capture(hold, 10)
    one.kill()
    world.settle()
    return one, two


def doom(world: World, step: str, moment: str) -> None:
    setattr(world.books[0].database, moment, step)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", STEPS_OF_LIFE)
def test_a_book_that_dies_around_a_commit_loses_nothing(mortal_world: World, step: str, moment: str) -> None:
    doom(mortal_world, step, moment)
    check_the_life(mortal_world)
    assert mortal_world.deaths == [f"{moment.removeprefix('dies_')} the commit of {step}"]


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_deaths_in_one_life(mortal_world: World, pair: tuple[tuple[str, str], tuple[str, str]]) -> None:
    for step, moment in pair:
        mortal_world.dooms.append((step, moment))
    check_the_life(mortal_world)
    assert 1 <= len(mortal_world.deaths) <= 2


def check_the_life(world: World) -> None:
    world.prepay(30)
    one, two = live_a_life(world)
    world.check()
    report = world.end()
    assert one.served + two.served == 3
    assert len(one.refused) + len(two.refused) == 1
    assert report.records == 3
    assert report.books[0].revenue_nanos == world.captured
    assert world.balance() == 30 - world.captured


@pytest.fixture
def busy_journal(world: World) -> SimRelay:
    """A relay with two captures and an open hold in its journal, nothing posted."""
    world.prepay(100)
    relay = world.relay()
    for _ in range(3):
        relay.request(10)
    while relay.up or relay.down:
        while relay.up:
            world.deliver_up(relay)
        while relay.down:
            relay.hear()
    relay.capture(1, 7)
    relay.capture(2, 8)
    return relay


def test_a_batch_read_by_one_book_and_committed_by_another_is_charged_once(world: World, busy_journal: SimRelay) -> None:
    """Without the compare-and-set both post it: 30 are charged for 15."""
    records = JournalReader(world.root / busy_journal.incarnation).read(0, 100)
    step = {"incarnation_id": busy_journal.incarnation, "after_seq": 0, "records": records, "now": world.now}
    assert world.database.run(ledger_drain.post_batch, **step) is not None
    assert world.database.run(ledger_drain.post_batch, **step) is None
    world.check()
    assert world.end().books[0].revenue_nanos == 15


def test_a_batch_that_commits_after_the_incarnation_was_closed_is_refused(world: World, busy_journal: SimRelay) -> None:
    """A killed book's transaction commits late, when recovery has posted and closed."""
    records = JournalReader(world.root / busy_journal.incarnation).read(0, 100)
    busy_journal.kill()
    world.settle()
    step = {"incarnation_id": busy_journal.incarnation, "records": records, "now": world.now}
    assert world.database.run(ledger_drain.post_batch, after_seq=0, **step) is None
    assert world.database.run(ledger_drain.post_batch, after_seq=records[-1].seq, **step) is None
    world.check()
    assert world.end().books[0].revenue_nanos == 15


def test_two_books_recover_one_journal(world: World, busy_journal: SimRelay) -> None:
    world.books.append(SimBook(world))
    busy_journal.kill()
    for _ in range(5):
        world.now += 0.2
        for book in world.books:
            book.work()
    report = world.end()
    assert (report.records, report.books[0].revenue_nanos) == (3, 15)


def test_recovery_steps_may_be_repeated_by_another_book_between_any_two(world: World, busy_journal: SimRelay) -> None:
    """Without the lock between books: steps of two recoveries interleave, and unique keys and states suffice."""
    busy_journal.kill()
    name, now = busy_journal.incarnation, world.now
    reader = JournalReader(world.root / name)
    records, orphans = reader.read(0, 100), reader.open_holds()
    closing = {"incarnation_id": name, "last_seq": records[-1].seq, "orphans": orphans, "charge_orphans": True, "now": now}
    run = world.database.run
    assert not run(ledger_recovery.close_incarnation, **closing)
    for _ in range(2):
        assert not run(ledger_recovery.begin_closing, incarnation_id=name, node="node", now=now).closed
    assert not run(ledger_recovery.close_incarnation, **closing), "closed with records unposted"
    assert run(ledger_drain.post_batch, incarnation_id=name, after_seq=0, records=records, now=now) is not None
    assert run(ledger_drain.post_batch, incarnation_id=name, after_seq=0, records=records, now=now) is None
    for _ in range(2):
        assert run(ledger_recovery.close_incarnation, **closing)
    assert run(ledger_recovery.begin_closing, incarnation_id=name, node="node", now=now).closed
    reader.close()
    world.captured += 10
    assert world.end().books[0].revenue_nanos == 25


def test_a_directory_half_removed_is_removed_by_the_next_book(world: World, busy_journal: SimRelay) -> None:
    busy_journal.kill()
    world.settle()
    directory = world.root / busy_journal.incarnation
    assert not directory.exists()
    directory.mkdir()
    (directory / "lock").touch()
    world.kill_book()
    world.settle()
    assert not directory.exists()
    directory.mkdir()  # as it is when the lock is gone already
    world.kill_book()
    world.settle()
    assert not directory.exists()
    world.end()


def test_a_late_commit_of_a_grant_finds_the_incarnation_fenced(world: World, busy_journal: SimRelay) -> None:
    """Postgres may commit what a dead client sent; steps look at the state with the row locked."""
    busy_journal.request(1_000)
    busy_journal.kill()
    world.books.append(SimBook(world))
    world.now += 0.2
    world.books[1].work()
    while busy_journal.up:
        world.deliver_up(busy_journal)
    world.check()
    assert world.end().books[0].revenue_nanos == 15


def test_a_book_dies_in_commit_and_postgres_commits_after_all(database: Database, world: World, busy_journal: SimRelay) -> None:
    """The commit's result is unknown to the book that comes next: it reads the watermark again."""
    world.books[0].database.dies_after = "post_batch"
    world.now += 0.2
    with pytest.raises(Killed):
        world.books[0].work()
    world.kill_book()
    world.settle()
    world.check()
    assert world.end().books[0].revenue_nanos == 15


def test_money_steps_repeat_when_the_database_wants_it(world: World) -> None:
    """A repeated hello, return or ask changes nothing."""
    relay = world.relay()
    name, now, run = relay.incarnation, world.now, MortalDatabase(world.database).run
    relay.request(10)
    world.settle()
    before = world.balance()
    for _ in range(2):
        assert run(ledger.say_hello, incarnation_id=name, node="node", reports=(), now=now) is not None
    world.settle()
    assert world.balance() == before
    run_now(world.books[0].engine.tick())
    world.end()
