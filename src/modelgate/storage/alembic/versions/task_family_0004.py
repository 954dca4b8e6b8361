"""What tasks that build on others need: what their vendors say, their parents, and results by their vendors' names."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table."""
    empty, empty_object = sa.text("''"), sa.text("'{}'")
    for column in (
        sa.Column(
            "details", sa.LargeBinary(), nullable=False, server_default=empty_object, comment="What the vendor says about the job, JSON"
        ),
        sa.Column("parent", sa.String(64), nullable=False, server_default=empty, comment="The task it builds on"),
        sa.Column("pinned", sa.String(64), nullable=False, server_default=empty, comment="The only upstream that may have it; empty: any"),
        sa.Column("callback_url", sa.Text(), nullable=False, server_default=empty, comment="Where its caller hears of changes"),
    ):
        op.add_column("task", column)
    op.create_table(
        "task_output",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("vendor_id", sa.String(200), nullable=False),
        sa.Column("task", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("account", "vendor_id", "task"),
        comment="Results of succeeded tasks by their vendors' names, by which later work builds on them. Written with the task's end.",
    )
