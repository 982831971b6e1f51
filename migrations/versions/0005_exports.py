"""Exports of sittings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "export",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("contents", postgresql.JSONB(), nullable=False),
        sa.Column("container", sa.String(length=48), nullable=False),
        sa.Column("with_records", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", postgresql.JSONB(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["requested_by_id"], ["user.id"], name=op.f("fk__export__requested_by_id__user")),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__export__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"], ["vault_object.id"], name=op.f("fk__export__vault_object_id__vault_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__export")),
    )
    op.create_index(op.f("ix__export_sitting_id"), "export", ["sitting_id"])
    op.create_index(op.f("ix__export_state"), "export", ["state"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("export")
