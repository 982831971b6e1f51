"""Single sign-on of a company: OpenID Connect and LDAP."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Apply."""
    op.add_column("company", sa.Column("local_passwords", sa.String(48), nullable=False, server_default="allowed"))
    op.alter_column("company", "local_passwords", server_default=None)
    op.create_table(
        "identity_provider",
        _id(),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(48), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("role_rules", JSON, nullable=False),
        sa.Column("makes_accounts", sa.Boolean(), nullable=False),
        sa.Column("links_by_email", sa.Boolean(), nullable=False),
        sa.Column("rechecked_at", TIME),
        sa.Column("recheck", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk__identity_provider__company_id__company")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__identity_provider")),
    )
    op.create_index(op.f("ix__identity_provider_company_id"), "identity_provider", ["company_id"])
    _create_linked_identity()
    _create_under_way()


def _create_linked_identity() -> None:
    op.create_table(
        "linked_identity",
        _id(),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("groups", JSON, nullable=False),
        sa.Column("linked_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("gone_at", TIME),
        _of("linked_identity", "provider_id", "identity_provider"),
        _of("linked_identity", "user_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__linked_identity")),
        sa.UniqueConstraint("provider_id", "subject", name=op.f("uq__linked_identity__provider_id")),
        sa.UniqueConstraint("user_id", "provider_id", name=op.f("uq__linked_identity__user_id")),
    )
    op.create_index(op.f("ix__linked_identity_user_id"), "linked_identity", ["user_id"])


def _create_under_way() -> None:
    op.create_table(
        "sign_on_attempt",
        _id(),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("next", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        _of("sign_on_attempt", "provider_id", "identity_provider"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__sign_on_attempt")),
        sa.UniqueConstraint("state_hash", name=op.f("uq__sign_on_attempt__state_hash")),
    )
    for column in ("provider_id", "expires_at"):
        op.create_index(op.f(f"ix__sign_on_attempt_{column}"), "sign_on_attempt", [column])
    op.create_table(
        "sign_on_pending",
        _id(),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("id_token", sa.LargeBinary()),
        sa.Column("next", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        _of("sign_on_pending", "provider_id", "identity_provider"),
        _of("sign_on_pending", "user_id", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__sign_on_pending")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__sign_on_pending__token_hash")),
    )
    for column in ("provider_id", "user_id", "expires_at"):
        op.create_index(op.f(f"ix__sign_on_pending_{column}"), "sign_on_pending", [column])
    op.create_table(
        "sign_on_session",
        sa.Column("login_session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("id_token", sa.LargeBinary()),
        _of("sign_on_session", "login_session_id", "login_session"),
        _of("sign_on_session", "provider_id", "identity_provider"),
        sa.PrimaryKeyConstraint("login_session_id", name=op.f("pk__sign_on_session")),
    )
    for column in ("provider_id", "subject"):
        op.create_index(op.f(f"ix__sign_on_session_{column}"), "sign_on_session", [column])
    op.create_table(
        "logout_token_seen",
        sa.Column("jti_hash", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("jti_hash", name=op.f("pk__logout_token_seen")),
    )
    op.create_index(op.f("ix__logout_token_seen_expires_at"), "logout_token_seen", ["expires_at"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk__{table}__{column}__{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    """Take back."""
    for table in (
        "logout_token_seen",
        "sign_on_session",
        "sign_on_pending",
        "sign_on_attempt",
        "linked_identity",
        "identity_provider",
    ):
        op.drop_table(table)
    op.drop_column("company", "local_passwords")
