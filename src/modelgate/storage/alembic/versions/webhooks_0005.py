"""Changes of tasks on their way to the addresses that callers gave."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("task_state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="The task's, when it came into this state"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="pending, sending, delivered, failed, gone, skipped"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False, comment="Not tried before; while sending the end of the lease"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("answer_status", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("task", "version", name=op.f("uq_webhook_task_version")),
        comment="Changes of tasks on their way to callers, each written in the transaction that makes the change.",
    )
    op.create_index(
        "ix_webhook_due_at",
        "webhook",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
