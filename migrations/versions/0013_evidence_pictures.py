"""The pictures that show a finding."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evidence_picture",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observation.id"],
            name=op.f("fk__evidence_picture__observation_id__observation"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"],
            ["vault_object.id"],
            name=op.f("fk__evidence_picture__vault_object_id__vault_object"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__evidence_picture")),
        sa.UniqueConstraint("observation_id", "number", name=op.f("uq__evidence_picture__observation_id")),
    )


def downgrade() -> None:
    """Take back; the pictures stay sealed in the vault until their sitting's key goes."""
    op.drop_table("evidence_picture")
