"""Accounts and keys on real databases."""

import threading
from collections.abc import Callable

import msgspec
import pytest

from modelgate.core.records import ApiKey
from modelgate.storage.changes import current_version, keys_changed_since
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.identity import (
    KeyChanges,
    create_account,
    create_key,
    disable_key,
    edit_key,
    find_account,
    find_key,
    get_key,
    is_limit_chosen,
    keys_named,
    list_accounts,
    list_keys,
    note_limit_chosen,
    rotate_key,
)

NOW = 1_790_000_000.0


def key(account: str, number: int = 1) -> ApiKey:
    return ApiKey(id=f"key_{number}", account=account, book="test", name=f"n{number}", digest=f"digest-{number}", hint="sk-test-…abcd")


@pytest.fixture
def account(database: Database) -> str:
    return database.run(create_account, name="default", now=NOW)


def test_a_new_account_pays_later_in_both_books(database: Database, account: str) -> None:
    accounts = database.read(list_accounts)
    assert [(one.id, one.name, one.book, one.balance_nanos, one.credit_limit_nanos) for one in accounts] == [
        (account, "default", "test", 0, None),
        (account, "default", "live", 0, None),
    ]


def test_an_account_name_is_taken_once(database: Database, account: str) -> None:
    with pytest.raises(NameTaken, match="default"):
        database.run(create_account, name="default", now=NOW)


def test_an_account_is_found_by_id_and_by_name(database: Database, account: str) -> None:
    assert database.read(find_account, account) == database.read(find_account, "default") == account
    with pytest.raises(NoSuchRow, match="nobody"):
        database.read(find_account, "nobody")


def test_an_account_named_like_the_id_of_another_does_not_hide_it(database: Database, account: str) -> None:
    database.run(create_account, name=account, now=NOW + 1)
    assert database.read(find_account, account) == account


def test_a_key_comes_back_as_it_was_stored(database: Database, account: str) -> None:
    wanted = ApiKey(
        id="key_1",
        account=account,
        book="live",
        name="mobile",
        digest="d" * 64,
        hint="sk-live-…wxyz",
        group="gold",
        limit_nanos=5_000_000_000,
        limit_reset="daily",
        models=("gpt-4o", "kling-v1"),
        ips=("10.0.0.0/8", "2001:db8::1"),
        rpm=60,
        tpm=100_000,
        expires_at=NOW + 3600,
    )
    stored = database.run(create_key, wanted, now=NOW)
    assert stored == msgspec.structs.replace(wanted, created_at=NOW, slot=0)
    assert database.read(find_key, "d" * 64) == database.read(get_key, "key_1") == stored
    assert database.read(list_keys) == database.read(list_keys, account_id=account) == (stored,)
    assert database.read(list_keys, account_id="acct_other") == ()
    assert database.read(find_key, "e" * 64) is None


def test_a_key_needs_an_account(database: Database) -> None:
    with pytest.raises(NoSuchRow, match="acct_none"):
        database.run(create_key, key("acct_none"), now=NOW)


def test_keys_are_named_by_id_first(database: Database, account: str) -> None:
    database.run(create_key, key(account, 1), now=NOW)
    database.run(create_key, msgspec.structs.replace(key(account, 2), name="key_1"), now=NOW)
    database.run(create_key, msgspec.structs.replace(key(account, 3), name="n1"), now=NOW)
    assert [one.id for one in database.read(keys_named, "key_1")] == ["key_1"]
    assert [one.id for one in database.read(keys_named, "n1")] == ["key_1", "key_3"]
    assert database.read(keys_named, "n9") == ()


def test_an_edit_changes_only_what_it_names(database: Database, account: str) -> None:
    before = database.run(create_key, msgspec.structs.replace(key(account), rpm=5, limit_nanos=7), now=NOW)
    after = database.run(edit_key, "key_1", KeyChanges(limit_nanos=None, models=("a",)), now=NOW)
    assert after == msgspec.structs.replace(before, limit_nanos=None, models=("a",))
    with pytest.raises(NoSuchRow):
        database.run(edit_key, "key_9", KeyChanges(rpm=1), now=NOW)


def test_slots_are_the_smallest_free_and_a_disabled_key_gives_its_own_up(database: Database, account: str) -> None:
    for number in (1, 2, 3):
        assert database.run(create_key, key(account, number), now=NOW).slot == number - 1
    assert database.run(disable_key, "key_2", now=NOW).disabled
    assert database.run(create_key, key(account, 4), now=NOW).slot == 1
    assert database.run(disable_key, "key_2", disabled=False, now=NOW).slot == 3
    assert database.run(disable_key, "key_2", disabled=False, now=NOW).slot == 3


def test_a_rotated_secret_stops_at_once(database: Database, account: str) -> None:
    database.run(create_key, key(account), now=NOW)
    database.run(rotate_key, "key_1", digest="new", hint="sk-test-…new", now=NOW)
    assert database.read(find_key, "digest-1") is None
    found = database.read(find_key, "new")
    assert found is not None
    assert (found.id, found.hint, found.expires_at) == ("key_1", "sk-test-…new", None)


def test_a_rotated_secret_may_have_a_grace_period_that_never_outlives_the_key(database: Database, account: str) -> None:
    database.run(create_key, msgspec.structs.replace(key(account), expires_at=NOW + 100), now=NOW)
    database.run(rotate_key, "key_1", digest="second", hint="h", grace_s=60, now=NOW)
    former = database.read(find_key, "digest-1")
    assert former is not None
    assert (former.id, former.digest, former.expires_at) == ("key_1", "digest-1", NOW + 60)
    database.run(rotate_key, "key_1", digest="third", hint="h", grace_s=1000, now=NOW)
    assert database.read(find_key, "digest-1") is None
    former = database.read(find_key, "second")
    assert former is not None
    assert former.expires_at == NOW + 100


def test_each_write_is_in_the_change_feed(database: Database, account: str) -> None:
    start = database.read(current_version)
    database.run(create_key, key(account, 1), now=NOW)
    database.run(create_key, key(account, 2), now=NOW)
    after_create = database.read(current_version)
    assert after_create > start
    assert database.read(keys_changed_since, start) == ("key_1", "key_2")
    database.run(edit_key, "key_1", KeyChanges(rpm=1), now=NOW)
    database.run(disable_key, "key_1", now=NOW)
    database.run(rotate_key, "key_1", digest="x", hint="h", now=NOW)
    assert database.read(keys_changed_since, after_create) == ("key_1",)
    assert database.read(current_version) == after_create + 3
    assert database.read(keys_changed_since, database.read(current_version)) == ()


def test_a_failed_write_leaves_no_change(database: Database, account: str) -> None:
    before = database.read(current_version)
    with pytest.raises(NoSuchRow):
        database.run(rotate_key, "key_9", digest="x", hint="h", now=NOW)
    assert database.read(current_version) == before


def test_keys_made_at_once_by_several_processes_get_slots_of_their_own(
    database: Database, account: str, open_again: Callable[[], Database]
) -> None:
    others = [open_again() for _ in range(4)]

    def make(index: int) -> None:
        for step in range(3):
            others[index].run(create_key, key(account, 10 * index + step), now=NOW)

    threads = [threading.Thread(target=make, args=(index,)) for index in range(len(others))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.slot for one in database.read(list_keys)) == list(range(12))


def test_only_a_lowered_limit_recalls_what_relays_hold(database: Database, account: str) -> None:
    def recall_round() -> int:
        return int(
            database.read(lambda connection: connection.exec_driver_sql("SELECT max(recall_round) FROM account_balance").scalar_one())
        )

    database.run(create_key, key(account), now=NOW)
    rounds = []
    for limit_nanos in (100, 200, 50, None, 50):
        database.run(edit_key, "key_1", KeyChanges(limit_nanos=limit_nanos), now=NOW)
        rounds.append(recall_round())
    assert rounds == [1, 1, 2, 2, 3]


def test_a_chosen_limit_is_noted_for_its_book_alone(database: Database, account: str) -> None:
    for _ in range(2):
        database.run(note_limit_chosen, account_id=account, book="live", now=NOW)
    assert database.read(is_limit_chosen, account_id=account, book="live")
    assert not database.read(is_limit_chosen, account_id=account, book="test")
