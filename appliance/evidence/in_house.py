"""Checks a sitting's evidence where it lies: rows, sealed files and manifests, and the audit log's word on them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.db import to_ms
from appliance.digests import sha256_of
from appliance.errors import KeyDestroyed, VaultTampered
from appliance.evidence.sitting_manifest import FORMAT, evidence_of, files_of, objects_of
from appliance.models import AuditEntry, AuditSegment, DataKey, SittingManifest, VaultObject
from appliance.vault import Vault


@dataclass(slots=True)
class HouseReport:
    """The outcome for one sitting."""

    sitting_id: int
    versions: int = 0
    objects: int = 0
    bytes: int = 0
    unsigned: int = 0
    """Objects that came after the last version; the appliance signs them within a minute."""
    findings: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.findings


def verify_sitting(
    session: Session, folder: Path, key: Ed25519PublicKey, sitting_id: int, vault: Vault, deep: bool = True
) -> HouseReport:
    """Check one sitting. ``deep``: also open each sealed file; without it no master key is needed."""
    report = HouseReport(sitting_id)
    versions = list(
        session.scalars(
            select(SittingManifest)
            .where(SittingManifest.sitting_id == sitting_id)
            .order_by(SittingManifest.number)
            .execution_options(populate_existing=True)
        )
    )
    report.versions = len(versions)
    report.findings += _versions(versions, folder, key, sitting_id)
    report.findings += _audited(session, versions, sitting_id)
    objects = objects_of(session, sitting_id)
    signed = _parsed(versions[-1]) if versions else {"objects": [], "parts": [], "gaps": []}
    report.findings += _rows(session, signed, objects, report)
    report.findings += _only_said_to_be_destroyed(session, signed, vault)
    for row, data_key in objects:
        report.findings += _file(vault, row, data_key, deep)
        report.objects += 1
        report.bytes += row.size_bytes
    return report


def as_lines(report: HouseReport) -> Iterator[str]:
    """Word the outcome."""
    yield from report.findings
    size = f"{report.objects} sealed files of {report.bytes / 1e6:,.1f} MB, {report.versions} manifests"
    waiting = f", {report.unsigned} files not signed yet" if report.unsigned else ""
    wrong = "whole" if report.is_whole else f"{len(report.findings)} things are wrong"
    yield f"sitting {report.sitting_id}: {size}{waiting}: {wrong}."


def _versions(versions: list[SittingManifest], folder: Path, key: Ed25519PublicKey, sitting_id: int) -> Iterator[str]:
    previous = ""
    for number, row in enumerate(versions, 1):
        name = f"manifest {row.number}"
        if row.number != number:
            yield f"manifest {number} is missing."
            return
        content = row.content.encode()
        try:
            key.verify(bytes.fromhex(row.signature), content)
        except (InvalidSignature, ValueError):
            yield f"{name}: its signature does not fit; it, or the signature, was altered."
        facts = _parsed(row)
        said = (facts.get("format"), facts.get("sitting"), facts.get("number"), facts.get("previous"))
        if said != (FORMAT, sitting_id, number, previous) or facts.get("made_ms") != to_ms(row.made_at):
            yield f"{name} does not stand where it was signed: it is of another place or time, or one was exchanged."
        previous = hashlib.sha256(content).hexdigest()
        if row.sha256 != previous:
            yield f"{name}: its row says another hash."
        for path, written in files_of(folder, row).items():
            if not path.exists() or path.read_bytes() != written:
                yield f"{path.name} beside the files is missing, or differs from the database's."
    known = {path for row in versions for path in files_of(folder, row)}
    for path in sorted((folder / str(sitting_id)).glob("*")):
        if path not in known:
            yield f"{path.name} beside the files has no row: a manifest was taken out of the database, or slipped in."


def _audited(session: Session, versions: list[SittingManifest], sitting_id: int) -> Iterator[str]:
    """Compare with what the audit log says was signed: it is chained, so that the last version cannot go unseen."""
    query = select(AuditEntry.details).where(
        AuditEntry.action == "manifest.sign",
        AuditEntry.subject_kind == "sitting",
        AuditEntry.subject_id == str(sitting_id),
    )
    logged = {(entry["number"], entry["sha256"]) for entry in session.scalars(query)}
    there = {(row.number, row.sha256) for row in versions}
    for number, _ in sorted(logged - there):
        yield f"manifest {number} was signed, says the audit log, and is not there."
    rotated = session.scalar(select(func.count()).select_from(AuditSegment))  # the older entries are not here then
    for number, _ in [] if rotated else sorted(there - logged):
        yield f"manifest {number} is not in the audit log."


def _rows(
    session: Session, signed: dict[str, Any], objects: list[tuple[VaultObject, DataKey]], report: HouseReport
) -> Iterator[str]:
    fresh = {row.id for row, _ in objects if row.manifest_id is None}
    report.unsigned = len(fresh)
    found = evidence_of(session, report.sitting_id, objects)
    for kind in ("objects", "parts", "gaps"):
        before = {entry["id"]: _bare(entry) for entry in signed.get(kind, [])}
        now = {entry["id"]: _bare(entry) for entry in found[kind]}
        destroyed = _destroyed(session, before) if kind == "objects" else set()
        for each in sorted(before.keys() - now.keys() - destroyed):
            yield f"{kind[:-1]} {each} was signed and is not in the database any more."
        for each in sorted(before.keys() & now.keys()):
            changed = sorted(name for name in before[each] if before[each][name] != now[each].get(name))
            if changed:
                yield f"{kind[:-1]} {each} is not as it was signed: {', '.join(changed)} differ."
        for each in sorted(now.keys() - before.keys()):
            # what came with something that is not signed yet (a hand-in's part and gap) is signed with it
            if each not in fresh if kind == "objects" else not fresh:
                yield f"{kind[:-1]} {each} is in the database and was never signed."


def _destroyed(session: Session, entries: dict[int, dict[str, Any]]) -> set[int]:
    """Return the objects whose keys were destroyed: their rows stay, so that it can be seen."""
    query = select(VaultObject.id).join(DataKey).where(VaultObject.id.in_(entries), DataKey.destroyed_at.is_not(None))
    return set(session.scalars(query))


def _only_said_to_be_destroyed(session: Session, signed: dict[str, Any], vault: Vault) -> Iterator[str]:
    """Yield keys that the rows call destroyed although they are there: the appliance overwrites them at once."""
    ids = [entry["id"] for entry in signed.get("objects", [])]
    query = select(DataKey.id, DataKey.purpose).join(VaultObject).where(VaultObject.id.in_(ids)).distinct()
    gone = [(row.id, row.purpose) for row in session.execute(query.where(DataKey.destroyed_at.is_not(None)))]
    for key_id, purpose in gone:
        if vault.data_keys.has(key_id):
            yield f"the key of {purpose} is marked as destroyed, and is not: the mark was put there by hand."


def _file(vault: Vault, row: VaultObject, data_key: DataKey, deep: bool) -> Iterator[str]:
    path = vault.folder / row.path
    name = f"object {row.id} ({row.kind}, {row.path})"
    if not path.is_file():
        yield f"{name}: the sealed file is missing."
        return
    if row.sealed_sha256 and sha256_of(path) != row.sealed_sha256:
        yield f"{name}: the sealed file was altered."
    if not deep:
        return
    try:
        with vault.open_under(data_key, row) as reader:
            if reader.verify() != row.sha256:
                yield f"{name}: it is not what was sealed."
    except (VaultTampered, KeyDestroyed) as error:
        yield f"{name}: {error.message}"


def _bare(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry without its link, which changes for all that follow when one before it was erased."""
    return {name: value for name, value in entry.items() if name != "chain"}


def _parsed(row: SittingManifest) -> dict[str, Any]:
    try:
        found = json.loads(row.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
