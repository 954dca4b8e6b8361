"""What the account API needs: keys that are deleted, redemption codes, the log of changes, and the ledger of one account by index."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, the tables and the indexes."""
    comment = "Disabled for good and shown nowhere; its money's history stays"
    op.add_column("api_key", sa.Column("deleted_at", sa.Double(), nullable=True, comment=comment))
    op.create_index("ix_ledger_entry_debit", "ledger_entry", ["debit", "id"], unique=False)
    op.create_index("ix_ledger_entry_credit", "ledger_entry", ["credit", "id"], unique=False)
    op.create_table(
        "redemption_code",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the code, hex; the code itself is nowhere"),
        sa.Column("hint", sa.String(length=32), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("redeemed_at", sa.Double(), nullable=True, comment="Set in the transaction that books the credit"),
        sa.Column("redeemed_by", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_redemption_code_digest")),
    )
    op.create_index("ix_redemption_code_created_at", "redemption_code", ["created_at"], unique=False)
    op.create_table(
        "admin_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON, without secrets"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_event")),
        comment="What owners and admins changed through the account API.",
    )
