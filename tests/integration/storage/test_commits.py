from collections.abc import Callable

from sqlalchemy import Connection, text

from modelgate.storage.commits import CommitWatch
from modelgate.storage.database import Database


def add(connection: Connection) -> None:
    connection.execute(text("INSERT INTO setting (name, value) VALUES ('a', 'b')"))


def test_a_commit_of_anybody_is_seen_once(database: Database, open_again: Callable[[], Database]) -> None:
    watch = CommitWatch(database)
    assert watch.has_changed()
    assert watch.has_changed() is not database.is_sqlite
    open_again().run(add)
    assert watch.has_changed()
    assert watch.has_changed() is not database.is_sqlite
    database.run(lambda connection: connection.execute(text("DELETE FROM setting")))
    assert watch.has_changed()
    watch.forget()
    assert watch.has_changed()
    watch.close()


def test_what_was_rolled_back_is_no_change(database: Database) -> None:
    watch = CommitWatch(database)
    watch.has_changed()

    def fails(connection: Connection) -> None:
        add(connection)
        raise KeyError

    try:
        database.run(fails)
    except KeyError:
        assert watch.has_changed() is not database.is_sqlite
    watch.close()
