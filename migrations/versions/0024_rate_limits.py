"""Rate limits that all processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "rate_limit_state",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk__rate_limit_state")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix__rate_limit_state_full_at"), "rate_limit_state", ["full_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("rate_limit_state")
