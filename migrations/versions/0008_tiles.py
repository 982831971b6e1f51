"""The newest small picture of each live track.

Unlogged: pictures of faces must not come into the write-ahead log or its backups, and after a crash they are worth
nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tile",
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("track", sa.String(length=48), nullable=False),
        sa.Column("wanted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jpeg", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sitting_id", "track", name=op.f("pk__tile")),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("tile")
