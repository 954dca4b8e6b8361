"""What the operator set up: upstreams, prices, groups, settings, and the feed that tells running processes of changes."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Integer, LargeBinary, String, Table, Text

from modelgate.storage.schema import metadata

upstream = Table(
    "upstream",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("provider", String(100), nullable=False),
    Column("base_url", Text, nullable=False),
    Column("book", String(4), nullable=False),
    Column("models", Text, nullable=False, comment="JSON object: the caller's name to the upstream's"),
    Column("priority", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("free", Boolean, nullable=False),
    Column("socket", Text, nullable=False),
    Column("cancel", String(16), nullable=False),
    Column("timeout_s", Double, nullable=False),
    Column("ca_file", Text, nullable=False),
    Column("max_concurrent", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
)

upstream_credential = Table(
    "upstream_credential",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("upstream", String(64), ForeignKey("upstream.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="AES-256-GCM, bound to this row's id"),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
)

price = Table(
    "price",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("rates", Text, nullable=False, comment="JSON object: unit to a decimal string in USD"),
    Column("free", Boolean, nullable=False),
)

price_group = Table(
    "price_group",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("multiplier", String(40), nullable=False),
)

setting = Table(
    "setting",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

change = Table(
    "change",
    metadata,
    # SQLite numbers rows by itself only in an INTEGER primary key; AUTOINCREMENT never reuses a trimmed number.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("id", String(200), nullable=False),
    Column("at", Double, nullable=False),
    sqlite_autoincrement=True,
)
