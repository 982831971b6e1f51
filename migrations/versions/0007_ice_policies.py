"""How a company's browsers may connect, and STUN and TURN servers of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    lists = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("company", sa.Column("ice_policy", sa.String(length=48), nullable=False, server_default="all"))
    op.add_column("company", sa.Column("stun_urls", lists, nullable=False, server_default="[]"))
    op.add_column("company", sa.Column("turn_urls", lists, nullable=False, server_default="[]"))
    op.add_column("company", sa.Column("turn_secret", sa.LargeBinary(), nullable=True))
    for column in ("ice_policy", "stun_urls", "turn_urls"):  # what is there already is filled; new rows say it
        op.alter_column("company", column, server_default=None)


def downgrade() -> None:
    """Take back."""
    for column in ("turn_secret", "turn_urls", "stun_urls", "ice_policy"):
        op.drop_column("company", column)
