from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modelgate.core.ids import new_id
from modelgate.core.leases import LeaseAsk
from modelgate.core.records import ApiKey
from modelgate.metering.periods import current_period
from modelgate.storage import identity, ledger
from modelgate.storage.database import Database

Run = Callable[..., Result]
NOW = 1_795_000_000.0


@pytest.fixture
def lost(run: Run, database_url: str) -> Iterator[str]:
    """An incarnation with 1 USD out, whose journal is nowhere."""
    assert run("accounts", "create", "--name", "acme").exit_code == 0
    database = Database(database_url)
    account = database.read(identity.find_account, "acme")
    key = ApiKey(id=new_id("key"), account=account, book="live", name="k", digest="d", hint="")
    database.run(identity.create_key, key, now=NOW)
    database.run(ledger.say_hello, incarnation_id="inc_lost", node="elsewhere", reports=(), now=NOW)
    ask = LeaseAsk(incarnation="inc_lost", key=key.id, period="all", need_nanos=10**9, want_nanos=0)
    assert database.run(ledger.answer_ask, ask, period_of=current_period, now=NOW).verdict == "granted"
    yield "inc_lost"
    database.close()


def test_what_is_out_is_listed(run: Run, run_json: Callable[..., Any], lost: str) -> None:
    output = run("leases", "list").output
    assert lost in output
    assert "1.00" in output
    (entry,) = run_json("leases", "list")
    assert entry["incarnation"]["balance_nanos"] == 10**9
    assert entry["journal_here"] is False


def test_a_lost_disk_is_given_up_once_and_after_a_question(run: Run, lost: str) -> None:
    assert run("leases", "abandon", lost, stdin="n\n").exit_code == 1
    done = run("leases", "abandon", lost, stdin="y\n")
    assert done.exit_code == 0
    assert "1.00 USD went back" in done.output
    assert run("leases", "abandon", lost, "--yes").exit_code == 1
    assert "No money is out" in run("leases", "list").output
    assert "was abandoned" in run("audit").output


def test_what_came_of_it_is_told_to_programs(run_json: Callable[..., Any], lost: str) -> None:
    assert run_json("leases", "abandon", lost, "--yes") == {"incarnation": lost, "given_back_usd": "1.00"}


def test_a_journal_that_is_here_is_not_given_up(run: Run, lost: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "journal" / lost).mkdir(parents=True)
    done = run("leases", "abandon", lost, "--yes")
    assert done.exit_code == 1
    assert "start the server" in done.output
