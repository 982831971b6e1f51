"""Signed checkpoints of the audit log, its rotation, copies, what was watched, and what reads it fast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ENTRIES_MAY_ROTATE = """
CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- what a signed segment holds may leave the table
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_entry' THEN
        IF OLD.id <= (SELECT max(last) FROM audit_segment) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_segment_stays BEFORE DELETE ON audit_segment
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
"""

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
"""

INDEXES = {
    "company": ["company_id", "id"],
    "action": ["company_id", "action", "id"],
    "actor": ["company_id", "actor_kind", "actor_id", "id"],
    "subject": ["company_id", "subject_kind", "subject_id", "id"],
    "address": ["company_id", "address", "id"],
    "at": ["at"],
}


def upgrade() -> None:
    """Apply."""
    _tables()
    for name, columns in INDEXES.items():
        op.create_index(f"ix__audit_entry__{name}", "audit_entry", columns)
    rare = sa.text("result <> 'success'")
    op.create_index(
        "ix__audit_entry__unsuccessful", "audit_entry", ["company_id", "result", "id"], postgresql_where=rare
    )
    op.drop_index(op.f("ix__audit_entry_action"), table_name="audit_entry")
    op.drop_index(op.f("ix__audit_entry_company_id"), table_name="audit_entry")
    op.execute(
        "INSERT INTO audit_actor (company_id, kind, id, name)"
        " SELECT DISTINCT coalesce(company_id, 0), actor_kind, actor_id, actor_name FROM audit_entry"
    )
    op.execute(ENTRIES_MAY_ROTATE)


def _tables() -> None:
    moment = sa.DateTime(timezone=True)
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk__audit_checkpoint")),
    )
    op.create_table(
        "audit_segment",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["vault_object_id"],
            ["vault_object.id"],
            name=op.f("fk__audit_segment__vault_object_id__vault_object"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk__audit_segment")),
    )
    op.create_table(
        "audit_actor",
        sa.Column("company_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "kind", "id", "name", name=op.f("pk__audit_actor")),
    )
    op.create_table(
        "audit_refusal",
        sa.Column("minute", moment, nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("what", jsonb, nullable=False),
        sa.PrimaryKeyConstraint("minute", "actor_kind", "actor_id", "address", name=op.f("pk__audit_refusal")),
    )
    op.create_table(
        "audit_forwarding",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk__audit_forwarding")),
    )
    op.create_table(
        "audit_verification",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("begun_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("outcome", jsonb, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck__audit_verification__one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__audit_verification")),
    )
    op.create_table(
        "known_settings",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("digests", jsonb, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk__known_settings")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("part_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", jsonb, nullable=False),
        sa.Column("served", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("played", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("told", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("touched_at", moment, nullable=False),
        sa.Column("settled_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["part_id"], ["part.id"], name=op.f("fk__delivery__part_id__part"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__delivery")),
        sa.UniqueConstraint("session_key", "part_id", name=op.f("uq__delivery__session_key")),
    )
    op.create_index(op.f("ix__delivery_part_id"), "delivery", ["part_id"])
    op.create_index(op.f("ix__delivery_touched_at"), "delivery", ["touched_at"])


def downgrade() -> None:
    """Take back; refused while entries lie in segments, which the older version could not read."""
    rotated = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_segment")).scalar_one()
    if rotated:
        raise RuntimeError("The audit log was rotated: the version before this one cannot read its segments.")
    for table in ("delivery", "known_settings", "audit_verification", "audit_forwarding", "audit_refusal"):
        op.drop_table(table)
    for table in ("audit_actor", "audit_segment", "audit_checkpoint"):
        op.drop_table(table)
    op.execute(APPEND_ONLY)
    op.create_index(op.f("ix__audit_entry_action"), "audit_entry", ["action"])
    op.create_index(op.f("ix__audit_entry_company_id"), "audit_entry", ["company_id"])
    for name in [*INDEXES, "unsuccessful"]:
        op.drop_index(f"ix__audit_entry__{name}", table_name="audit_entry")
