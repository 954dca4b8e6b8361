"""The first start on a real database."""

import subprocess
import time

import pytest

from modelgate.app.first_run import BASE_URL, DEFAULT_ACCOUNT, FirstRun, ensure_account, set_up
from modelgate.core.members import Member
from modelgate.identity.keys import digest_of
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account, find_key, list_accounts, list_keys
from modelgate.storage.members import add_member, find_invitation
from modelgate.storage.upstreams import list_upstreams

CIPHER = Cipher(bytes(32))


def first_run(database: Database, **environment: str) -> FirstRun | None:
    return set_up(database, CIPHER, environment=environment)


def test_an_empty_installation_gets_an_account_and_a_test_key(database: Database) -> None:
    made = first_run(database)
    assert made is not None
    assert made.live_secret is None
    assert made.upstreams == ()
    assert [(account.name, account.book, account.credit_limit_nanos) for account in database.read(list_accounts)] == [
        (DEFAULT_ACCOUNT, "test", None),
        (DEFAULT_ACCOUNT, "live", None),
    ]
    key = database.read(find_key, digest_of(made.test_secret))
    assert key is not None
    assert (key.account, key.book) == (made.account, "test")
    text = "\n".join(made.lines)
    assert made.test_secret in text
    assert "modelgate upstreams add openai" in text


def test_a_link_that_makes_the_owner_is_printed_while_there_is_none(database: Database) -> None:
    made = first_run(database)
    assert made is not None
    (line,) = [line for line in made.lines if line.startswith("Console ")]
    address, _, secret = line.split()[1].partition("#token=")
    assert address == BASE_URL + "/console/setup"
    found = database.read(find_invitation, digest_of(secret), now=time.time())
    assert found is not None
    assert (found.role, found.account, found.email) == ("owner", made.account, "")


def test_no_link_is_printed_where_there_is_an_owner(database: Database) -> None:
    account = database.run(create_account, name="acme", now=1.0)
    database.run(add_member, Member(id="mem_1", account=account, role="owner", email="a@b.example", name="A"))
    made = first_run(database)
    assert made is not None
    assert f"Console    {BASE_URL}/console" in made.lines
    assert "token" not in "".join(made.lines)


def test_the_second_start_makes_nothing(database: Database) -> None:
    first_run(database)
    assert first_run(database, OPENAI_API_KEY="sk-late") is None
    assert len(database.read(list_keys)) == 1
    assert database.read(list_upstreams) == ()


def test_upstreams_of_the_environment_are_added_and_said(database: Database) -> None:
    made = first_run(database, OPENAI_API_KEY="sk-vendor-secret", OLLAMA_HOST="127.0.0.1:11434")
    assert made is not None
    assert made.live_secret is not None
    assert made.live_secret.startswith("sk-live-")
    assert set(made.upstreams) == {"openai", "ollama"}
    stored = {upstream.name: upstream.credentials[0].secret for upstream in database.read(list_upstreams, CIPHER)}
    assert stored == {"openai": "sk-vendor-secret", "ollama": ""}
    text = "\n".join(made.lines)
    assert made.live_secret in text
    assert "OPENAI_API_KEY" in text
    assert "sk-vendor-secret" not in text


def test_an_account_made_before_the_first_start_is_used(database: Database) -> None:
    account = database.run(create_account, name="acme", now=1.0)
    made = first_run(database)
    assert made is not None
    assert made.account == account
    database.run(create_account, name=DEFAULT_ACCOUNT, now=2.0)
    assert database.run(ensure_account, now=3.0) != account


def test_two_processes_at_once_set_up_once(database: Database) -> None:
    made = [first_run(database) for _ in range(3)]
    assert [one is None for one in made] == [False, True, True]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_commands_are_good_shell(database: Database, shell: str) -> None:
    made = first_run(database)
    assert made is not None
    script = (
        "\n".join(made.lines[made.lines.index("Try a chat:") + 1 :])
        .replace("Try a Kling picture:", "")
        .replace(BASE_URL, "http://127.0.0.1:9")
    )
    assert "{base_url}" not in script
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
