"""Upstreams and their secrets on real databases."""

import msgspec
import pytest
from sqlalchemy import select

from modelgate.core.records import Credential, Upstream
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.schema.settings import upstream_credential
from modelgate.storage.upstreams import UpstreamChanges, add_upstream, edit_upstream, get_upstream, list_upstreams, remove_upstream

NOW = 1_790_000_000.0
CIPHER = Cipher(bytes(32))
OPENAI = Upstream(
    id="up_1",
    name="openai",
    provider="openai",
    base_url="https://api.openai.com/v1",
    book="live",
    models={"gpt-4o": "gpt-4o-2024-11-20"},
    credentials=(Credential(id="cred_1", secret="sk-one"), Credential(id="cred_2", secret="sk-two", disabled=True)),
    priority=3,
    weight=2,
    cancel="cancel",
    timeout_s=12.5,
    ca_file="/etc/ca.pem",
    max_concurrent=4,
)


def test_an_upstream_comes_back_with_its_secrets_only_to_who_has_the_cipher(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    assert database.read(list_upstreams, CIPHER) == (OPENAI,)
    assert database.read(get_upstream, "openai", CIPHER) == database.read(get_upstream, "up_1", CIPHER) == OPENAI
    assert [credential.secret for credential in database.read(get_upstream, "up_1").credentials] == ["", ""]


def test_vendor_keys_are_not_in_the_database_in_the_clear(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    stored = database.read(lambda connection: connection.execute(select(upstream_credential.c.secret)).scalars().all())
    assert len(stored) == 2
    assert all(b"sk-" not in secret for secret in stored)


def test_an_upstream_is_edited_and_removed(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    edited = database.run(edit_upstream, CIPHER, "openai", UpstreamChanges(weight=9, disabled=True), now=NOW)
    assert (edited.weight, edited.disabled, edited.priority) == (9, True, 3)
    database.run(edit_upstream, CIPHER, "up_1", UpstreamChanges(secrets=("sk-three",)), now=NOW)
    assert [credential.secret for credential in database.read(get_upstream, "up_1", CIPHER).credentials] == ["sk-three"]
    assert database.run(remove_upstream, "up_1", now=NOW).name == "openai"
    assert database.read(list_upstreams) == ()
    with pytest.raises(NoSuchRow, match="up_1"):
        database.run(remove_upstream, "up_1", now=NOW)


def test_names_of_upstreams_are_taken_once(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    other = msgspec.structs.replace(OPENAI, id="up_2", credentials=())
    with pytest.raises(NameTaken, match="openai"):
        database.run(add_upstream, CIPHER, other, now=NOW)
    database.run(add_upstream, CIPHER, msgspec.structs.replace(other, name="second"), now=NOW)
    with pytest.raises(NameTaken):
        database.run(edit_upstream, CIPHER, "second", UpstreamChanges(name="openai"), now=NOW)
    database.run(edit_upstream, CIPHER, "second", UpstreamChanges(name="second"), now=NOW)
