"""The audit trail: who asked for what, under which correlation id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `audit_logs`."""
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("correlation_id", sa.Text),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("feature", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
    )
    op.create_index("audit_logs_created_at", "audit_logs", ["created_at"])


def downgrade() -> None:
    """Drop `audit_logs`."""
    op.drop_table("audit_logs")
