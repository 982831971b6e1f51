"""Liveness and gaze calibration at the check-in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _challenge()
    _pictures()


def downgrade() -> None:
    """Take back."""
    op.drop_table("challenge_pictures")
    op.drop_table("challenge")


def _challenge() -> None:
    op.create_table(
        "challenge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("finding", postgresql.JSONB(), nullable=False),
        sa.Column("gaze_map", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__challenge__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__challenge")),
    )
    op.create_index(op.f("ix__challenge_sitting_id"), "challenge", ["sitting_id"])


def _pictures() -> None:
    op.create_table(
        "challenge_pictures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("challenge_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenge.id"],
            name=op.f("fk__challenge_pictures__challenge_id__challenge"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"],
            ["vault_object.id"],
            name=op.f("fk__challenge_pictures__vault_object_id__vault_object"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__challenge_pictures")),
        sa.UniqueConstraint("challenge_id", "evidence", "number", name=op.f("uq__challenge_pictures__challenge_id")),
    )
