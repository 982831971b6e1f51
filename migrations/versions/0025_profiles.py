"""What a compliance profile sets and forbids."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("company", sa.Column("private_hosts", JSONB(), nullable=False, server_default="[]"))
    op.alter_column("company", "private_hosts", server_default=None)
    # a name that nobody knew had no say, so it becomes what it was
    op.execute("UPDATE company SET profile = 'none' WHERE profile NOT IN ('none', 'ru', 'eu')")
    op.create_check_constraint(op.f("ck__company__known_profile"), "company", "profile IN ('none', 'ru', 'eu')")


def downgrade() -> None:
    """Take back."""
    op.drop_constraint(op.f("ck__company__known_profile"), "company", type_="check")
    op.drop_column("company", "private_hosts")
