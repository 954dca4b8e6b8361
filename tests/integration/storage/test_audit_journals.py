"""What the audit finds when a journal and the book do not agree."""

import pytest
from sqlalchemy import delete, update
from tests.integration.storage.conftest import SimRelay, World

from modelgate.storage.audit_journals import audit_journals
from modelgate.storage.journal import segment_name
from modelgate.storage.schema import money


@pytest.fixture
def relay(world: World) -> SimRelay:
    """A living relay with two posted captures, one unposted, and an open hold."""
    world.prepay(100)
    made = world.relay()
    for _ in range(4):
        made.request(10)
    world.settle()
    made.capture(1, 10)
    made.capture(2, 10)
    world.settle()
    made.capture(3, 9)
    return made


def findings(world: World, *, at_rest: bool = False) -> str:
    failures, _ = audit_journals(world.root, world.database, at_rest=at_rest)
    return " ".join(finding.text for finding in failures)


def test_a_living_journal_in_order_passes(world: World, relay: SimRelay) -> None:
    assert findings(world) == ""
    assert relay.incarnation in findings(world, at_rest=True)


def test_a_posted_record_that_is_gone_is_found(world: World, relay: SimRelay) -> None:
    record = money.request_record
    world.database.run(lambda connection: connection.execute(delete(record).where(record.c.hold_seq == 2)))
    assert "was posted as None" in findings(world)


def test_a_record_that_was_posted_otherwise_is_found(world: World, relay: SimRelay) -> None:
    world.database.run(lambda connection: connection.execute(update(money.request_record).values(amount_nanos=3)))
    assert "was posted as ('captured', 3)" in findings(world)


def test_a_record_beyond_the_watermark_is_found(world: World, relay: SimRelay) -> None:
    row = money.incarnation
    world.database.run(lambda connection: connection.execute(update(row).values(posted_seq=row.c.posted_seq - 1)))
    assert "beyond the watermark" in findings(world)


def test_a_lease_that_does_not_cover_its_journal_is_found(world: World, relay: SimRelay) -> None:
    world.database.run(lambda connection: connection.execute(update(money.lease).values(balance_nanos=18)))
    assert "less than the 19 in its journal" in findings(world)


def test_an_overrun_explains_a_lease_that_does_not_cover(world: World, relay: SimRelay) -> None:
    relay.capture(4, 5_000)
    assert findings(world) == ""


def test_a_posted_overrun_explains_it_too(world: World) -> None:
    """It was paid by what the other hold had set aside: the lease is not below zero, so nothing was covered."""
    world.prepay(20)
    relay = world.relay()
    for _ in range(2):
        relay.request(10)
        world.settle()
    relay.capture(1, 20)
    world.settle()
    assert findings(world) == ""
    world.database.run(lambda connection: connection.execute(update(money.request_record).values(overrun_nanos=0)))
    assert "holds 0, less than the 10" in findings(world)


def test_a_missing_segment_is_found(world: World) -> None:
    relay = world.relay(segment_records=2)
    for _ in range(6):
        relay.request(1)
        world.settle()
    assert findings(world) == ""
    (world.root / relay.incarnation / segment_name(3)).unlink()
    assert "ends at 2, the next begins at 5" in findings(world)


def test_an_open_row_without_a_journal_is_noted(world: World, relay: SimRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node")
    _, notes = audit_journals(world.root / "elsewhere", world.database)
    assert any(relay.incarnation in note.text for note in notes)
