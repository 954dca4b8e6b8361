"""What is in a database, and making it ready."""

import re
import sqlite3
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import LargeBinary, MetaData, String, Table, text

from modelgate.storage import migrations
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.identity import create_account, list_accounts
from modelgate.storage.migrations import REVISIONS, DatabaseUnusable, all_tables, prepare, schema_state
from modelgate.storage.tasks import claim_due, save_task
from modelgate.storage.upgrade import SCRIPTS, upgrade


def execute(url: str, statement: str) -> None:
    database = Database(url)
    database.run(lambda connection: connection.execute(text(statement)))
    database.close()


def test_an_empty_database_is_filled_once(database_url: str) -> None:
    assert schema_state(database_url) == "empty"
    assert prepare(database_url) == "empty"
    assert schema_state(database_url) == "current"
    assert prepare(database_url) == "current"
    database = Database(database_url)
    database.run(create_account, name="default", now=1.0)
    database.close()


def test_looking_at_a_missing_file_does_not_make_it(tmp_path: Path) -> None:
    path = tmp_path / "no" / "modelgate.db"
    assert schema_state(sqlite_url(path)) == "empty"
    assert not path.parent.exists()


def test_a_data_directory_that_is_missing_is_made(tmp_path: Path) -> None:
    assert prepare(sqlite_url(tmp_path / "a" / "b" / "modelgate.db")) == "empty"


def test_several_processes_may_meet_one_empty_database(database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        states = list(threads.map(prepare, [database_url] * 4))
    assert "empty" in states
    assert schema_state(database_url) == "current"


def test_a_database_of_a_newer_version_ends_with_one_clear_line(database_url: str) -> None:
    prepare(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert schema_state(database_url) == "newer"
    with pytest.raises(DatabaseUnusable, match="written by a newer Modelgate") as caught:
        prepare(database_url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("statement", ["DROP TABLE price", "DROP TABLE alembic_version", "DELETE FROM alembic_version"])
def test_a_database_with_missing_parts_is_broken(database_url: str, statement: str) -> None:
    prepare(database_url)
    execute(database_url, statement)
    assert schema_state(database_url) == "broken"
    with pytest.raises(DatabaseUnusable, match="damaged or not Modelgate's"):
        prepare(database_url)


def test_a_file_that_is_no_database_ends_with_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "modelgate.db"
    path.write_bytes(b"these are notes, not a database" * 100)
    with pytest.raises(DatabaseUnusable, match="damaged or not Modelgate's"):
        prepare(sqlite_url(path))
    assert path.read_bytes().startswith(b"these are notes"), "left as it was"


def test_a_truncated_database_ends_with_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "modelgate.db"
    prepare(sqlite_url(path))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatabaseUnusable):
        prepare(sqlite_url(path))


def test_a_database_shared_with_other_tables_is_filled(database_url: str) -> None:
    execute(database_url, "CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY)")
    assert prepare(database_url) == "empty"
    assert schema_state(database_url) == "current"


@pytest.mark.parametrize("url", ["nonsense", "mysql://user:hidden@host/name", "sqlite+nothing:///x"])
def test_a_url_that_cannot_be_served_ends_with_one_clear_line(url: str) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        prepare(url)
    assert "hidden" not in str(caught.value)


def test_a_server_that_is_down_ends_with_one_clear_line() -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be used") as caught:
        prepare("postgresql://user:hidden@127.0.0.1:1/name?connect_timeout=1")
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_table_is_known(database_url: str) -> None:
    assert {"account", "account_balance", "api_key", "change", "upstream"} <= set(all_tables().tables)


def test_indexes_have_their_conditions_on_both_databases(database_url: str) -> None:
    """Without it an index of the few open leases is one of all there ever were."""
    prepare(database_url)
    indexes = [index for table in all_tables().tables.values() for index in table.indexes]
    expected = {str(index.name) for index in indexes if index.dialect_options["sqlite"]["where"] is not None}
    database = Database(database_url)
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
        if database.is_sqlite
        else "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexdef LIKE '% WHERE %'"
    )
    found = set(database.read(lambda connection: connection.execute(text(query)).scalars().all()))
    database.close()
    assert found == expected
    assert len(expected) > 4


def upgraded(url: str) -> Database:
    """Return a database made from nothing by alembic alone."""
    database = Database(url)
    upgrade(database)
    return database


def test_the_revisions_make_exactly_the_tables_the_program_uses(database_url: str) -> None:
    database = upgraded(database_url)
    options = {"compare_type": True, "compare_server_default": True}
    with database.engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), all_tables())
    database.close()
    assert differences == []
    assert schema_state(database_url) == "current"


def test_an_upgraded_sqlite_file_is_word_for_word_one_that_was_created(tmp_path: Path) -> None:
    """What reflection does not see: AUTOINCREMENT, WITHOUT ROWID, conditions of indexes. A column that was added comes last, so order is free."""

    def definitions(path: Path) -> dict[str, list[str]]:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
            return {name: sorted(part.strip() for part in re.split(r"[,()]", " ".join(sql.split()))) for name, sql in rows}

    prepare(sqlite_url(tmp_path / "created.db"))
    upgraded(sqlite_url(tmp_path / "upgraded.db")).close()
    assert definitions(tmp_path / "upgraded.db") == definitions(tmp_path / "created.db")


def test_every_revision_is_named_in_the_program(tmp_path: Path) -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS
    assert scripts.get_heads() == [REVISIONS[-1]]


def test_an_old_database_is_upgraded_in_a_process_of_its_own(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '0000'")
    monkeypatch.setattr(migrations, "REVISIONS", ("0000", *REVISIONS))
    assert schema_state(database_url) == "old"
    with pytest.raises(DatabaseUnusable, match="the upgrade of the database failed: Error: "):
        prepare(database_url)  # the child knows no revision 0000, and says so


def test_a_database_of_the_first_revision_is_upgraded_with_what_is_in_it(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database, to="0001")
    database.run(create_account, name="old", now=1.0)
    database.close()
    assert schema_state(database_url) == "old"
    assert prepare(database_url) == "old"
    assert schema_state(database_url) == "current"
    database = Database(database_url)
    assert [account.name for account in database.read(list_accounts)] == ["old", "old"]
    database.close()


def test_a_task_of_an_older_version_goes_on_after_the_upgrade(database_url: str) -> None:
    """It stood still for ever, its money held: `memoryview: a bytes-like object is required, not 'str'` at each step."""
    database = Database(database_url)
    upgrade(database, to="0003")
    old = Table("task", MetaData(), autoload_with=database.engine)
    numbers = {column.name: 1 for column in old.columns if not isinstance(column.type, LargeBinary | String)}
    row = {
        **numbers,
        **{column.name: b"{}" if isinstance(column.type, LargeBinary) else "" for column in old.columns if column.name not in numbers},
        **{"id": "task_1", "account": "acct_1", "book": "test", "family": "kling", "operation": "image", "state": "running"},
        **{"outputs": b"[]", "finished_at": None},
    }
    database.run(lambda connection: connection.execute(old.insert().values(**row)))
    database.close()
    assert prepare(database_url) == "old"
    database = Database(database_url)
    [task] = database.run(claim_due, now=2e9, owner="worker", lease_until=3e9, limit=5)
    assert task.details == b"{}"
    assert database.run(save_task, msgspec.structs.replace(task, progress=50)) is not None
    database.close()


def test_an_upgrade_that_succeeds_is_followed_by_work(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '0000'")
    monkeypatch.setattr(migrations, "REVISIONS", ("0000", *REVISIONS))
    asked: list[tuple[list[str], str]] = []

    def run(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append((command[1:], env["MODELGATE_DATABASE"]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert prepare(database_url) == "old"
    assert asked == [(["-m", "modelgate", "migrate"], database_url)]


def test_nothing_that_starts_with_the_server_imports_alembic() -> None:
    script = "import sys, modelgate.storage.migrations, modelgate.app.first_run, modelgate.app.snapshots; print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
