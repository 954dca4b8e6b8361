from contextlib import suppress

from sqlalchemy import Connection, text

from modelgate.storage.database import Database


def test_a_failed_step_leaves_nothing(database: Database) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(text("INSERT INTO thing VALUES (1)"))
        raise KeyError

    database.run(lambda connection: connection.execute(text("CREATE TABLE thing (id INTEGER)")))
    with suppress(KeyError):
        database.run(fails)
    assert database.read(lambda connection: connection.execute(text("SELECT count(*) FROM thing")).scalar()) == 0
