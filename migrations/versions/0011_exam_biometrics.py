"""Where an exam's biometrics are computed, what is asked at the check-in, and what follows when identity fails."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    columns = {
        "biometrics": (sa.String(length=48), "'server'"),
        "identity_action": (sa.String(length=48), "'note'"),
        "liveness": (sa.Boolean(), "false"),
        "gaze_calibration": (sa.Boolean(), "false"),
    }
    for name, (kind, default) in columns.items():
        op.add_column("exam", sa.Column(name, kind, nullable=False, server_default=sa.text(default)))
        op.alter_column("exam", name, server_default=None)


def downgrade() -> None:
    """Take back."""
    for name in ("gaze_calibration", "liveness", "identity_action", "biometrics"):
        op.drop_column("exam", name)
