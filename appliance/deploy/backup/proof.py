"""Whether what was restored can be read: sealed files are decrypted to the last byte, the audit chain is walked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from appliance import audit
from appliance.collaborators import Collaborators, assemble
from appliance.db import unit_of_work
from appliance.deploy.backup.errors import BackupBroken, DrillFailed
from appliance.deploy.backup.stores import Store
from appliance.errors import ApplianceError, KeyDestroyed
from appliance.models import AuditEntry, DataKey, VaultObject
from appliance.settings import Settings

SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read."""

    opened: int
    """Sealed files that were decrypted whole and had the right hash."""
    audit_entries: int
    last_act: datetime | None


@contextmanager
def assembled(settings: Settings) -> Iterator[Collaborators]:
    """Give collaborators whose connections are gone afterwards: a restore refuses a database somebody works on."""
    own = assemble(settings)
    try:
        yield own
    finally:
        own.session_factory.kw["bind"].dispose()


def prove(settings: Settings, store: Store | None = None, sample: int = SAMPLE) -> Proof:
    """Open sealed files, the newest and others by chance, and walk the whole audit chain.

    ``store``: a backup from which a file is fetched that is not in the vault. Raises ``DrillFailed`` naming what
    cannot be read, ``AuditBroken``.
    """
    with assembled(settings) as collaborators, unit_of_work(collaborators.session_factory) as session:
        report = audit.verify_chain(session)
        last = session.scalar(select(func.max(AuditEntry.at)))
        readable = select(VaultObject).join(DataKey).where(DataKey.destroyed_at.is_(None))
        newest = session.scalars(readable.order_by(VaultObject.id.desc()).limit(1)).all()
        chance = session.scalars(readable.order_by(func.random()).limit(sample - 1)).all()
        found = {one.id: one for one in (*newest, *chance)}.values()
        opened = 0
        for sealed in found:
            try:
                if store is not None:
                    store.fetch(f"vault/{sealed.path}", settings.vault / sealed.path)
                with collaborators.vault.open(session, sealed) as reader:
                    digest = reader.verify()
            except KeyDestroyed:
                continue  # erased since the time that was restored
            except BackupBroken as error:
                raise DrillFailed(f"The sealed file {sealed.path} ({sealed.kind}): {error.message}") from error
            except ApplianceError as error:
                message = f"The sealed file {sealed.path} ({sealed.kind}) cannot be read: {error.message}"
                raise DrillFailed(message) from error
            if digest != sealed.sha256:
                raise DrillFailed(f"The sealed file {sealed.path} ({sealed.kind}) is not what was sealed.")
            opened += 1
        return Proof(opened, report.entries, last)


def erased_since(settings: Settings) -> list[int]:
    """Return the ids of data keys that the database has and the keys' folder has not: erased after that time."""
    with assembled(settings) as own, unit_of_work(own.session_factory) as session:
        files = own.vault.data_keys
        there = {place.key_id for page in files.pages() for place in files.places(page)}
        living = select(DataKey.id).where(DataKey.destroyed_at.is_(None), DataKey.wrapped.is_(None))
        return sorted(key_id for key_id in session.scalars(living) if key_id not in there)
