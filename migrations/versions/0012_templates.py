"""Templates of faces, enrolled per person and company."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. An incident without an author is the appliance's own."""
    _protections()
    _templates()
    _checks()
    _similar_faces()
    op.alter_column("incident", "created_by_id", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    """Take back; what the appliance did by itself goes, because there is no name to put on it."""
    op.execute("DELETE FROM incident WHERE created_by_id IS NULL")
    op.alter_column("incident", "created_by_id", existing_type=sa.BigInteger(), nullable=False)
    for table in ("similar_face", "identity_check", "face_template", "face_protection"):
        op.drop_table(table)


def _protections() -> None:
    op.create_table(
        "face_protection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk__face_protection__company_id__company"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__face_protection")),
        sa.UniqueConstraint("company_id", "version", name=op.f("uq__face_protection__company_id")),
    )
    op.create_index(
        "ix__face_protection_in_force",
        "face_protection",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )


def _templates() -> None:
    op.create_table(
        "face_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=True),
        sa.Column("protection_version", sa.Integer(), nullable=False),
        sa.Column("model_hash", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidate.id"],
            name=op.f("fk__face_template__candidate_id__candidate"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk__face_template__company_id__company"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__face_template__sitting_id__sitting"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__face_template")),
    )
    op.create_index(op.f("ix__face_template_candidate_id"), "face_template", ["candidate_id"], unique=False)
    op.create_index(
        "ix__face_template_in_use",
        "face_template",
        ["company_id", "id"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index(
        "ix__face_template_revoked",
        "face_template",
        ["company_id", "revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index(op.f("ix__face_template_sitting_id"), "face_template", ["sitting_id"], unique=False)


def _checks() -> None:
    op.create_table(
        "identity_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("verdict", sa.String(length=48), nullable=False),
        sa.Column("distance", sa.Double(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["identity_photo.id"],
            name=op.f("fk__identity_check__photo_id__identity_photo"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__identity_check__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__identity_check")),
    )
    op.create_index(op.f("ix__identity_check_photo_id"), "identity_check", ["photo_id"], unique=False)
    op.create_index(op.f("ix__identity_check_sitting_id"), "identity_check", ["sitting_id"], unique=False)


def _similar_faces() -> None:
    op.create_table(
        "similar_face",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("other_sitting_id", sa.BigInteger(), nullable=True),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidate.id"],
            name=op.f("fk__similar_face__candidate_id__candidate"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_sitting_id"],
            ["sitting.id"],
            name=op.f("fk__similar_face__other_sitting_id__sitting"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__similar_face__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__similar_face")),
        sa.UniqueConstraint("sitting_id", "candidate_id", name=op.f("uq__similar_face__sitting_id")),
    )
    op.create_index(op.f("ix__similar_face_candidate_id"), "similar_face", ["candidate_id"], unique=False)
    op.create_index(op.f("ix__similar_face_other_sitting_id"), "similar_face", ["other_sitting_id"], unique=False)
