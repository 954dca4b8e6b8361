"""Claims on `Idempotency-Key`s, and the answers kept for their repeats."""

from sqlalchemy import BigInteger, Column, Double, Index, LargeBinary, SmallInteger, String, Table, text

from modelgate.storage.schema import metadata

RUNNING = text("state = 'running'")

idempotency_claim = Table(
    "idempotency_claim",
    metadata,
    Column("scope", String(64), primary_key=True, comment="SHA-256 of account, book, path and key, hex"),
    Column("account", String(64), nullable=False),
    Column("digest", String(64), nullable=False, comment="SHA-256 of what was asked, hex"),
    Column("owner", String(200), nullable=False, comment="The incarnation of a relay, or the desk, that answers"),
    Column("request_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False, comment="As in the request record, which is found by it"),
    Column("state", String(10), nullable=False, comment="running, stored, not_stored"),
    Column("status", SmallInteger, nullable=False),
    Column("header_lines", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("ix_idempotency_claim_account", "account", "created_at", "size_bytes"),
    Index("ix_idempotency_claim_created_at", "created_at"),
    Index("ix_idempotency_claim_owner", "owner", sqlite_where=RUNNING),
)
