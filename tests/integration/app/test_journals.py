"""The keeper of journals on a real database; the protocol around it is tested in tests/integration/storage."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from modelgate.app import journals
from modelgate.app.journals import REST_AFTER_FAULT_S, JournalKeeper
from modelgate.core.records import RequestFacts
from modelgate.storage import ledger, ledger_drain
from modelgate.storage.database import Database
from modelgate.storage.journal_writer import JournalWriter
from modelgate.storage.schema import money

NOW = 1_795_000_000.0
REQUEST = {"key": "key_a", "account": "acct_a", "book": "test", "period": "all", "request_id": "req_1"}


class Night:
    """A keeper with a clock of its own."""

    def __init__(self, root: Path, database: Database) -> None:
        self.now = NOW
        self.database = database
        self.keeper = JournalKeeper(root, database, clock=lambda: self.now, charge_orphans=lambda: False)

    def work(self) -> list[journals.Posted]:
        self.now += 0.2
        return self.keeper.work()

    def records(self) -> int:
        return len(self.database.read(lambda connection: connection.execute(select(money.request_record)).all()))


@pytest.fixture
def night(tmp_path: Path, database: Database):  # type: ignore[no-untyped-def]
    made = Night(tmp_path / "journal", database)
    yield made
    made.keeper.close()


@pytest.fixture
def journal(tmp_path: Path, database: Database) -> JournalWriter:
    """A living relay's journal whose incarnation has said hello."""
    made = JournalWriter.create(tmp_path / "journal")
    database.run(ledger.say_hello, incarnation_id=made.incarnation, node="node", reports=(), now=NOW)
    return made


def write(journal: JournalWriter, requests: int) -> None:
    facts = RequestFacts(request_id="req_1", account="acct_a", key="key_a", book="test", endpoint="chat", model="m", at_ms=1)
    for _ in range(requests):
        hold = journal.stage_hold(amount_nanos=0, **REQUEST)  # type: ignore[arg-type]
        journal.stage_capture(hold, amount_nanos=0, facts=msgspec.msgpack.encode(facts))
        journal.commit()


def test_no_directory_is_no_work(night: Night) -> None:
    assert night.work() == []


def test_a_living_journal_is_posted_in_batches_of_a_bound(night: Night, journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_BATCH", 4)
    write(journal, 3)
    (first,) = night.work()
    (second,) = night.work()
    assert [(news.standing.posted_seq, news.more) for news in (first, second)] == [(4, True), (6, False)]
    assert night.work() == []
    assert night.records() == 3
    journal.close()


def test_nothing_is_posted_before_the_hello(night: Night, tmp_path: Path) -> None:
    journal = JournalWriter.create(tmp_path / "journal")
    write(journal, 1)
    assert night.work() == []
    night.database.run(ledger.say_hello, incarnation_id=journal.incarnation, node="node", reports=(), now=NOW)
    assert len(night.work()) == 1
    journal.close()


def test_a_dead_journal_is_posted_and_removed(night: Night, journal: JournalWriter) -> None:
    write(journal, 3)
    night.work()
    journal.close()
    night.work()
    assert not journal.directory.exists()
    assert night.records() == 3


def test_what_died_without_a_word_is_removed(night: Night, tmp_path: Path) -> None:
    journal = JournalWriter.create(tmp_path / "journal")
    journal.close()
    night.work()
    assert not journal.directory.exists()


def test_a_fault_of_the_database_stops_one_journal_for_a_while(
    night: Night, journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, 1)

    def fails(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    with monkeypatch.context() as broken:
        broken.setattr(ledger_drain, "post_batch", fails)
        assert night.work() == []
    assert night.work() == []
    night.now += REST_AFTER_FAULT_S
    assert len(night.work()) == 1
    journal.close()


def test_a_segment_that_another_book_has_posted_is_no_gap(night: Night, tmp_path: Path) -> None:
    """The relay deletes what another book has posted; ours still remembers an older watermark."""
    journal = JournalWriter.create(tmp_path / "journal", segment_records=2)
    night.database.run(ledger.say_hello, incarnation_id=journal.incarnation, node="node", reports=(), now=NOW)
    write(journal, 1)
    night.work()
    write(journal, 2)
    other = Night(tmp_path / "journal", night.database)
    other.work()
    other.keeper.close()
    assert journal.prune(6) == 2
    write(journal, 1)
    night.work()
    assert [news.standing.posted_seq for news in night.work()] == [8]
    journal.close()


def test_finish_posts_everything(night: Night, journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_BATCH", 2)
    write(journal, 5)
    night.keeper.finish()
    assert night.records() == 5
    journal.close()
