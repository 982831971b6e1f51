"""A job that has begun gives up its queueing lock.

procrastinate keeps it. When a second job with the same one waits by then, the first can never be put back to wait:
not when its worker is killed and another takes over, not when it is handed over or tried again.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRIGGER = """
CREATE FUNCTION begun_job_needs_no_queueing_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.queueing_lock := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER begun_job_needs_no_queueing_lock BEFORE UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (NEW.status = 'doing') EXECUTE FUNCTION begun_job_needs_no_queueing_lock();
"""


def upgrade() -> None:
    """Apply."""
    op.execute(TRIGGER)
    op.execute("UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE status = 'doing'")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER begun_job_needs_no_queueing_lock ON procrastinate_jobs")
    op.execute("DROP FUNCTION begun_job_needs_no_queueing_lock()")
