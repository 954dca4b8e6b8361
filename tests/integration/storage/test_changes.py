"""The change feed on real databases."""

import threading
from collections.abc import Callable

from sqlalchemy import Connection

from modelgate.core.records import Credential, Upstream
from modelgate.storage.changes import KEPT_CHANGES, current_version, keys_changed_since, lock_changes, record_change
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database

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
        may_commit.wait(60)

    def fast(connection: Connection) -> None:
        lock_changes(connection)
        record_change(connection, "key", "key_fast", now=NOW)

    others = [open_again(), open_again()]
    threads = [threading.Thread(target=others[0].run, args=(slow,))]
    threads[0].start()
    first_inserted.wait(60)
    threads.append(threading.Thread(target=others[1].run, args=(fast,)))
    threads[1].start()
    seen.append(database.read(current_version))
    may_commit.set()
    for thread in threads:
        thread.join()
    assert seen == [0]
    assert database.read(keys_changed_since, seen[0]) == ("key_fast", "key_slow")
