"""Retention, holds, erasure and certificates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("candidate", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    _certificate()
    _rule()
    _disposal()
    _hold()
    _erasure()
    _person_export()


def downgrade() -> None:
    """Take back."""
    for table in ("person_export", "erasure", "legal_hold", "disposal", "retention_rule", "deletion_certificate"):
        op.drop_table(table)
    op.drop_column("candidate", "erased_at")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _when(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _refer(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk__{table}__{column}__{to}"), ondelete=ondelete
    )


def _certificate() -> None:
    table = "deletion_certificate"
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        _when("made_at"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        _refer(table, "company_id", "company"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    op.create_index(op.f("ix__deletion_certificate_company_id"), table, ["company_id"])


def _rule() -> None:
    table = "retention_rule"
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=True),
        sa.Column("data_class", sa.String(length=48), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("warn_days", sa.Integer(), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger(), nullable=True),
        _when("changed_at"),
        _refer(table, "company_id", "company", "CASCADE"),
        _refer(table, "exam_id", "exam", "CASCADE"),
        _refer(table, "changed_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    op.create_index("ix__retention_rule_exam", table, ["exam_id", "data_class"], unique=True)
    op.create_index(
        "ix__retention_rule_company",
        table,
        ["company_id", "data_class"],
        unique=True,
        postgresql_where=sa.text("exam_id IS NULL"),
    )


def _disposal() -> None:
    table = "disposal"
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("data_class", sa.String(length=48), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=True),
        sa.Column("candidate_id", sa.BigInteger(), nullable=True),
        _when("ended_at"),
        sa.Column("days", sa.Integer(), nullable=False),
        _when("warned_at"),
        _when("delete_at"),
        _when("deleted_at", nullable=True),
        sa.Column("removed", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.Column("certificate_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(sitting_id IS NULL) <> (candidate_id IS NULL)", name=op.f("ck__disposal__one_subject")),
        _refer(table, "company_id", "company", "CASCADE"),
        _refer(table, "sitting_id", "sitting", "CASCADE"),
        _refer(table, "candidate_id", "candidate", "CASCADE"),
        _refer(table, "certificate_id", "deletion_certificate"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    for subject in ("sitting", "candidate"):
        op.create_index(
            f"ix__disposal_of_{subject}",
            table,
            [f"{subject}_id", "data_class"],
            unique=True,
            postgresql_where=sa.text(f"deleted_at IS NULL AND {subject}_id IS NOT NULL"),
        )
    op.create_index(
        "ix__disposal_open", table, ["company_id", "delete_at"], postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_index(
        "ix__disposal_uncertified",
        table,
        ["company_id"],
        postgresql_where=sa.text("deleted_at IS NOT NULL AND certificate_id IS NULL"),
    )


def _hold() -> None:
    table = "legal_hold"
    subjects = ("sitting", "candidate", "exam")
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(length=48), nullable=False),
        *(sa.Column(f"{subject}_id", sa.BigInteger(), nullable=True) for subject in subjects),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("placed_by_id", sa.BigInteger(), nullable=True),
        _when("placed_at"),
        sa.Column("released_by_id", sa.BigInteger(), nullable=True),
        _when("released_at", nullable=True),
        sa.Column("release_reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(sitting_id, candidate_id, exam_id) = 1", name=op.f("ck__legal_hold__one_subject")
        ),
        _refer(table, "company_id", "company", "CASCADE"),
        *(_refer(table, f"{subject}_id", subject) for subject in subjects),
        _refer(table, "placed_by_id", "user"),
        _refer(table, "released_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    op.create_index(op.f("ix__legal_hold_company_id"), table, ["company_id"])
    for subject in subjects:
        op.create_index(
            f"ix__legal_hold_{subject}", table, [f"{subject}_id"], postgresql_where=sa.text("released_at IS NULL")
        )


def _erasure() -> None:
    table = "erasure"
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("legal_basis", sa.String(length=48), nullable=False),
        sa.Column("asked_by", sa.String(length=48), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("requested_by", postgresql.JSONB(), nullable=False),
        _when("requested_at"),
        _when("erased_at", nullable=True),
        sa.Column("removed", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.Column("certificate_id", sa.BigInteger(), nullable=True),
        _refer(table, "company_id", "company", "CASCADE"),
        _refer(table, "candidate_id", "candidate", "CASCADE"),
        _refer(table, "certificate_id", "deletion_certificate"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq__erasure__candidate_id")),
    )
    op.create_index(op.f("ix__erasure_company_id"), table, ["company_id"])
    op.create_index("ix__erasure_undone", table, ["id"], postgresql_where=sa.text("state <> 'done'"))


def _person_export() -> None:
    table = "person_export"
    op.create_table(
        table,
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("with_recordings", sa.Boolean(), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=True),
        _when("requested_at"),
        _when("made_at", nullable=True),
        _when("expires_at", nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        _refer(table, "company_id", "company", "CASCADE"),
        _refer(table, "candidate_id", "candidate", "CASCADE"),
        _refer(table, "requested_by_id", "user"),
        _refer(table, "vault_object_id", "vault_object"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    for column in ("company_id", "candidate_id"):
        op.create_index(op.f(f"ix__person_export_{column}"), table, [column])
