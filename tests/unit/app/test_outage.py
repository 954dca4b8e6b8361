"""How often the log tells of a database that is away."""

from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs
from tests.twins.clock import Clock

from modelgate.app.outage import REMIND_S, Outage
from modelgate.app.workshop import log_task_fault, log_webhook_fault
from modelgate.storage.database import Database, DatabaseAway

NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=5"
AWAY = DatabaseAway(None, None, psycopg.OperationalError("connection refused\n\tIs it running?"))


@pytest.fixture
def clock() -> Clock:
    return Clock(now=100.0)


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage(clock=clock)


def said(lines: list[Any]) -> list[tuple[str, float]]:
    return [(line["event"], line["away_s"]) for line in lines]


def test_an_outage_is_said_once_then_now_and_then_and_at_its_end(outage: Outage, clock: Clock) -> None:
    with capture_logs() as lines:
        outage.reached(outage.losses)
        for _ in range(100):
            outage.lost(AWAY)
            clock.now += REMIND_S / 40
        outage.reached(outage.losses)
        outage.reached(outage.losses)
    assert said(lines) == [("database_away", 0.0), ("database_away", REMIND_S), ("database_away", 2 * REMIND_S), ("database_back", 75.0)]
    assert lines[0]["error"] == "OperationalError: connection refused Is it running?"
    assert all("exc_info" not in line for line in lines)


def test_outages_in_a_row_do_not_fill_the_log(outage: Outage, clock: Clock) -> None:
    with capture_logs() as lines:
        for _ in range(10):
            outage.lost(AWAY)
            outage.reached(outage.losses)
            clock.now += REMIND_S / 10
        outage.lost(AWAY)
    assert said(lines) == [("database_away", 0.0), ("database_back", 0.0), ("database_away", 0.0)]


def test_an_outage_that_began_too_early_to_be_said_is_said_later(outage: Outage, clock: Clock) -> None:
    outage.lost(AWAY)
    outage.reached(outage.losses)
    with capture_logs() as lines:
        outage.lost(AWAY)
        assert lines == []
        clock.now += REMIND_S
        outage.lost(AWAY)
    assert said(lines) == [("database_away", REMIND_S)]


def test_what_another_thread_did_before_the_loss_does_not_end_it(outage: Outage) -> None:
    before = outage.losses
    with capture_logs() as lines:
        outage.lost(AWAY)
        outage.reached(before)
    assert [line["event"] for line in lines] == ["database_away"]


def test_every_try_of_a_database_counts_and_any_of_a_processs_databases_ends_it(outage: Outage) -> None:
    away, there = Database(NOWHERE, outage=outage), Database("sqlite://", outage=outage)
    with capture_logs() as lines:
        for run in (away.run, away.read):
            with pytest.raises(DatabaseAway):
                run(lambda connection: None)
        there.run(lambda connection: None)
    assert outage.losses == 2
    assert [line["event"] for line in lines] == ["database_away", "database_back"]
    away.close()
    there.close()


def test_faults_of_a_database_that_is_away_are_not_said_again() -> None:
    """Tasks and webhooks wrote a traceback every second while Postgres was down."""
    with capture_logs() as lines:
        log_task_fault(AWAY, "task_1")
        log_webhook_fault(AWAY, "")
        assert lines == []
        log_task_fault(KeyError("x"), "task_1")
        log_webhook_fault(KeyError("x"), "dlv_1")
    assert [line["event"] for line in lines] == ["task_fault", "webhook_fault"]
