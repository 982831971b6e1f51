"""Whether a backup is any good: it is recovered beside the running appliance, and sealed recordings are opened."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from appliance.db import unit_of_work
from appliance.deploy.backup.proof import Proof, assembled, prove
from appliance.deploy.backup.recovery import recovered
from appliance.deploy.backup.stores import Store
from appliance.errors import ApplianceError
from appliance.models import AuditEntry
from appliance.settings import Settings


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a restore took, and what it did not bring back."""

    moment: str
    seconds: float
    proof: Proof
    reaches: datetime
    """Everything committed until then is in the backup."""
    lost_entries: int | None
    """Acts that are not in it; None where the running appliance cannot be asked."""
    lost_seconds: float | None
    """From when everything is in the backup to the last act on the running appliance."""


def drill(settings: Settings, store: Store, keys: Path, moment: str, until: datetime | None = None) -> DrillReport:
    """Recover a backup in a folder and a server of its own, read from it, and take both away again.

    Raises ``DrillFailed``, ``BackupBroken``, ``AuditBroken``.
    """
    now, latest = _running(settings)  # first: what is done while the drill runs is not lost
    begun = time.monotonic()
    with recovered(settings, store, keys, moment, until) as found:
        proof = prove(found.settings, store)
        seconds = time.monotonic() - begun
    known = max(found.reaches, proof.last_act or found.reaches)
    lost_seconds = max(0.0, (latest - known).total_seconds()) if latest else None
    lost = None if now is None else max(0, now - proof.audit_entries)
    return DrillReport(moment, seconds, proof, found.reaches, lost, lost_seconds)


def _running(settings: Settings) -> tuple[int | None, datetime | None]:
    """Return how far the running appliance is; nothing where it is what was lost."""
    try:
        with assembled(settings) as own, unit_of_work(own.session_factory) as session:
            entries, latest = session.execute(select(func.max(AuditEntry.id), func.max(AuditEntry.at))).one()
            return entries, latest
    except (SQLAlchemyError, ApplianceError):
        return None, None
