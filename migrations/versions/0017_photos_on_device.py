"""Check-in photos that were judged in the candidate's browser and never came here."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    source = sa.Column("source", sa.String(length=48), nullable=False, server_default=sa.text("'uploaded'"))
    models = sa.Column(
        "models", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default=sa.text("'{}'")
    )
    for column in (source, models):
        op.add_column("identity_photo", column)
        op.alter_column("identity_photo", column.name, server_default=None)
    op.alter_column("identity_photo", "vault_object_id", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    """Take back; what there is no picture of goes."""
    op.execute("DELETE FROM identity_photo WHERE vault_object_id IS NULL")
    op.alter_column("identity_photo", "vault_object_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("identity_photo", "models")
    op.drop_column("identity_photo", "source")
