"""The reports, each with the audit row of the request that made it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `compliance_reports`."""
    op.create_table(
        "compliance_reports",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "audit_log_id",
            sa.BigInteger,
            sa.ForeignKey("audit_logs.id"),
            nullable=False,
        ),
        sa.Column("mapping_name", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
    )
    op.create_index("compliance_reports_created_at", "compliance_reports", ["created_at"])


def downgrade() -> None:
    """Drop `compliance_reports`."""
    op.drop_table("compliance_reports")
