"""`modelgate members` on real databases."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from modelgate.core.members import Member
from modelgate.identity.keys import digest_of
from modelgate.identity.passwords import Passwords
from modelgate.storage.database import Database
from modelgate.storage.members import accept_invitation, find_invitation, find_member, member_by_access_key, set_access_key

Run = Callable[..., Result]
RunJson = Callable[..., Any]

NOW = 1_790_000_000.0


@pytest.fixture
def database(run: Run, database_url: str) -> Iterator[Database]:
    run("members", "list")  # prepares it
    opened = Database(database_url)
    yield opened
    opened.close()


def secret_in(url: str) -> str:
    return url.partition("#token=")[2]


def person(email: str) -> Member:
    return Member(id=f"mem_{email}", account="", role="viewer", email=email, name="Ada")


def test_from_nothing_to_an_owner(run: Run, run_json: RunJson, database: Database) -> None:
    assert "setup-link" in run("members", "list").stdout
    first = run_json("members", "setup-link")["setup_url"]
    said = run("members", "setup-link").stdout
    assert "/console/setup#token=" in said
    assert database.read(find_invitation, digest_of(secret_in(first)), now=NOW) is None  # one from before stops
    database.run(accept_invitation, digest_of(secret_in(said.split()[0])), person("ada@example.com"), now=NOW)

    (listed,) = run_json("members", "list")
    assert (listed["email"], listed["role"], listed["account_name"]) == ("ada@example.com", "owner", "default")
    assert "password" not in listed
    assert "ada@example.com" in run("members", "list").stdout

    refused = run("members", "setup-link")
    assert refused.exit_code == 1
    assert "there is an owner already" in refused.stderr


def test_an_invitation(run: Run, run_json: RunJson, database: Database) -> None:
    run("accounts", "create", "--name", "acme")
    made = run_json("members", "invite", "Grace@example.com", "--role", "admin", "--account", "acme")
    assert (made["email"], made["role"]) == ("grace@example.com", "admin")
    assert "digest" not in made
    joined = database.run(accept_invitation, digest_of(secret_in(made["invitation_url"])), person("x@example.com"), now=NOW)
    assert (joined.email, joined.role, joined.account_name) == ("grace@example.com", "admin", "acme")
    assert "makes max@example.com an owner" in run("members", "invite", "max@example.com", "--role", "owner").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("invite", "nobody"), 2, "not an email"),
        (("invite", "a@b.example", "--account", "none"), 1, "no account has the id or name 'none'"),
        (("invite", "a@b.example", "--role", "king"), 2, "king"),
        (("reset-password", "a@b.example"), 1, "no member has the email 'a@b.example'"),
    ],
)
def test_what_cannot_be(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    run("migrate")
    done = run("members", *arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_a_new_password(run: Run, run_json: RunJson, database: Database) -> None:
    link = run_json("members", "setup-link")["setup_url"]
    owner = database.run(accept_invitation, digest_of(secret_in(link)), person("ada@example.com"), now=NOW)
    database.run(set_access_key, owner.id, digest="d", hint="ak-…")
    password = run_json("members", "reset-password", "Ada@example.com")["password"]
    assert len(password) == 20
    found = database.read(find_member, "ada@example.com")
    assert found is not None
    passwords = Passwords()
    assert asyncio.run(passwords.matches(password, found.password))
    passwords.close()
    assert database.read(member_by_access_key, "d") is None
    assert "shown only now" in run("members", "reset-password", "ada@example.com").stdout
