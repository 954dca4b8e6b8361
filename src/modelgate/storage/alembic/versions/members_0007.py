"""Who signs in: members, their sessions, and the links that make members."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "member",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False, comment="owner, admin, member, viewer"),
        sa.Column("email", sa.String(length=254), nullable=False, comment="Lower case"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False, comment="argon2 hash; empty: nobody signs in by it"),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column("access_key_digest", sa.String(length=64), nullable=True),
        sa.Column("access_key_hint", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_member_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("access_key_digest", name=op.f("uq_member_access_key_digest")),
        sa.UniqueConstraint("email", name=op.f("uq_member_email")),
    )
    op.create_index(op.f("ix_member_account"), "member", ["account"], unique=False)
    op.create_table(
        "member_session",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the cookie"),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False, comment="Moved on by use"),
        sa.Column("ends_at", sa.Double(), nullable=False, comment="However much it is used"),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name=op.f("fk_member_session_member")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_member_session")),
    )
    op.create_index(op.f("ix_member_session_expires_at"), "member_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_member_session_member"), "member_session", ["member"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the secret in the link"),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="Empty: the setup link"),
        sa.Column("invited_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_invitation_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitation_digest")),
        comment="Links that make a member, once.",
    )
