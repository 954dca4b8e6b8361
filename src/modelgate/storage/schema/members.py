"""Who signs in: members, their sessions, and the links that make members."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, String, Table

from modelgate.storage.schema import metadata

member = Table(
    "member",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", String(64), ForeignKey("account.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False, comment="owner, admin, member, viewer"),
    Column("email", String(254), nullable=False, unique=True, comment="Lower case"),
    Column("name", String(100), nullable=False),
    Column("password", String(200), nullable=False, comment="argon2 hash; empty: nobody signs in by it"),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double),
    Column("access_key_digest", String(64), unique=True),
    Column("access_key_hint", String(32), nullable=False),
)

member_session = Table(
    "member_session",
    metadata,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the cookie"),
    Column("member", String(64), ForeignKey("member.id"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, comment="Moved on by use", index=True),
    Column("ends_at", Double, nullable=False, comment="However much it is used"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True, comment="SHA-256 of the secret in the link"),
    Column("role", String(16), nullable=False),
    Column("account", String(64), ForeignKey("account.id"), nullable=False),
    Column("email", String(254), nullable=False, comment="Empty: the setup link"),
    Column("invited_by", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    comment="Links that make a member, once.",
)
