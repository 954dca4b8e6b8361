"""`modelgate keys` on real databases."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import insert

from modelgate.identity.keys import digest_of
from modelgate.storage.database import Database
from modelgate.storage.identity import find_key
from modelgate.storage.migrations import schema_state
from modelgate.storage.schema.money import key_period

Run = Callable[..., Result]
RunJson = Callable[..., Any]


def key_of(url: str, secret: str) -> Any:
    database = Database(url)
    try:
        return database.read(find_key, digest_of(secret))
    finally:
        database.close()


def test_a_key_is_made_on_an_empty_installation_and_shown_once(run: Run, run_json: RunJson, database_url: str) -> None:
    made = run("keys", "create", "--name", "mobile")
    assert made.exit_code == 0
    secret = made.stdout.splitlines()[0]
    assert secret.startswith("sk-live-")
    assert key_of(database_url, secret).name == "mobile"
    listed = run("keys", "list")
    assert secret not in listed.stdout
    assert secret[-4:] in listed.stdout
    assert [(account["name"], account["books"]["live"]["credit_limit_usd"]) for account in run_json("accounts", "list")] == [
        ("default", None)
    ]


def test_what_needs_an_installation_makes_none(run: Run, database_url: str) -> None:
    """An empty database was filled, and the answer was that there are no keys yet."""
    ended = run("keys", "list")
    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert "there is no Modelgate in the database" in ended.stderr
    assert schema_state(database_url) == "empty"


def test_every_option_reaches_the_key(run_json: RunJson, database_url: str) -> None:
    options = [
        "--limit",
        "5",
        "--reset",
        "daily",
        "--expires",
        "2999-12-31",
        "--models",
        "a,b",
        "--ips",
        "10.0.0.0/8",
        "--rpm",
        "60",
        "--tpm",
        "1000",
        "--group",
        "gold",
    ]
    made = run_json("keys", "create", "--name", "k", "--test", *options)
    assert made["key"] == made["secret"]
    key = key_of(database_url, made["secret"])
    assert (key.book, key.limit_nanos, key.limit_reset, key.models, key.ips) == (
        "test",
        5_000_000_000,
        "daily",
        ("a", "b"),
        ("10.0.0.0/8",),
    )
    assert (key.rpm, key.tpm, key.group, key.expires_at) == (60, 1000, "gold", 32_503_680_000.0)
    assert made["limit_usd"] == "5.00"
    assert "digest" not in made
    takes_away = [
        "--limit",
        "none",
        "--models",
        "any",
        "--ips",
        "any",
        "--rpm",
        "none",
        "--tpm",
        "none",
        "--expires",
        "never",
        "--name",
        "other",
    ]
    run_json("keys", "edit", "k", *takes_away)
    key = key_of(database_url, made["secret"])
    assert (key.name, key.limit_nanos, key.models, key.ips, key.rpm, key.tpm, key.expires_at) == ("other", None, (), (), None, None, None)
    assert (key.limit_reset, key.group) == ("daily", "gold")


def test_a_key_is_disabled_enabled_and_rotated(run: Run, run_json: RunJson, database_url: str) -> None:
    first = run_json("keys", "create", "--name", "k")["secret"]
    assert run("keys", "disable", "k").exit_code == 0
    assert key_of(database_url, first).disabled
    assert "disabled" in run("keys", "list").stdout
    assert not run_json("keys", "enable", "k")["disabled"]
    second = run_json("keys", "rotate", "k", "--grace", "1h")["secret"]
    assert key_of(database_url, first).expires_at is not None
    third = run("keys", "rotate", "k").stdout.splitlines()[0]
    assert [key_of(database_url, secret) is None for secret in (first, second, third)] == [True, True, False]


def test_a_key_whose_limit_is_spent_is_listed_so(run: Run, run_json: RunJson, database_url: str) -> None:
    key = key_of(database_url, run_json("keys", "create", "--name", "k", "--limit", "5")["secret"])
    of = {"key": key.id, "period": "all", "account": key.account, "book": "live", "over_nanos": 0}
    database = Database(database_url)
    used = insert(key_period).values(**of, set_aside_nanos=4_000_000_000, spent_nanos=1_000_000_000)
    database.run(lambda connection: connection.execute(used))
    database.close()
    assert "active" in run("keys", "list").stdout  # what is set aside is at the relays, for its next calls
    run("keys", "edit", "k", "--limit", "1")
    assert "exhausted" in run("keys", "list").stdout


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("arguments", "exit_code", "text"),
    [
        (("keys", "edit", "nobody", "--rpm", "1"), 1, "no key has the id or name 'nobody'"),
        (("keys", "edit", "twin", "--rpm", "1"), 1, "2 keys are called 'twin'; use an id: key_"),
        (("keys", "edit", "twin"), 2, "nothing to change"),
        (("keys", "create", "--name", " "), 2, "--name takes"),
        (("keys", "create", "--name", "x", "--account", "nobody"), 1, "no account has the id or name 'nobody'"),
        (("keys", "create", "--name", "x", "--expires", "2020-01-01"), 2, "is in the past"),
        (("keys", "create", "--name", "x", "--ips", "nowhere"), 2, "'nowhere' is not an IP address"),
        (("keys", "create", "--name", "x", "--reset", "hourly"), 2, "hourly"),
        (("accounts", "create", "--name", "default"), 1, "an account is already called 'default'"),
        (("accounts", "credit", "default", "-5"), 2, "-5"),
        (("accounts", "credit", "default", "0"), 2, "not above zero"),
        (("accounts", "limit", "nobody", "none"), 1, "no account has"),
    ],
)
def test_what_cannot_be_done_ends_with_one_clear_line(run: Run, arguments: tuple[str, ...], exit_code: int, text: str) -> None:
    run("keys", "create", "--name", "twin")
    run("keys", "create", "--name", "twin")
    ended = run(*arguments)
    assert ended.exit_code == exit_code
    assert text in ended.stderr
    assert ended.stdout == ""
    if exit_code == 1:
        assert ended.stderr.count("\n") == 1


def test_keys_of_one_account_are_listed_alone(run: Run, run_json: RunJson) -> None:
    run("accounts", "create", "--name", "acme")
    run("keys", "create", "--name", "a", "--account", "acme")
    run("accounts", "create", "--name", "other")
    run("keys", "create", "--name", "b", "--account", "other")
    assert [key["name"] for key in run_json("keys", "list", "--account", "acme")] == ["a"]
    assert len(run_json("keys", "list")) == 2


def test_a_name_that_looks_like_markup_is_only_a_name(run: Run) -> None:
    run("keys", "create", "--name", "[red]alert[/red]")
    assert "[red]alert[/red]" in run("keys", "list").stdout


def test_a_database_that_is_down_ends_with_one_clear_line(run: Run) -> None:
    ended = run("keys", "list", "--database", "postgresql://user:hidden@127.0.0.1:1/name?connect_timeout=1")
    assert ended.exit_code == 1
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr
