"""Checks of a sitting's path and of the whole appliance, with what each step found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pipeline_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("bundle_object_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__pipeline_check__company_id__company")),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__pipeline_check__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["user.id"], name=op.f("fk__pipeline_check__requested_by_id__user")
        ),
        sa.ForeignKeyConstraint(
            ["bundle_object_id"],
            ["vault_object.id"],
            name=op.f("fk__pipeline_check__bundle_object_id__vault_object"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__pipeline_check")),
    )
    op.create_index(op.f("ix__pipeline_check_company_id"), "pipeline_check", ["company_id"])
    op.create_index(op.f("ix__pipeline_check_sitting_id"), "pipeline_check", ["sitting_id"])
    op.create_table(
        "browser_report",
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__browser_report__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk__browser_report")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("browser_report")
    op.drop_table("pipeline_check")
