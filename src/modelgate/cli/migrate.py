"""`modelgate migrate`: bring the database up to date."""

import os

import click

from modelgate.cli.installation import one_line_errors


@click.command()
@click.option("--data", metavar="DIRECTORY", help="Data directory [MODELGATE_DATA; default: modelgate-data].")
@click.option("--database", metavar="URL", help="Database, if not SQLite in the data directory [MODELGATE_DATABASE].")
def migrate(data: str | None, database: str | None) -> None:
    """Bring the database up to date. Every start does this by itself; make a backup before you upgrade."""
    from modelgate.app.settings import load_settings
    from modelgate.storage.database import SHORT_PATIENCE_S, Database
    from modelgate.storage.migrations import check_lock, explain, prepare, schema_state

    with one_line_errors():
        url = load_settings({"data": data, "database": database}, os.environ).database_url
        state = schema_state(url)
        if state == "old":
            from modelgate.storage.upgrade import upgrade

            check_lock(url)
            opened = Database(url, patience_s=SHORT_PATIENCE_S)
            try:
                upgrade(opened)
            finally:
                opened.close()
        else:
            prepare(url)
        click.echo(explain(url, schema_state(url)))
