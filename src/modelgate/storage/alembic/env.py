"""Run by alembic for each upgrade; the connection, with its transaction, is handed in by `storage/upgrade.py`."""

from alembic import context

from modelgate.storage.migrations import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,  # SQLite changes a table by copying it
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
