"""What a company's profile forbids."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    off = sa.text("false")
    op.add_column("company", sa.Column("attention_monitoring", sa.Boolean(), nullable=False, server_default=off))
    op.alter_column("company", "attention_monitoring", server_default=None)
    # AI Act 5(1)(f): whoever writes the row, and whichever of the two columns comes last
    op.create_check_constraint(
        op.f("ck__company__no_attention_monitoring_in_eu"), "company", "NOT (attention_monitoring AND profile = 'eu')"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_constraint(op.f("ck__company__no_attention_monitoring_in_eu"), "company", type_="check")
    op.drop_column("company", "attention_monitoring")
