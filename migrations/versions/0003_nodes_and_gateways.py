"""Media nodes with their health and state, gateways with their heartbeat, leases of sittings, stray files."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "node",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("state", sa.String(48), nullable=False),
        sa.Column("source", sa.String(48), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Boolean(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("cpu", sa.Float(), nullable=True),
        sa.Column("memory_kb", sa.BigInteger(), nullable=True),
        sa.Column("pipelines", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__node")),
        sa.UniqueConstraint("name", name=op.f("uq__node__name")),
        sa.UniqueConstraint("url", name=op.f("uq__node__url")),
    )
    op.create_table(
        "node_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("cpu", sa.Float(), nullable=False),
        sa.Column("memory_kb", sa.BigInteger(), nullable=False),
        sa.Column("sittings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk__node_reading__node_id__node"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__node_reading")),
    )
    op.create_index(op.f("ix__node_reading_node_id"), "node_reading", ["node_id"])
    op.create_table(
        "gateway",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("beat_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__gateway")),
    )
    op.create_table(
        "lease",
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("wanted_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__lease__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk__lease")),
    )
    op.create_index(op.f("ix__lease_gateway_id"), "lease", ["gateway_id"])
    op.create_table(
        "stray_file",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk__stray_file")),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("stray_file", "lease", "gateway", "node_reading", "node"):
        op.drop_table(table)
