import pytest

from modelgate.core.ids import new_id
from modelgate.storage import ledger, ledger_tasks
from modelgate.storage.database import Database
from modelgate.storage.ledger_tasks import ShortOfMoney

NOW = 1_795_000_000.0


def fund(database: Database, amount_nanos: int) -> None:
    database.run(ledger.set_credit_limit, account="acct_a", book="test", credit_limit_nanos=0, now=NOW)
    database.run(ledger.credit, account="acct_a", book="test", amount_nanos=amount_nanos, idempotency_key=new_id("req"), now=NOW)


def hold(database: Database, task: str, amount_nanos: int, *, limit_nanos: int | None = None, recall_round: int | None = None) -> None:
    database.run(
        ledger_tasks.open_task_hold,
        task=task,
        account="acct_a",
        book="test",
        key="key_a",
        period="all",
        limit_nanos=limit_nanos,
        amount_nanos=amount_nanos,
        recall_round=recall_round,
    )


def test_a_hold_is_resolved_once(database: Database) -> None:
    fund(database, 10)
    hold(database, "task_1", 7)
    assert database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=5)
    assert not database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=5)
    hold(database, "task_2", 5)
    with pytest.raises(ShortOfMoney) as caught:
        hold(database, "task_3", 1)
    assert caught.value.which == "balance"
    assert database.run(ledger_tasks.close_task_hold, task="task_2", captured_nanos=0)
    hold(database, "task_3", 5)


def test_more_than_the_hold_is_charged_in_full(database: Database) -> None:
    fund(database, 10)
    hold(database, "task_1", 4)
    assert database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=9)
    hold(database, "task_2", 1)
    with pytest.raises(ShortOfMoney):
        hold(database, "task_3", 1)


def test_a_limit_counts_spent_and_held(database: Database) -> None:
    fund(database, 100)
    hold(database, "task_1", 4, limit_nanos=10)
    database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=3)
    hold(database, "task_2", 7, limit_nanos=10)
    with pytest.raises(ShortOfMoney) as caught:
        hold(database, "task_3", 1, limit_nanos=10)
    assert caught.value.which == "limit"


def test_a_shortage_is_final_only_after_a_round(database: Database) -> None:
    fund(database, 1)
    with pytest.raises(ShortOfMoney) as caught:
        hold(database, "task_1", 2)
    assert not caught.value.final
    number = database.run(ledger_tasks.raise_round, account="acct_a", book="test")
    assert database.run(ledger_tasks.round_complete, account="acct_a", book="test", recall_round=number)
    with pytest.raises(ShortOfMoney) as caught:
        hold(database, "task_1", 2, recall_round=number)
    assert caught.value.final


def test_a_task_of_nothing_needs_no_money(database: Database) -> None:
    database.run(ledger.set_credit_limit, account="acct_a", book="test", credit_limit_nanos=0, now=NOW)
    hold(database, "task_1", 0)
    assert database.run(ledger_tasks.close_task_hold, task="task_1", captured_nanos=0)


def test_closing_what_never_opened_is_refused(database: Database) -> None:
    assert not database.run(ledger_tasks.close_task_hold, task="task_none", captured_nanos=5)
