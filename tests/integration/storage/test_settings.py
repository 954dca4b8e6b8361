"""Upstreams, prices, groups and settings on real databases, and the snapshot made of them."""

import threading
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import Connection, select

from modelgate.core.records import Credential, PriceRow, Upstream
from modelgate.storage.changes import KEPT_CHANGES, current_version, keys_changed_since, lock_changes, record_change
from modelgate.storage.cipher import Cipher, WrongSecret
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.price_rows import set_group, set_price, unset_group, unset_price
from modelgate.storage.schema.settings import upstream_credential
from modelgate.storage.settings import load_snapshot, set_setting, unset_setting
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


def test_another_secret_gives_a_clear_error(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    with pytest.raises(WrongSecret, match="another secret"):
        database.read(load_snapshot, Cipher(bytes(31) + b"\1"))


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


def test_the_snapshot_holds_everything_and_its_version_rises(database: Database) -> None:
    empty = database.read(load_snapshot, CIPHER)
    assert (empty.version, empty.upstreams, empty.prices, empty.groups, empty.settings) == (0, (), (), {}, {})
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    database.run(set_price, PriceRow(model="m", rates={"input": "1.5"}), now=NOW)
    database.run(set_price, PriceRow(model="m", rates={"input": "2.5", "output": "3"}), now=NOW)
    database.run(set_price, PriceRow(model="local", free=True), now=NOW)
    database.run(set_group, "gold", "0.8", now=NOW)
    database.run(set_group, "gold", "0.75", now=NOW)
    database.run(set_setting, "orphans", "estimate", now=NOW)
    database.run(set_setting, "orphans", "zero", now=NOW)
    snapshot = database.read(load_snapshot, CIPHER)
    assert snapshot.upstreams == (OPENAI,)
    assert snapshot.prices == (PriceRow(model="local", free=True), PriceRow(model="m", rates={"input": "2.5", "output": "3"}))
    assert (snapshot.groups, snapshot.settings) == ({"gold": "0.75"}, {"orphans": "zero"})
    assert snapshot.version == database.read(current_version) == 8


def test_what_is_unset_is_gone(database: Database) -> None:
    database.run(set_price, PriceRow(model="m", free=True), now=NOW)
    database.run(set_group, "gold", "0.8", now=NOW)
    database.run(set_setting, "a", "b", now=NOW)
    assert database.run(unset_price, "m", now=NOW)
    assert database.run(unset_group, "gold", now=NOW)
    assert database.run(unset_setting, "a", now=NOW)
    version = database.read(current_version)
    assert not database.run(unset_price, "m", now=NOW)
    assert not database.run(unset_group, "gold", now=NOW)
    assert not database.run(unset_setting, "a", now=NOW)
    assert database.read(current_version) == version
    assert database.read(load_snapshot, CIPHER) == msgspec.structs.replace(
        database.read(load_snapshot, CIPHER), prices=(), groups={}, settings={}
    )


def test_who_slept_longer_than_the_feed_is_kept_is_told_to_forget_all(database: Database) -> None:
    assert database.read(keys_changed_since, 0) == ()

    def fill(connection: Connection) -> None:
        for number in range(5):
            record_change(connection, "key", f"key_{number}", now=NOW)

    database.run(fill)
    assert database.read(keys_changed_since, 3) == ("key_3", "key_4")
    database.run(lambda connection: connection.exec_driver_sql(f"UPDATE change SET seq = seq + {KEPT_CHANGES}"))
    if not database.is_sqlite:
        database.run(lambda connection: connection.exec_driver_sql(f"SELECT setval('change_seq_seq', {KEPT_CHANGES + 5})"))
    database.run(record_change, "key", "key_9", now=NOW)
    assert database.read(keys_changed_since, 3) is None
    assert database.read(keys_changed_since, KEPT_CHANGES + 5) == ("key_9",)
    assert database.read(keys_changed_since, KEPT_CHANGES * 3) is None, "a database restored from a backup"


def test_the_feed_is_bounded(database: Database) -> None:
    for _ in range(2):
        database.run(record_change, "setting", "a", now=NOW)
    database.run(lambda connection: connection.exec_driver_sql(f"UPDATE change SET seq = seq - {KEPT_CHANGES} WHERE seq = 1"))
    database.run(record_change, "setting", "b", now=NOW)
    rows = database.read(lambda connection: connection.exec_driver_sql("SELECT min(seq), count(*) FROM change").one())
    assert tuple(rows) == (2, 2)


def test_changes_commit_in_the_order_of_their_numbers(database: Database, open_again: Callable[[], Database]) -> None:
    """On Postgres a number is taken at insertion: a reader could see 2 before 1 was committed, and never look for 1 again."""
    seen: list[int] = []
    first_inserted, may_commit = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        lock_changes(connection)
        record_change(connection, "key", "key_slow", now=NOW)
        first_inserted.set()
        may_commit.wait(10)

    def fast(connection: Connection) -> None:
        lock_changes(connection)
        record_change(connection, "key", "key_fast", now=NOW)

    others = [open_again(), open_again()]
    threads = [threading.Thread(target=others[0].run, args=(slow,))]
    threads[0].start()
    first_inserted.wait(10)
    threads.append(threading.Thread(target=others[1].run, args=(fast,)))
    threads[1].start()
    seen.append(database.read(current_version))
    may_commit.set()
    for thread in threads:
        thread.join()
    assert seen == [0]
    assert database.read(keys_changed_since, seen[0]) == ("key_fast", "key_slow")
