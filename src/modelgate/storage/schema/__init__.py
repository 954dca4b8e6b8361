"""The tables, one file per room that owns them, on one metadata: the same on SQLite and Postgres."""

from typing import Any

from sqlalchemy import Connection, MetaData, event

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@event.listens_for(metadata, "before_create")
def _keep_conditions_of_indexes(_metadata: MetaData, connection: Connection, **_: Any) -> None:
    """Let an index with a condition have it on Postgres too.

    Said only here, not as `postgresql_where` beside each `sqlite_where`: for that word alone SQLAlchemy loads all its ways to reach
    Postgres, 3 MB of the book and of the desk.
    """
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]
