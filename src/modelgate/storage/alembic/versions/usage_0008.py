"""What the console draws and lists: sums by hour and day, filled from the records there are, refusals, and indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BUCKETS_MS = (50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 60000)
FAILED = "status < 100 OR status > 399"
COUNTED = ("requests", "errors", "refused", "tasks", "tasks_failed", "input_tokens", "output_tokens", "amount_nanos")
BUCKETS = tuple(f"took_{number}" for number in range(len(BUCKETS_MS) + 1))
MEASURES = (*COUNTED, "first_byte_ms", "total_ms", *BUCKETS)


def upgrade() -> None:
    """Create the tables and indexes, and add up what was used so far."""
    _create_usage()
    _create_refusal()
    op.create_table(
        "removed",
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("before_ms", sa.BigInteger(), nullable=False, comment="Rows that began before may be gone; later ones are all there"),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_removed")),
        comment="How far what is old was removed.",
    )
    _create_indexes()
    for span_s in (3600, 86400):
        for dimension in ("key", "model", "upstream"):
            _add_up(span_s, dimension)


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("span_s", sa.Integer(), autoincrement=False, nullable=False, comment="3600: of an hour; 86400: of a day, UTC"),
        sa.Column(
            "dimension", sa.String(length=8), nullable=False, comment="What name is of: key, model, upstream. Each sums up to the same"
        ),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False, comment="Where the span begins, seconds since the epoch"),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False, comment=COMMENTS.get(name)) for name in MEASURES),
        sa.PrimaryKeyConstraint("book", "span_s", "dimension", "at", "account", "name", name=op.f("pk_usage")),
        sqlite_with_rowid=False,
        comment="Sums of request records and ended tasks, written in the transactions that write those.",
    )
    for first in ("account", "name"):
        op.create_index(f"ix_usage_{first}", "usage", [first, "book", "span_s", "dimension", "at"], unique=False)


COMMENTS = {
    "requests": "Records, by when the request began",
    "errors": "Of these those that failed: a status from 400, or none",
    "refused": "Calls refused before money was held; they have no record",
    "tasks": "By when they ended",
    "amount_nanos": "Of requests and tasks",
    "first_byte_ms": "Summed over the requests that are no errors, as are the next columns",
}


def _create_refusal() -> None:
    op.create_table(
        "refusal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("endpoint", sa.String(length=100), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False, comment="As the caller spelled it"),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
        comment="Calls with a known key that were refused before money was held. For looking at, not for proving: bounded, with gaps.",
    )
    op.create_index("ix_refusal_book", "refusal", ["book", "at_ms"], unique=False)
    op.create_index("ix_refusal_key", "refusal", ["key", "at_ms"], unique=False)
    op.create_index("ix_refusal_request_id", "refusal", ["request_id"], unique=False)


def _create_indexes() -> None:
    op.drop_index("ix_request_record_at_ms", table_name="request_record")
    op.create_index("ix_request_record_book_at_ms", "request_record", ["book", "at_ms"], unique=False)
    op.create_index("ix_request_record_key_at_ms", "request_record", ["key", "at_ms"], unique=False)
    failed = sa.text(FAILED)
    columns = ["at_ms", "book", "status", "model"]
    op.create_index("ix_request_record_failed", "request_record", columns, unique=False, sqlite_where=failed, postgresql_where=failed)
    for first in ("book", "key"):
        op.create_index(f"ix_task_{first}_created_at", "task", [first, "created_at"], unique=False)
    op.create_index("ix_task_request_id", "task", ["request_id"], unique=False)
    op.create_index("ix_task_finished_at", "task", ["finished_at"], unique=False)
    op.create_index("ix_webhook_ended_at", "webhook", ["ended_at"], unique=False)


def _add_up(span_s: int, dimension: str) -> None:
    """Add up records and ended tasks by spans of so many seconds, accounts, and keys, models or upstreams."""
    lower = (None, *BUCKETS_MS)
    upper = (*BUCKETS_MS, None)
    fine = f"NOT ({FAILED})"
    in_bucket = [
        " AND ".join((fine, *([f"total_ms > {low}"] if low else []), *([f"total_ms <= {high}"] if high else [])))
        for low, high in zip(lower, upper, strict=True)
    ]
    of_requests = {
        "requests": "1",
        "errors": f"CASE WHEN {FAILED} THEN 1 ELSE 0 END",
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "amount_nanos": "amount_nanos",
        "first_byte_ms": f"CASE WHEN {fine} THEN first_byte_ms ELSE 0 END",
        "total_ms": f"CASE WHEN {fine} THEN total_ms ELSE 0 END",
        **{name: f"CASE WHEN {which} THEN 1 ELSE 0 END" for name, which in zip(BUCKETS, in_bucket, strict=True)},
    }
    ended = "CAST(finished_at AS INTEGER)" if op.get_context().dialect.name == "sqlite" else "CAST(floor(finished_at) AS BIGINT)"
    of_tasks = {
        "tasks": "1",
        "tasks_failed": "CASE WHEN task.state IN ('failed', 'expired') THEN 1 ELSE 0 END",
        "amount_nanos": "coalesce(task_hold.captured_nanos, 0)",
    }
    requests = ", ".join(
        (
            f"at_ms / {span_s * 1000} * {span_s} AS at",
            *("book", "account"),
            f"{dimension} AS name",
            *(f"{of_requests.get(name, '0')} AS {name}" for name in MEASURES),
        )
    )
    tasks = ", ".join(
        (
            f"{ended} / {span_s} * {span_s} AS at",
            *("task.book AS book", "task.account AS account"),
            f"task.{dimension} AS name",
            *(f"{of_tasks.get(name, '0')} AS {name}" for name in MEASURES),
        )
    )
    op.execute(
        f"INSERT INTO usage (span_s, dimension, at, book, account, name, {', '.join(MEASURES)}) "  # noqa: S608  # names from this file
        f"SELECT {span_s}, '{dimension}', at, book, account, name, {', '.join(f'SUM({name})' for name in MEASURES)} FROM "
        f"(SELECT {requests} FROM request_record UNION ALL "
        f"SELECT {tasks} FROM task LEFT JOIN task_hold ON task_hold.task = task.id WHERE task.finished_at IS NOT NULL) AS used "
        f"GROUP BY at, book, account, name"
    )
