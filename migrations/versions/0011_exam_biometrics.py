"""Where an exam's biometrics are computed, what is asked at the check-in, and what follows when identity fails."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for name, word in {"biometrics": "server", "identity_action": "note"}.items():
        op.add_column("exam", sa.Column(name, sa.String(length=48), nullable=False, server_default=word))
        op.alter_column("exam", name, server_default=None)
    for name in ("liveness", "gaze_calibration"):
        op.add_column("exam", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
        op.alter_column("exam", name, server_default=None)


def downgrade() -> None:
    """Take back."""
    for name in ("gaze_calibration", "liveness", "identity_action", "biometrics"):
        op.drop_column("exam", name)
