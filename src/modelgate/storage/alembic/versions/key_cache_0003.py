"""How old an answer from the cache may be, for each key."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("cache_s", sa.Integer(), nullable=True, comment="How old an answer from the cache may be; NULL: no cache")
    op.add_column("api_key", column)
