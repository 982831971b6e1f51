"""Conversations of several people, and who was in them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("host_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=False),
        sa.Column("node_url", sa.String(), nullable=False),
        sa.Column("pipeline_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__conversation__company_id__company")),
        sa.ForeignKeyConstraint(["host_id"], ["user.id"], name=op.f("fk__conversation__host_id__user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__conversation")),
    )
    op.create_index(
        "ix__conversation_open", "conversation", ["company_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "seat",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("sitting_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (sitting_id IS NULL)", name=op.f("ck__seat__one_person")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk__seat__conversation_id__conversation"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk__seat__user_id__user")),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__seat__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__seat")),
        sa.UniqueConstraint("conversation_id", "user_id", name=op.f("uq__seat__conversation_id_user_id")),
        sa.UniqueConstraint("conversation_id", "sitting_id", name=op.f("uq__seat__conversation_id_sitting_id")),
    )
    op.create_index(op.f("ix__seat_user_id"), "seat", ["user_id"])
    op.create_index(op.f("ix__seat_sitting_id"), "seat", ["sitting_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("seat")
    op.drop_table("conversation")
