import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import update

from modelgate.storage import ledger
from modelgate.storage.database import Database
from modelgate.storage.journal_writer import JournalWriter
from modelgate.storage.schema.money import account_balance

Run = Callable[..., Result]


@pytest.fixture
def paid(run: Run, database_url: str, tmp_path: Path) -> Database:  # type: ignore[misc]
    """The database of an installation in which an account was credited."""
    assert run("accounts", "create", "--name", "acme").exit_code == 0
    assert run("accounts", "credit", "acme", "12.50").exit_code == 0
    database = Database(database_url)
    yield database
    database.close()


def test_a_book_that_balances(run: Run, paid: Database) -> None:
    done = run("audit")
    assert done.exit_code == 0
    assert "The book balances" in done.output
    assert "12.50" in done.output


def test_a_mistyped_directory_is_no_book_that_balances(run: Run, tmp_path: Path) -> None:
    """Symptom: the audit made an empty installation there and said that its book balances."""
    elsewhere = tmp_path / "elsewhere"
    done = run("audit", "--data", str(elsewhere), "--database", f"sqlite:///{elsewhere}/modelgate.db")
    assert (done.exit_code, "there is no Modelgate in the database" in done.stderr, elsewhere.exists()) == (1, True, False)


def test_a_book_that_does_not_balance(run: Run, paid: Database) -> None:
    paid.run(lambda connection: connection.execute(update(account_balance).values(balance_nanos=1)))
    done = run("audit")
    assert done.exit_code == 1
    assert "FAILED check 1: balance of" in done.output
    assert "does NOT balance" in done.output


def test_json_for_machines(run_json: Callable[..., Any], run: Run, paid: Database) -> None:
    answer = run_json("audit")
    assert answer["balances"] is True
    assert {book["book"]: book["balances_nanos"] for book in answer["report"]["books"]} == {"test": 0, "live": 12_500_000_000}
    paid.run(lambda connection: connection.execute(update(account_balance).values(balance_nanos=1)))
    assert run("audit", "--json").exit_code == 1


def test_a_journal_that_is_left_is_a_finding_when_nothing_runs(run: Run, paid: Database, tmp_path: Path) -> None:
    journal = JournalWriter.create(tmp_path / "data" / "journal")
    paid.run(ledger.say_hello, incarnation_id=journal.incarnation, node="node", reports=(), now=1.0)
    with (tmp_path / "data" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("audit").exit_code == 0
    assert run("audit", "--at-rest").exit_code == 1
    assert run("audit", "--running").exit_code == 0
    assert run("audit").exit_code == (1 if paid.is_sqlite else 0)
    journal.close()
