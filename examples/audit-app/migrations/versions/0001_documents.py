"""The counties, and the documents that the pipeline extracts for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `counties` and `documents`, with the indexes that the frequent queries need."""
    counties = op.create_table(
        "counties",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("county_id", sa.Integer, sa.ForeignKey("counties.id"), nullable=False),
        sa.Column("fiscal_year", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("idx_documents_county", "documents", ["county_id"])
    op.create_index("idx_documents_year", "documents", ["fiscal_year"])
    # The codes are those of the first schedule of the constitution of Kenya.
    op.bulk_insert(
        counties, [{"id": 1, "name": "Mombasa"}, {"id": 42, "name": "Kisumu"}, {"id": 47, "name": "Nairobi"}]
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("documents")
    op.drop_table("counties")
