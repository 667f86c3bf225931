"""Where the sessions go that nobody has used for 30 days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `sessions_archive`."""
    op.create_table(
        "sessions_archive",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop `sessions_archive`."""
    op.drop_table("sessions_archive")
