"""What was done with each report, and which rule of a flag decided on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `report_audit_logs` and `feature_flag_evaluations`."""
    op.create_table(
        "report_audit_logs",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("report_id", sa.BigInteger, sa.ForeignKey("compliance_reports.id"), nullable=False, index=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "feature_flag_evaluations",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("audit_log_id", sa.BigInteger, sa.ForeignKey("audit_logs.id"), nullable=False),
        sa.Column("flag_name", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("feature_flag_evaluations")
    op.drop_table("report_audit_logs")
