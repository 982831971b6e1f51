"""What was read on the document of the check-in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "document_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_verdict", sa.String(length=48), nullable=False),
        sa.Column("expired", sa.Boolean(), nullable=True),
        sa.Column("hints", postgresql.JSONB(), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=True),
        sa.Column("engines", postgresql.JSONB(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["identity_photo.id"],
            name=op.f("fk__document_reading__photo_id__identity_photo"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"], ["vault_object.id"], name=op.f("fk__document_reading__vault_object_id__vault_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__document_reading")),
        sa.UniqueConstraint("photo_id", name=op.f("uq__document_reading__photo_id")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("document_reading")
