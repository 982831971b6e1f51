"""Scopes, grants for a ticket, approvals by a second person, API clients."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    flags: tuple[tuple[str, sa.Column[object]], ...] = (
        ("company", sa.Column("four_eyes", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'"))),
        (
            "company",
            sa.Column("new_exams_to_proctors", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        ),
        ("user", sa.Column("limited", sa.Boolean(), nullable=False, server_default=sa.text("false"))),
    )
    for table, column in flags:
        op.add_column(table, column)
        op.alter_column(table, column.name, server_default=None)
    _api_client()
    _assignment()
    _access_grant()
    _approval()
    # until now every proctor saw every exam of the company; who did goes on
    op.execute(
        "INSERT INTO assignment (user_id, exam_id, created_at)"
        ' SELECT "user".id, exam.id, now() FROM "user" JOIN exam USING (company_id)'
        " WHERE \"user\".role = 'proctor'"
    )


def downgrade() -> None:
    """Take back."""
    for table in ("approval", "access_grant", "assignment", "api_client"):
        op.drop_table(table)
    op.drop_column("user", "limited")
    op.drop_column("company", "new_exams_to_proctors")
    op.drop_column("company", "four_eyes")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _reference(table: str, column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk__{table}__{column}__{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def _api_client() -> None:
    op.create_table(
        "api_client",
        _id(),
        _number("company_id"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("permissions", postgresql.JSONB(), nullable=False),
        sa.Column("limited", sa.Boolean(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        _number("created_by_id", nullable=True),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("last_used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _reference("api_client", "company_id", "company"),
        _reference("api_client", "created_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__api_client")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__api_client__token_hash")),
    )
    op.create_index(op.f("ix__api_client_company_id"), "api_client", ["company_id"])


def _assignment() -> None:
    columns = {"user_id": "user", "api_client_id": "api_client", "exam_id": "exam", "sitting_id": "sitting"}
    op.create_table(
        "assignment",
        _id(),
        *(_number(column, nullable=True) for column in columns),
        _moment("created_at"),
        sa.CheckConstraint("num_nonnulls(user_id, api_client_id) = 1", name=op.f("ck__assignment__one_assignee")),
        sa.CheckConstraint("num_nonnulls(exam_id, sitting_id) = 1", name=op.f("ck__assignment__one_thing")),
        *(_reference("assignment", column, other, "CASCADE") for column, other in columns.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__assignment")),
    )
    op.create_index(
        "uq__assignment__all", "assignment", list(columns), unique=True, postgresql_nulls_not_distinct=True
    )
    for column in ("api_client_id", "exam_id", "sitting_id"):
        op.create_index(op.f(f"ix__assignment_{column}"), "assignment", [column])


def _access_grant() -> None:
    op.create_table(
        "access_grant",
        _id(),
        _number("company_id"),
        _number("user_id"),
        _number("sitting_id", nullable=True),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("sights", postgresql.JSONB(), nullable=False),
        _number("granted_by_id"),
        _moment("granted_at"),
        _moment("expires_at"),
        _moment("revoked_at", nullable=True),
        _reference("access_grant", "company_id", "company"),
        _reference("access_grant", "user_id", "user", "CASCADE"),
        _reference("access_grant", "sitting_id", "sitting", "CASCADE"),
        _reference("access_grant", "granted_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__access_grant")),
    )
    for column in ("company_id", "user_id", "sitting_id"):
        op.create_index(op.f(f"ix__access_grant_{column}"), "access_grant", [column])


def _approval() -> None:
    op.create_table(
        "approval",
        _id(),
        _number("company_id"),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=48), nullable=False),
        sa.Column("requested_by", postgresql.JSONB(), nullable=False),
        _moment("requested_at"),
        _moment("expires_at"),
        _number("decided_by_id", nullable=True),
        _moment("decided_at", nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        _moment("used_at", nullable=True),
        _reference("approval", "company_id", "company"),
        _reference("approval", "decided_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__approval")),
    )
    op.create_index(op.f("ix__approval_company_id"), "approval", ["company_id"])
    op.create_index(op.f("ix__approval_state"), "approval", ["state"])
    op.create_index(
        "uq__approval__open_digest",
        "approval",
        ["digest"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'agreed')"),
    )
