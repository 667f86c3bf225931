"""The episodes of a production."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `episodes`."""
    op.create_table(
        "episodes",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("production_id", sa.BigInteger, sa.ForeignKey("productions.id"), nullable=False, index=True),
        sa.Column("script", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop `episodes`."""
    op.drop_table("episodes")
