"""A small appliance with everything that can be tampered with, and all verifiers on it."""

import os
import zipfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from appliance import audit
from appliance.audit import Actor, Witnesses, checkpoints
from appliance.audit.statements import Signer
from appliance.db import utcnow
from appliance.errors import ApplianceError, AuditBroken
from appliance.evidence import EvidenceKey, verify
from appliance.evidence.in_house import verify_sitting
from appliance.evidence.key import read_public_key
from appliance.evidence.manifest import FORMAT, MANIFEST, PUBLIC_KEY, SIGNATURE, VERSION, canonical
from appliance.evidence.sitting_manifest import sign
from appliance.models import Gap, Part
from appliance.vault.sealed_file import BLOCK
from appliance.vocabulary import GapCause, PartState, SittingState, Track
from media.exports.archive import Archive

BOX = Actor.appliance("tamper")


class House:
    """Three sittings with sealed parts, photos, gaps and manifests of two versions; an audit log; an export."""

    def __init__(self, session, make, collaborators):
        self.session, self.vault, self.settings = session, collaborators.vault, collaborators.settings
        self.key = EvidenceKey.load_or_create(self.settings.evidence_key_file, self.vault)
        self.signer = Signer.of(self.settings, self.vault)
        self.sittings = [make.sitting(SittingState.IN_REVIEW) for _ in range(3)]
        for sitting in self.sittings:
            self._record(sitting)
            self._sign(sitting)
        for sitting in self.sittings[:2]:
            self._seal_part(sitting, Track.CAMERA, 3, 2 * BLOCK)  # handed in later
            self._sign(sitting)
        self.export = self._make_export(self.settings.data_dir)
        for number in range(30):
            audit.record(session, BOX, "sitting.look", ("sitting", number), note=f"entry {number}")
            session.commit()
        mark = checkpoints.sign(session, self.signer)
        assert mark is not None
        session.commit()
        checkpoints.write_file(session, self.signer.folder)
        session.commit()

    def findings(self, first: str) -> list[str]:
        """Ask the verifiers, ``first`` of all the one named, until one has found something."""
        order = sorted(("audit", "export", "evidence"), key=lambda name: name != first)
        for name in order:
            found = getattr(self, f"_{name}")()
            if found:
                return found
        return []

    def _audit(self) -> list[str]:
        try:
            audit.verify_all(self.session, Witnesses(self.signer.public_key, self.signer.folder, self.vault))
        except AuditBroken as error:
            return [error.message]
        return []

    def _export(self) -> list[str]:
        try:
            return [finding.words for finding in verify([self.export], self.key.public_pem).findings]
        except ApplianceError as error:
            return [error.message]

    def _evidence(self) -> list[str]:
        key = read_public_key(self.key.public_pem)
        found: list[str] = []
        for sitting in self.sittings:
            try:
                report = verify_sitting(self.session, self.settings.manifests, key, sitting.id, self.vault)
            except ApplianceError as error:
                return [error.message]
            found += report.findings
        return found

    def _record(self, sitting) -> None:
        for track in Track:
            for sequence in (1, 2):
                self._seal_part(sitting, track, sequence, BLOCK + sequence * 500)
        began = utcnow()
        gap = Gap(sitting_id=sitting.id, track=Track.SCREEN, cause=GapCause.UNKNOWN, detail="cable")
        gap.started_at, gap.ended_at = began, began + timedelta(seconds=9)
        self.session.add(gap)
        self.vault.seal(self.session, f"sitting:{sitting.id}", "photo", os.urandom(5000))

    def _seal_part(self, sitting, track, sequence, size) -> None:
        sealed = self.vault.seal(self.session, f"sitting:{sitting.id}", "part", os.urandom(size))
        part = Part(sitting_id=sitting.id, track=track, sequence=sequence, path="", node_url="", media={})
        part.started_at = utcnow() + timedelta(minutes=sequence)
        part.ended_at, part.duration_ms = part.started_at + timedelta(seconds=50), 50_000
        part.state, part.sha256, part.size_bytes = PartState.SEALED, sealed.sha256, sealed.size_bytes
        part.vault_object_id = sealed.id
        self.session.add(part)

    def _sign(self, sitting) -> None:
        self.session.flush()
        sign(self.session, self.vault, self.key, self.settings.manifests, sitting.id)
        self.session.commit()

    def _make_export(self, folder: Path) -> Path:
        """Make an export as it is handed over, and unpack it."""
        path = folder / "export.zip"
        with Archive(path, utcnow()) as archive:
            for name in ("camera.webm", "screen.webm", "incidents.csv"):
                archive.add_bytes(name, os.urandom(20_000))
            signed = canonical({"format": FORMAT, "version": VERSION, "files": list(archive.entries)})
            archive.add_bytes(MANIFEST, signed)
            archive.add_bytes(SIGNATURE, self.key.sign(signed))
            archive.add_bytes(PUBLIC_KEY, self.key.public_pem)
        with zipfile.ZipFile(path) as opened:
            opened.extractall(folder / "export")
        path.unlink()
        return folder / "export"


def as_owner(session) -> None:
    """Take the rights of the database's owner for this transaction: no trigger stands in the way."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
