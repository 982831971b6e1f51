"""What a candidate's browser recorded by itself and hands in afterwards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _word(length: int = 48) -> sa.String:
    return sa.String(length)


def upgrade() -> None:
    """Apply."""
    op.add_column("part", sa.Column("source", _word(), nullable=False, server_default="node"))
    op.alter_column("part", "source", server_default=None)
    op.add_column("gap", sa.Column("covered_by_id", sa.BigInteger(), nullable=True))
    name = op.f("fk__gap__covered_by_id__part")
    op.create_foreign_key(name, "gap", "part", ["covered_by_id"], ["id"], ondelete="SET NULL")
    op.create_table(
        "hand_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("track", _word(), nullable=False),
        sa.Column("state", _word(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("segments", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__hand_in__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__hand_in")),
    )
    op.create_index(op.f("ix__hand_in_sitting_id"), "hand_in", ["sitting_id"])
    op.create_table(
        "hand_in_chunk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hand_in_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["hand_in_id"], ["hand_in.id"], name=op.f("fk__hand_in_chunk__hand_in_id__hand_in"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__hand_in_chunk")),
        sa.UniqueConstraint("hand_in_id", "number", name=op.f("uq__hand_in_chunk__hand_in_id")),
    )


def downgrade() -> None:
    """Take back; what candidates supplied has no place in the older tables, and its gaps are open again."""
    op.drop_table("hand_in_chunk")
    op.drop_table("hand_in")
    op.drop_constraint(op.f("fk__gap__covered_by_id__part"), "gap", type_="foreignkey")
    op.drop_column("gap", "covered_by_id")
    op.execute("DELETE FROM part WHERE source = 'candidate'")
    op.drop_column("part", "source")
