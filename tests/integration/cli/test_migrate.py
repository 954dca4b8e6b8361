"""`modelgate migrate` on real databases."""

from collections.abc import Callable

import pytest
from click.testing import Result
from sqlalchemy import text

from modelgate.storage import migrations
from modelgate.storage.database import Database

Run = Callable[..., Result]


def test_an_empty_database_is_filled_and_a_current_one_left(run: Run) -> None:
    for _ in range(2):
        done = run("migrate")
        assert done.exit_code == 0
        assert "is up to date" in done.stdout


def test_an_old_database_is_upgraded(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("migrate")
    database = Database(database_url)
    database.run(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0000'")))
    upgraded = []

    def upgrade(opened: Database) -> None:
        upgraded.append(opened)
        opened.run(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0001'")))

    monkeypatch.setattr(migrations, "REVISIONS", ("0000", "0001"))
    monkeypatch.setattr("modelgate.storage.upgrade.upgrade", upgrade)
    assert "is up to date" in run("migrate").stdout
    assert len(upgraded) == 1
    database.close()


def test_a_newer_database_ends_with_one_clear_line(run: Run, database_url: str) -> None:
    run("migrate")
    database = Database(database_url)
    database.run(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    database.close()
    ended = run("migrate")
    assert ended.exit_code == 1
    assert ended.stderr.count("\n") == 1
    assert "written by a newer Modelgate" in ended.stderr
