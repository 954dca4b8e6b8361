"""What the account API brings: redemption codes, and the log of what owners and admins changed."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

from modelgate.storage.schema import metadata

redemption_code = Table(
    "redemption_code",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True, comment="SHA-256 of the code, hex; the code itself is nowhere"),
    Column("hint", String(32), nullable=False),
    Column("book", String(4), nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("note", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", Double),
    Column("redeemed_at", Double, comment="Set in the transaction that books the credit"),
    Column("redeemed_by", String(64), nullable=False),
    Column("account", String(64), nullable=False),
    Column("withdrawn_at", Double),
    Index("ix_redemption_code_created_at", "created_at"),
)

admin_event = Table(
    "admin_event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("member", String(64), nullable=False),
    Column("email", String(320), nullable=False),
    Column("action", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", Text, nullable=False, comment="JSON, without secrets"),
    comment="What owners and admins changed through the account API.",
)
