"""Claims on idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idempotency_claim",
        sa.Column("scope", sa.String(length=64), nullable=False, comment="SHA-256 of account, book, path and key, hex"),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of what was asked, hex"),
        sa.Column("owner", sa.String(length=200), nullable=False, comment="The incarnation of a relay, or the desk, that answers"),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False, comment="As in the request record, which is found by it"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="running, stored, not_stored"),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("header_lines", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_idempotency_claim")),
    )
    op.create_index("ix_idempotency_claim_account", "idempotency_claim", ["account", "created_at", "size_bytes"], unique=False)
    op.create_index("ix_idempotency_claim_created_at", "idempotency_claim", ["created_at"], unique=False)
    op.create_index(
        "ix_idempotency_claim_owner",
        "idempotency_claim",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
