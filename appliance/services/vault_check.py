"""Opens everything that lies in the vault, to the last byte, and says what does not open or does not belong there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import KeyDestroyed, VaultTampered
from appliance.models import DataKey, VaultObject
from appliance.vault import StoredKey, Vault, row_secrets
from appliance.vault.data_keys import PLACES
from appliance.vault.wrapped_columns import WRAPPED

BATCH: Final = 200
STRAY_SECONDS: Final = 3600
"""A file without a row is a seal under way, or a killed one that is swept away; older than this it is neither."""


@dataclass(slots=True)
class VaultReport:
    """The outcome."""

    objects: int = 0
    bytes: int = 0
    keys: int = 0
    secrets: int = 0
    unbound: int = 0
    """Of these, wrapped before they were bound to their rows: a rotation of the master key binds them."""
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.findings

    @property
    def megabytes_per_second(self) -> float:
        """Return the rate of reading, decrypting and hashing."""
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0


def check(
    factory: SessionFactory, vault: Vault, progress: Callable[[VaultReport], None] = lambda _: None
) -> VaultReport:
    """Check keys, small secrets and sealed files; each object in a moment of its own, while the appliance works."""
    report, began = VaultReport(), time.monotonic()
    _check_keys(factory, vault, report)
    _check_secrets(factory, vault, report)
    last = 0
    while True:
        with unit_of_work(factory) as session:
            query = select(VaultObject, DataKey).join(DataKey).where(VaultObject.id > last).order_by(VaultObject.id)
            rows = session.execute(query.where(DataKey.destroyed_at.is_(None)).limit(BATCH)).all()
        if not rows:
            break
        for vault_object, data_key in rows:
            _check_object(factory, vault, vault_object, data_key, report)
            report.seconds = time.monotonic() - began
            progress(report)
        last = rows[-1][0].id
    _check_strays(factory, vault, report)
    report.seconds = time.monotonic() - began
    return report


def _check_object(
    factory: SessionFactory, vault: Vault, vault_object: VaultObject, data_key: DataKey, report: VaultReport
) -> None:
    name = f"object {vault_object.id} ({data_key.purpose}, {vault_object.kind}, {vault_object.path})"
    try:
        with vault.open_under(data_key, vault_object) as reader:
            digest = reader.verify()
        if digest != vault_object.sha256:
            report.findings.append(f"{name}: it is not what was sealed (SHA-256 differs from the row's).")
    except (VaultTampered, KeyDestroyed) as error:
        if not _is_gone(factory, data_key.id):
            report.findings.append(f"{name}: {error.message}")
    report.objects += 1
    report.bytes += vault_object.size_bytes


def _is_gone(factory: SessionFactory, data_key_id: int) -> bool:
    """Tell whether it was erased while it was looked at."""
    with unit_of_work(factory) as session:
        query = select(DataKey.id).where(DataKey.id == data_key_id, DataKey.destroyed_at.is_(None))
        return session.scalar(query) is None


def _check_keys(factory: SessionFactory, vault: Vault, report: VaultReport) -> None:
    with unit_of_work(factory) as session:
        top = session.scalar(select(func.max(DataKey.id))) or 0
    for page in range(top // PLACES + 1):
        with unit_of_work(factory) as session:
            query = select(DataKey).where(DataKey.id.between(page * PLACES, (page + 1) * PLACES - 1))
            rows = [StoredKey.of(row) for row in session.scalars(query.where(DataKey.destroyed_at.is_(None)))]
        for row in rows:
            report.keys += 1
            try:
                if vault.secrets([row]) == [None] and not _is_gone(factory, row.id):
                    report.findings.append(f"key of {row.purpose}: it is lost; what it sealed cannot be read.")
            except VaultTampered as error:
                report.findings.append(f"key of {row.purpose}: {error.message}")


def _check_secrets(factory: SessionFactory, vault: Vault, report: VaultReport) -> None:
    for column in WRAPPED:
        keys = list(column.class_.__mapper__.primary_key)
        with unit_of_work(factory) as session:
            rows = session.execute(select(*keys, column).where(func.length(column) > 0)).all()
        for *identity, wrapped in rows:
            report.secrets += 1
            place = row_secrets.place_of(column, tuple(identity))
            try:
                report.unbound += not row_secrets.is_bound(vault, wrapped, place)
            except VaultTampered as error:
                report.findings.append(f"{column} of row {identity}: {error.message}")


def _check_strays(factory: SessionFactory, vault: Vault, report: VaultReport) -> None:
    with unit_of_work(factory) as session:
        known = set(session.scalars(select(VaultObject.path)))
    newest = utcnow().timestamp() - STRAY_SECONDS
    for path in sorted(vault.folder.glob("*/*")):
        if str(path.relative_to(vault.folder)) not in known and _age(path) < newest:
            report.findings.append(f"{path.relative_to(vault.folder)}: no row knows this file.")


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # swept away just now
        return float("inf")
