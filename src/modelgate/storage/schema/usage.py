"""What is counted of requests beside their records: sums to draw charts from, refusals, and what was removed with age."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table

from modelgate.storage.schema import metadata

ID = String(64)
BUCKETS_MS = (50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 60_000)
"""Upper ends of the classes of durations; the last class is open. Kept sums are by these: never change them, only add."""
BUCKET_NAMES = tuple(f"took_{number}" for number in range(len(BUCKETS_MS) + 1))

DIMENSIONS = ("key", "model", "upstream")
"""What sums are told apart by, beside accounts. Each for itself: together they would be a fifth as many as the records."""

usage = Table(
    "usage",
    metadata,
    Column("book", String(4), primary_key=True),
    Column("span_s", Integer, primary_key=True, autoincrement=False, comment="3600: of an hour; 86400: of a day, UTC"),
    Column("dimension", String(8), primary_key=True, comment="What name is of: key, model, upstream. Each sums up to the same"),
    Column("at", BigInteger, primary_key=True, autoincrement=False, comment="Where the span begins, seconds since the epoch"),
    Column("account", ID, primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("requests", BigInteger, nullable=False, comment="Records, by when the request began"),
    Column("errors", BigInteger, nullable=False, comment="Of these those that failed: a status from 400, or none"),
    Column("refused", BigInteger, nullable=False, comment="Calls refused before money was held; they have no record"),
    Column("tasks", BigInteger, nullable=False, comment="By when they ended"),
    Column("tasks_failed", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False, comment="Of requests and tasks"),
    Column("first_byte_ms", BigInteger, nullable=False, comment="Summed over the requests that are no errors, as are the next columns"),
    Column("total_ms", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in BUCKET_NAMES),
    Index("ix_usage_account", "account", "book", "span_s", "dimension", "at"),
    Index("ix_usage_name", "name", "book", "span_s", "dimension", "at"),
    sqlite_with_rowid=False,
    comment="Sums of request records and ended tasks, written in the transactions that write those.",
)

refusal = Table(
    "refusal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("request_id", ID, nullable=False),
    Column("account", ID, nullable=False),
    Column("key", ID, nullable=False),
    Column("book", String(4), nullable=False),
    Column("endpoint", String(100), nullable=False),
    Column("model", String(200), nullable=False, comment="As the caller spelled it"),
    Column("status", SmallInteger, nullable=False),
    Column("code", String(100), nullable=False),
    Column("message", String(500), nullable=False),
    Index("ix_refusal_book", "book", "at_ms"),
    Index("ix_refusal_key", "key", "at_ms"),
    Index("ix_refusal_request_id", "request_id"),
    comment="Calls with a known key that were refused before money was held. For looking at, not for proving: bounded, with gaps.",
)

removed = Table(
    "removed",
    metadata,
    Column("what", String(32), primary_key=True),
    Column("before_ms", BigInteger, nullable=False, comment="Rows that began before may be gone; later ones are all there"),
    comment="How far what is old was removed.",
)
