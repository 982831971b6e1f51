"""Whether a backup is any good: it is restored beside the running appliance, and sealed recordings are opened."""

import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from appliance import audit
from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.deploy import backup
from appliance.errors import ApplianceError
from appliance.models import AuditEntry, DataKey, VaultObject
from appliance.settings import Settings
from appliance.standalone.postgres import EmbeddedPostgres

SAMPLE: Final = 20


class DrillFailed(ApplianceError):
    """The backup was restored, but not everything in it can be read."""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a restore took, and what it did not bring back."""

    moment: str
    seconds: float
    opened: int
    """Sealed files that were decrypted whole and had the right hash."""
    audit_entries: int
    lost_entries: int | None
    """Acts since the backup; None where the running appliance cannot be asked."""
    lost_seconds: float | None
    """From the last act in the backup to the last one on the running appliance."""


def drill(settings: Settings, target: Path, keys: Path, moment: str) -> DrillReport:
    """Restore a backup into a folder and a server of its own, read from it, and take both away again.

    Raises ``DrillFailed``, ``BackupBroken``, ``AuditBroken``.
    """
    with tempfile.TemporaryDirectory(prefix="kustos-drill-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "postgres")
        begun = time.monotonic()
        try:
            there = replace(settings, data_dir=folder / "data", database_url=server.start(), recordings_dir="")
            backup.restore(there, target, keys, moment)
            opened, entries, last = prove(there)
            seconds = time.monotonic() - begun
        finally:
            server.stop()
    now, latest = _running(settings)
    lost_seconds = max(0.0, (latest - last).total_seconds()) if latest and last else None
    return DrillReport(moment, seconds, opened, entries, None if now is None else max(0, now - entries), lost_seconds)


def prove(settings: Settings, sample: int = SAMPLE) -> tuple[int, int, datetime | None]:
    """Return sealed files opened, audit entries, and when the last of these was; all of a restored appliance.

    Raises ``DrillFailed`` naming what cannot be read, ``AuditBroken``.
    """
    collaborators = assemble(settings)
    with unit_of_work(collaborators.session_factory) as session:
        report = audit.verify_chain(session)
        last = session.scalar(select(func.max(AuditEntry.at)))
        readable = select(VaultObject).join(DataKey).where(DataKey.destroyed_at.is_(None))
        found = session.scalars(readable.order_by(func.random()).limit(sample)).all()
        for sealed in found:
            try:
                with collaborators.vault.open(session, sealed) as reader:
                    digest = reader.verify()
            except ApplianceError as error:
                message = f"The sealed file {sealed.path} ({sealed.kind}) cannot be read: {error.message}"
                raise DrillFailed(message) from error
            if digest != sealed.sha256:
                raise DrillFailed(f"The sealed file {sealed.path} ({sealed.kind}) is not what was sealed.")
        return len(found), report.entries, last


def _running(settings: Settings) -> tuple[int | None, datetime | None]:
    """Return how far the running appliance is; nothing where it is what was lost."""
    try:
        with unit_of_work(assemble(settings).session_factory) as session:
            entries, latest = session.execute(select(func.max(AuditEntry.id), func.max(AuditEntry.at))).one()
            return entries, latest
    except (SQLAlchemyError, ApplianceError):
        return None, None
