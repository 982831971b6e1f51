"""All tables of the first issue, the job queue's own schema, and the guard of the audit log."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


QUEUE = Path(__file__).parent.parent / "sql" / "procrastinate_3_10.sql"
"""Copy of procrastinate 3.10's schema: later changes start from what was installed, not from the newest."""

GUARD = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
"""


DROP_QUEUE = """
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
DO $$
DECLARE routine regprocedure;
BEGIN
    FOR routine IN SELECT oid FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
        EXECUTE 'DROP FUNCTION ' || routine || ' CASCADE';
    END LOOP;
END
$$;
DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type;
"""


def _run_script(script: str) -> None:
    # Several statements and percent signs: only psycopg's own execute without parameters takes them as they are.
    op.get_bind().connection.driver_connection.execute(script)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__audit_entry")),
    )
    op.create_index(op.f("ix__audit_entry_action"), "audit_entry", ["action"], unique=False)
    op.create_index(op.f("ix__audit_entry_company_id"), "audit_entry", ["company_id"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck__audit_head__one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__audit_head")),
    )
    op.create_table(
        "company",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("integration_secret", sa.LargeBinary(), nullable=False),
        sa.Column("support_email", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__company")),
        sa.UniqueConstraint("slug", name=op.f("uq__company__slug")),
    )
    op.create_table(
        "data_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__data_key")),
        sa.UniqueConstraint("purpose", name=op.f("uq__data_key__purpose")),
    )
    op.create_table(
        "live_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__live_event")),
    )
    op.create_index(op.f("ix__live_event_at"), "live_event", ["at"], unique=False)
    op.create_index("ix__live_event_topic_id", "live_event", ["topic", "id"], unique=False)
    op.create_table(
        "candidate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__candidate__company_id__company")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__candidate")),
        sa.UniqueConstraint("company_id", "external_id", name=op.f("uq__candidate__company_id")),
    )
    op.create_index(op.f("ix__candidate_company_id"), "candidate", ["company_id"], unique=False)
    op.create_table(
        "exam",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("auto", "offline", "online", "identification", name="exammode", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("content_url", sa.String(), nullable=False),
        sa.Column("questions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("identification", sa.String(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("weights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("detection", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__exam__company_id__company")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__exam")),
        sa.UniqueConstraint("company_id", "external_id", name=op.f("uq__exam__company_id")),
    )
    op.create_index(op.f("ix__exam_company_id"), "exam", ["company_id"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "organiser",
                "proctor",
                "reviewer",
                "security_officer",
                "support",
                "auditor",
                name="role",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=False),
        sa.Column("totp_last_step", sa.Integer(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preferences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__user__company_id__company")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__user")),
        sa.UniqueConstraint("email", name=op.f("uq__user__email")),
    )
    op.create_index(op.f("ix__user_company_id"), "user", ["company_id"], unique=False)
    op.create_table(
        "vault_object",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("data_key_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_key_id"], ["data_key.id"], name=op.f("fk__vault_object__data_key_id__data_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__vault_object")),
    )
    op.create_index(op.f("ix__vault_object_data_key_id"), "vault_object", ["data_key_id"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("csrf_token", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk__login_session__user_id__user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__login_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__login_session__token_hash")),
    )
    op.create_index(op.f("ix__login_session_user_id"), "login_session", ["user_id"], unique=False)
    op.create_table(
        "sitting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("proctor_id", sa.BigInteger(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("session_url", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("csrf_token", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "created",
                "scheduled",
                "check_in",
                "waiting",
                "running",
                "paused",
                "finished",
                "processing",
                "in_review",
                "concluded",
                "declined",
                "cancelled",
                "identity_refused",
                "timed_out",
                "interrupted",
                "expired",
                name="sittingstate",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column(
            "resume_state",
            sa.Enum(
                "created",
                "scheduled",
                "check_in",
                "waiting",
                "running",
                "paused",
                "finished",
                "processing",
                "in_review",
                "concluded",
                "declined",
                "cancelled",
                "identity_refused",
                "timed_out",
                "interrupted",
                "expired",
                name="sittingstate",
                native_enum=False,
                length=48,
            ),
            nullable=True,
        ),
        sa.Column(
            "step",
            sa.Enum(
                "consent",
                "system_check",
                "face_photo",
                "document_photo",
                "waiting_room",
                name="checkinstep",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("extra_ms", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interrupted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "finished_by",
            sa.Enum("candidate", "proctor", "clock", name="finishedby", native_enum=False, length=48),
            nullable=True,
        ),
        sa.Column("finish_comment", sa.String(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_offset_ms", sa.Integer(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column(
            "conclusion",
            sa.Enum(
                "accepted", "rejected", "suspicious", "not_reviewed", name="conclusion", native_enum=False, length=48
            ),
            nullable=True,
        ),
        sa.Column("conclusion_comment", sa.String(), nullable=False),
        sa.Column("concluded_by_id", sa.BigInteger(), nullable=True),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk__sitting__candidate_id__candidate")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk__sitting__company_id__company")),
        sa.ForeignKeyConstraint(["concluded_by_id"], ["user.id"], name=op.f("fk__sitting__concluded_by_id__user")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk__sitting__exam_id__exam")),
        sa.ForeignKeyConstraint(["proctor_id"], ["user.id"], name=op.f("fk__sitting__proctor_id__user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__sitting")),
        sa.UniqueConstraint("company_id", "external_id", name=op.f("uq__sitting__company_id")),
    )
    op.create_index(op.f("ix__sitting_candidate_id"), "sitting", ["candidate_id"], unique=False)
    op.create_index(op.f("ix__sitting_company_id"), "sitting", ["company_id"], unique=False)
    op.create_index(op.f("ix__sitting_exam_id"), "sitting", ["exam_id"], unique=False)
    op.create_index(op.f("ix__sitting_proctor_id"), "sitting", ["proctor_id"], unique=False)
    op.create_index(op.f("ix__sitting_state"), "sitting", ["state"], unique=False)
    op.create_table(
        "chat_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "author",
            sa.Enum("candidate", "proctor", "system", name="chatauthor", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column(
            "kind", sa.Enum("message", "incident", name="chatkind", native_enum=False, length=48), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("client_ref", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__chat_message__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk__chat_message__user_id__user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__chat_message")),
    )
    op.create_index(op.f("ix__chat_message_sitting_id"), "chat_message", ["sitting_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__consent__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__consent")),
    )
    op.create_index(op.f("ix__consent_sitting_id"), "consent", ["sitting_id"], unique=False)
    op.create_table(
        "gap",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "track", sa.Enum("camera", "screen", "aux", name="track", native_enum=False, length=48), nullable=False
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "node_lost",
                "connection_lost",
                "share_stopped",
                "camera_stopped",
                "recorder_failed",
                "page_closed",
                "unknown",
                name="gapcause",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__gap__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__gap")),
    )
    op.create_index(op.f("ix__gap_sitting_id"), "gap", ["sitting_id"], unique=False)
    op.create_table(
        "identity_photo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind", sa.Enum("face", "document", name="photokind", native_enum=False, length=48), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("submitted", "retake_requested", "superseded", name="photostate", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("match", "mismatch", "undetermined", name="identityverdict", native_enum=False, length=48),
            nullable=True,
        ),
        sa.Column("distance", sa.Double(), nullable=True),
        sa.Column("hints", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__identity_photo__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"], ["vault_object.id"], name=op.f("fk__identity_photo__vault_object_id__vault_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__identity_photo")),
    )
    op.create_index(op.f("ix__identity_photo_sitting_id"), "identity_photo", ["sitting_id"], unique=False)
    op.create_table(
        "observation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "extra_user_in_frame",
                "substitution_user",
                "no_user_in_frame",
                "avert_eyes",
                "change_active_window_on_computer",
                "full_screen_left",
                "clipboard",
                "voice_detected",
                "talk",
                "forbidden_software",
                "forbidden_device",
                "phone",
                "phone_screen",
                "books",
                "extra_display",
                "cheater",
                "nonverbal",
                "timeout",
                "mic_muted",
                "mic_no_sound",
                "mic_no_device_connected",
                "camera_no_picture",
                "camera_no_device_connected",
                "desktop_request_pending",
                "no_ping",
                "virtual_machine",
                "undetermined",
                name="observationtype",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column(
            "source",
            sa.Enum("detector", "browser", "human", name="observationsource", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("detector", sa.String(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "decision",
            sa.Enum("pending", "confirmed", "dismissed", name="decision", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name=op.f("fk__observation__decided_by_id__user")),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__observation__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__observation")),
    )
    op.create_index("ix__observation_sitting_start", "observation", ["sitting_id", "started_at"], unique=False)
    op.create_table(
        "part",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "track", sa.Enum("camera", "screen", "aux", name="track", native_enum=False, length=48), nullable=False
        ),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("recording", "stopped", "sealed", "lost", name="partstate", native_enum=False, length=48),
            nullable=False,
        ),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("node_url", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_cause", sa.String(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("vault_object_id", sa.BigInteger(), nullable=True),
        sa.Column("media", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__part__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vault_object_id"], ["vault_object.id"], name=op.f("fk__part__vault_object_id__vault_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__part")),
        sa.UniqueConstraint("sitting_id", "track", "sequence", name=op.f("uq__part__sitting_id")),
    )
    op.create_index(op.f("ix__part_sitting_id"), "part", ["sitting_id"], unique=False)
    op.create_table(
        "score",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__score__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__score")),
    )
    op.create_index(op.f("ix__score_sitting_id"), "score", ["sitting_id"], unique=False)
    op.create_table(
        "system_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("results", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("client", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__system_check__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__system_check")),
    )
    op.create_index(op.f("ix__system_check_sitting_id"), "system_check", ["sitting_id"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "extra_user_in_frame",
                "substitution_user",
                "no_user_in_frame",
                "avert_eyes",
                "change_active_window_on_computer",
                "full_screen_left",
                "clipboard",
                "voice_detected",
                "talk",
                "forbidden_software",
                "forbidden_device",
                "phone",
                "phone_screen",
                "books",
                "extra_display",
                "cheater",
                "nonverbal",
                "timeout",
                "mic_muted",
                "mic_no_sound",
                "mic_no_device_connected",
                "camera_no_picture",
                "camera_no_device_connected",
                "desktop_request_pending",
                "no_ping",
                "virtual_machine",
                "undetermined",
                name="observationtype",
                native_enum=False,
                length=48,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk__incident__created_by_id__user")),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observation.id"],
            name=op.f("fk__incident__observation_id__observation"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__incident__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__incident")),
        sa.UniqueConstraint("observation_id", name=op.f("uq__incident__observation_id")),
    )
    op.create_index("ix__incident_sitting_start", "incident", ["sitting_id", "started_at"], unique=False)
    op.create_table(
        "live_media",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "track", sa.Enum("camera", "screen", "aux", name="track", native_enum=False, length=48), nullable=False
        ),
        sa.Column("node_url", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("pipeline_id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("recorder_id", sa.String(), nullable=False),
        sa.Column("part_id", sa.BigInteger(), nullable=True),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["part_id"], ["part.id"], name=op.f("fk__live_media__part_id__part"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk__live_media__sitting_id__sitting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__live_media")),
        sa.UniqueConstraint("sitting_id", "track", name=op.f("uq__live_media__sitting_id")),
    )
    op.execute("INSERT INTO audit_head (id, entries, hash) VALUES (1, 0, repeat('0', 64))")
    _run_script(GUARD)
    _run_script(QUEUE.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Take back."""
    _run_script(DROP_QUEUE)
    op.drop_table("live_media")
    op.drop_index("ix__incident_sitting_start", table_name="incident")
    op.drop_table("incident")
    op.drop_index(op.f("ix__system_check_sitting_id"), table_name="system_check")
    op.drop_table("system_check")
    op.drop_index(op.f("ix__score_sitting_id"), table_name="score")
    op.drop_table("score")
    op.drop_index(op.f("ix__part_sitting_id"), table_name="part")
    op.drop_table("part")
    op.drop_index("ix__observation_sitting_start", table_name="observation")
    op.drop_table("observation")
    op.drop_index(op.f("ix__identity_photo_sitting_id"), table_name="identity_photo")
    op.drop_table("identity_photo")
    op.drop_index(op.f("ix__gap_sitting_id"), table_name="gap")
    op.drop_table("gap")
    op.drop_index(op.f("ix__consent_sitting_id"), table_name="consent")
    op.drop_table("consent")
    op.drop_index(op.f("ix__chat_message_sitting_id"), table_name="chat_message")
    op.drop_table("chat_message")
    op.drop_index(op.f("ix__sitting_state"), table_name="sitting")
    op.drop_index(op.f("ix__sitting_proctor_id"), table_name="sitting")
    op.drop_index(op.f("ix__sitting_exam_id"), table_name="sitting")
    op.drop_index(op.f("ix__sitting_company_id"), table_name="sitting")
    op.drop_index(op.f("ix__sitting_candidate_id"), table_name="sitting")
    op.drop_table("sitting")
    op.drop_index(op.f("ix__login_session_user_id"), table_name="login_session")
    op.drop_table("login_session")
    op.drop_index(op.f("ix__vault_object_data_key_id"), table_name="vault_object")
    op.drop_table("vault_object")
    op.drop_index(op.f("ix__user_company_id"), table_name="user")
    op.drop_table("user")
    op.drop_index(op.f("ix__exam_company_id"), table_name="exam")
    op.drop_table("exam")
    op.drop_index(op.f("ix__candidate_company_id"), table_name="candidate")
    op.drop_table("candidate")
    op.drop_index("ix__live_event_topic_id", table_name="live_event")
    op.drop_index(op.f("ix__live_event_at"), table_name="live_event")
    op.drop_table("live_event")
    op.drop_table("data_key")
    op.drop_table("company")
    op.drop_table("audit_head")
    op.drop_index(op.f("ix__audit_entry_company_id"), table_name="audit_entry")
    op.drop_index(op.f("ix__audit_entry_action"), table_name="audit_entry")
    op.drop_table("audit_entry")
    op.execute("DROP FUNCTION audit_is_append_only()")
