"""What a scan found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `findings`."""
    op.create_table(
        "findings",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("scan_id", sa.BigInteger, sa.ForeignKey("scans.id"), nullable=False, index=True),
        sa.Column("rule", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop `findings`."""
    op.drop_table("findings")
