"""`modelgate accounts` on real databases."""

import base64
from collections.abc import Callable
from typing import Any

from click.testing import Result

from modelgate.storage.database import Database
from modelgate.storage.ledger_tasks import open_task_hold

Run = Callable[..., Result]
RunJson = Callable[..., Any]


def test_the_first_credit_makes_an_account_prepaid_and_says_so(run: Run, run_json: RunJson) -> None:
    run("accounts", "create", "--name", "acme")
    done = run("accounts", "credit", "acme", "12.50", "--note", "invoice 7")
    assert "Credited 12.50 USD to 'acme' (live book)" in done.stdout
    assert "now prepaid in the live book" in done.stdout
    assert "now prepaid" not in run("accounts", "credit", "acme", "1").stdout
    books = next(account for account in run_json("accounts", "list") if account["name"] == "acme")["books"]
    assert books == {
        "live": {"balance_usd": "13.50", "set_aside_usd": "0.00", "credit_limit_usd": "0.00"},
        "test": {"balance_usd": "0.00", "set_aside_usd": "0.00", "credit_limit_usd": None},
    }


def test_a_chosen_limit_stays_when_money_is_credited(run: Run, run_json: RunJson) -> None:
    run("accounts", "create", "--name", "acme")
    assert "pays later" in run("accounts", "limit", "acme", "none", "--test").stdout
    assert not run_json("accounts", "credit", "acme", "1", "--test")["became_prepaid"]
    created = run_json("accounts", "create", "--name", "other", "--limit", "20")
    assert {book["credit_limit_usd"] for book in created["books"].values()} == {"20.00"}
    assert run_json("accounts", "credit", "other", "1")["books"]["live"] == {
        "balance_usd": "1.00",
        "set_aside_usd": "0.00",
        "credit_limit_usd": "20.00",
    }
    assert run_json("accounts", "limit", "other", "prepaid")["books"]["live"]["credit_limit_usd"] == "0.00"


def test_a_credit_is_booked_once_under_one_idempotency_key(run: Run, run_json: RunJson) -> None:
    run("accounts", "create", "--name", "acme")
    assert run_json("accounts", "credit", "acme", "5", "--idempotency-key", "payment-1")["credited"]
    again = run_json("accounts", "credit", "acme", "5", "--idempotency-key", "payment-1")
    assert not again["credited"]
    assert again["books"]["live"]["balance_usd"] == "5.00"
    other = run("accounts", "credit", "acme", "6", "--idempotency-key", "payment-1")
    assert other.exit_code == 1
    assert "payment-1" in other.stderr


def test_what_is_set_aside_for_requests_under_way_is_shown(run: Run, run_json: RunJson, database_url: str) -> None:
    run("accounts", "create", "--name", "acme")
    account = run_json("accounts", "credit", "acme", "5")["id"]
    key = run_json("keys", "create", "--name", "k", "--account", "acme")["id"]
    database = Database(database_url)
    database.run(
        open_task_hold, task="task_1", account=account, book="live", key=key, period="all", limit_nanos=None, amount_nanos=2_000_000_000
    )
    database.close()
    books = run_json("accounts", "list")[0]["books"]
    assert (books["live"]["balance_usd"], books["live"]["set_aside_usd"], books["test"]["set_aside_usd"]) == ("3.00", "2.00", "0.00")
    assert "set aside" in run("accounts", "list").stdout


def test_each_account_has_a_webhook_secret_of_its_own_that_stays(run: Run, run_json: RunJson) -> None:
    for name in ("acme", "other"):
        run("accounts", "create", "--name", name)
    secret = run("accounts", "webhook-secret", "acme").stdout.strip()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert run_json("accounts", "webhook-secret", "acme")["webhook_secret"] == secret
    assert run("accounts", "webhook-secret", "other").stdout.strip() != secret
    assert run("accounts", "webhook-secret", "nobody").exit_code == 1
