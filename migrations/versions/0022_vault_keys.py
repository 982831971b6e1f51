"""Where data keys are kept, and signed manifests of what lies in the vault.

``data_key.wrapped`` stays: keys that are still there are moved into files by the start-up, which has the master key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sitting_manifest",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__sitting_manifest__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__sitting_manifest")),
        sa.UniqueConstraint("sitting_id", "number", name=op.f("uq__sitting_manifest__sitting_id")),
    )
    op.add_column("vault_object", sa.Column("sealed_sha256", sa.String(), server_default="", nullable=False))
    op.alter_column("vault_object", "sealed_sha256", server_default=None)
    op.add_column("vault_object", sa.Column("manifest_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk__vault_object__manifest_id__sitting_manifest"),
        "vault_object",
        "sitting_manifest",
        ["manifest_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix__vault_object_manifest_id"), "vault_object", ["manifest_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix__vault_object_manifest_id"), table_name="vault_object")
    op.drop_column("vault_object", "manifest_id")
    op.drop_column("vault_object", "sealed_sha256")
    op.drop_table("sitting_manifest")
