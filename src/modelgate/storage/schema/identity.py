"""Who may speak: accounts and API keys. Their money is in `money.py`, tied by id."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Integer, String, Table, Text

from modelgate.storage.schema import metadata

account = Table(
    "account",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
)

chosen_limit = Table(
    "chosen_limit",
    metadata,
    Column("account", String(64), ForeignKey("account.id"), primary_key=True),
    Column("book", String(4), primary_key=True),
    Column("at", Double, nullable=False),
    comment="A row says that somebody chose this credit limit; without one, the first credit makes the account prepaid.",
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", String(64), ForeignKey("account.id"), nullable=False, index=True),
    Column("book", String(4), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("former_digest", String(64), unique=True, comment="The secret before a rotation with a grace period"),
    Column("former_until", Double),
    Column("hint", String(32), nullable=False),
    Column("price_group", String(100), nullable=False),
    Column("limit_nanos", BigInteger),
    Column("limit_reset", String(16), nullable=False),
    Column("models", Text, nullable=False, comment="JSON array"),
    Column("ips", Text, nullable=False, comment="JSON array"),
    Column("rpm", Integer),
    Column("tpm", Integer),
    Column("expires_at", Double),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("slot", Integer, unique=True, comment="Cell of the shared rate counters; a disabled key gives it up"),
    Column("cache_s", Integer, comment="How old an answer from the cache may be; NULL: no cache"),
    Column("deleted_at", Double, comment="Disabled for good and shown nowhere; its money's history stays"),
)
