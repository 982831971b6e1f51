"""Second factors, recovery codes, invitations and proofs of staff accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    _upgrade_user()
    _upgrade_login_session()
    _create_security_keys()
    _of_user("recovery_code", _text("code_hash"), _moment("created_at"), sa.Column("used_at", TIME))
    _of_user("former_password", _text("password_hash"), _moment("replaced_at"))
    _of_user(
        "account_link",
        sa.Column("kind", sa.String(48), nullable=False),
        _text("token_hash"),
        _text("made_by"),
        _moment("created_at"),
        _moment("expires_at"),
        sa.Column("used_at", TIME),
        sa.UniqueConstraint("token_hash", name=op.f("uq__account_link__token_hash")),
    )
    op.create_table(
        "notice",
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        _text("kind"),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        _moment("created_at"),
        sa.Column("noted_at", TIME),
        sa.Column("noted_by_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__notice__company_id__company")),
        sa.ForeignKeyConstraint(["noted_by_id"], ["user.id"], name=op.f("fk__notice__noted_by_id__user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__notice")),
    )
    op.create_index(op.f("ix__notice_company_id"), "notice", ["company_id"])


def _upgrade_user() -> None:
    op.alter_column("user", "password_hash", nullable=True)
    op.alter_column("user", "totp_secret", nullable=True)
    op.add_column("user", sa.Column("password_changed_at", TIME))
    op.execute('UPDATE "user" SET password_changed_at = now()')  # an age limit begins with the upgrade
    op.add_column("user", sa.Column("break_glass", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("user", "break_glass", server_default=None)


def _upgrade_login_session() -> None:
    op.add_column("login_session", sa.Column("proved_by", sa.String(48), nullable=False, server_default="totp"))
    op.add_column("login_session", sa.Column("proved_at", TIME))
    op.execute("UPDATE login_session SET proved_at = created_at")
    op.alter_column("login_session", "proved_at", nullable=False)
    op.add_column("login_session", sa.Column("active_at", TIME, nullable=False, server_default=sa.func.now()))
    op.add_column("login_session", sa.Column("locked_at", TIME))
    op.add_column("login_session", sa.Column("wants", postgresql.JSONB(), nullable=False, server_default="[]"))
    for name in ("proved_by", "active_at", "wants"):
        op.alter_column("login_session", name, server_default=None)


def _create_security_keys() -> None:
    _of_user(
        "security_key",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", postgresql.JSONB(), nullable=False),
        _text("name"),
        _moment("created_at"),
        sa.Column("last_used_at", TIME),
        sa.UniqueConstraint("credential_id", name=op.f("uq__security_key__credential_id")),
    )
    op.create_table(
        "key_challenge",
        _id(),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        _text("purpose"),
        sa.Column("user_id", sa.BigInteger()),
        _moment("expires_at"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk__key_challenge__user_id__user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__key_challenge")),
        sa.UniqueConstraint("challenge", name=op.f("uq__key_challenge__challenge")),
    )
    op.create_index(op.f("ix__key_challenge_expires_at"), "key_challenge", ["expires_at"])


def downgrade() -> None:
    """Take back; accounts without a password or a one-time secret of their own do not fit in any more."""
    for table in ("notice", "account_link", "former_password", "recovery_code", "key_challenge", "security_key"):
        op.drop_table(table)
    for name in ("wants", "locked_at", "active_at", "proved_at", "proved_by"):
        op.drop_column("login_session", name)
    op.execute(
        "UPDATE \"user\" SET disabled_at = coalesce(disabled_at, now()), password_hash = coalesce(password_hash, '')"
        " WHERE password_hash IS NULL OR totp_secret IS NULL"
    )
    op.execute("UPDATE \"user\" SET totp_secret = '' WHERE totp_secret IS NULL")
    op.alter_column("user", "totp_secret", nullable=False)
    op.alter_column("user", "password_hash", nullable=False)
    for name in ("break_glass", "password_changed_at"):
        op.drop_column("user", name)


def _of_user(table: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table of rows that go with their user."""
    op.create_table(
        table,
        _id(),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f(f"fk__{table}__user_id__user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk__{table}")),
    )
    op.create_index(op.f(f"ix__{table}_user_id"), table, ["user_id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, TIME, nullable=False)
