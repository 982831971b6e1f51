"""What gateways expect of the disks, so that admission stops before running sittings are at risk."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "disk_outlook",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("per_second", sa.BigInteger(), nullable=False),
        sa.Column("per_sitting_second", sa.BigInteger(), nullable=False),
        sa.Column("to_come", sa.BigInteger(), nullable=False),
        sa.Column("for_sealing", sa.BigInteger(), nullable=False),
        sa.Column("free_at_end", sa.BigInteger(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sittings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk__disk_outlook")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("disk_outlook")
