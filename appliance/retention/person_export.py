"""What is stored of one person, made up for them: a sealed archive that ends after some days."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import ApplianceError, DatabaseUnavailable, ImpossibleStep, NotFound, TooMany
from appliance.models import Candidate, PersonExport, VaultObject
from appliance.retention import person_facts, person_pages
from appliance.retention.person_facts import Facts
from appliance.services import purposes
from appliance.services.payloads import ms
from appliance.vault import Vault
from appliance.vocabulary import PersonExportState as State

MAKER: Final = Actor.appliance("exporter")
JOB: Final = "retention.person_export"
MOST: Final = 3
"""Of one person at once: each holds copies of all that is stored."""
READ: Final = 1024 * 1024


def request(
    session: Session, actor: Actor, candidate: Candidate, with_recordings: bool, now: datetime, by_job: bool = True
) -> PersonExport:
    """Have a person's data made up; raise ``ImpossibleStep`` after an erasure, ``TooMany`` when there are some."""
    session.refresh(candidate, with_for_update={"key_share": True})
    if candidate.erased_at is not None:
        raise ImpossibleStep("This person was erased; nothing is stored of them.", candidate_id=candidate.id)
    alive = (PersonExport.candidate_id == candidate.id, PersonExport.state.in_((State.WAITING, State.READY)))
    if (session.scalar(select(func.count()).select_from(PersonExport).where(*alive)) or 0) >= MOST:
        raise TooMany(f"There are {MOST} exports of this person already; delete one first.")
    row = PersonExport(
        company_id=candidate.company_id,
        candidate_id=candidate.id,
        with_recordings=with_recordings,
        requested_by_id=int(actor.id) if actor.kind == "user" else None,
        requested_at=now,
        problem="",
    )
    session.add(row)
    session.flush()
    _record(session, actor, row, "request", with_recordings=with_recordings)
    if by_job:
        jobs.defer(session, JOB, queue="exports", person_export_id=row.id)
    return row


def make(
    own: Collaborators, export_id: int, now: datetime, pause_point: Callable[[], None] = lambda: None
) -> PersonExport | None:
    """Make the archive and seal it; what went wrong is noted in its row. May be killed and run again."""
    folder = own.settings.data_dir / "exports" / f"person-{export_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        with own.session_factory() as session:
            row = session.get(PersonExport, export_id)
            if row is None or row.state is not State.WAITING:
                return row
            facts = person_facts.collect(
                session, session.get_one(Candidate, row.candidate_id), row.with_recordings, now
            )
            path = _write(session, own.vault, facts, folder, pause_point)
        with unit_of_work(own.session_factory) as session:
            return _complete(session, own, export_id, path, now)
    except DatabaseUnavailable:
        raise
    except (ApplianceError, OSError) as error:
        with unit_of_work(own.session_factory) as session:
            return _fail(session, export_id, str(getattr(error, "message", error))[:500])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def expire(own: Collaborators, now: datetime) -> list[int]:
    """Destroy what has had its time; return the numbers."""
    with unit_of_work(own.session_factory) as session:
        due = (PersonExport.state == State.READY, PersonExport.expires_at <= now)
        rows = session.scalars(select(PersonExport).where(*due).with_for_update(skip_locked=True).limit(100)).all()
        for row in rows:
            delete(session, MAKER, own.vault, row)
    return [row.id for row in rows]


def delete(session: Session, actor: Actor, vault: Vault, row: PersonExport) -> PersonExport:
    """Destroy an export; again changes nothing. Its file goes with the vault's next sweep."""
    session.refresh(row, with_for_update=True)
    if row.state is not State.DELETED:
        row.state = State.DELETED
        vault.destroy(session, purposes.person_export(row.id))
        _record(session, actor, row, "delete")
    return row


def get(session: Session, export_id: int, company_id: int | None = None) -> PersonExport:
    """Return the export, of this company if one is given; raise ``NotFound``."""
    row = session.get(PersonExport, export_id)
    if row is None or company_id not in (None, row.company_id):
        raise NotFound("There is no such export.", export_id=export_id)
    return row


def listing(session: Session, company_id: int, limit: int = 100) -> Sequence[PersonExport]:
    """Return the company's exports that are there, newest first."""
    alive = (PersonExport.company_id == company_id, PersonExport.state != State.DELETED)
    return session.scalars(select(PersonExport).where(*alive).order_by(PersonExport.id.desc()).limit(limit)).all()


def record_download(session: Session, actor: Actor, row: PersonExport) -> None:
    """Write to the audit log that somebody fetches it."""
    _record(session, actor, row, "download")


def copy_out(session: Session, vault: Vault, row: PersonExport, out: Path) -> None:
    """Write the archive to a file."""
    sealed = session.get_one(VaultObject, row.vault_object_id)
    with vault.open(session, sealed) as reader, out.open("xb") as file:
        for offset in range(0, reader.size, READ):
            file.write(reader.read(offset, READ))


def archive_name(row: PersonExport) -> str:
    """Return what the archive is called on somebody's disk; no name, which a folder's listing would tell."""
    return f"kustos-person-{row.candidate_id}-export-{row.id}.zip"


def payload(row: PersonExport) -> dict[str, Any]:
    """Return an export for pages."""
    ready = row.state is State.READY
    return {
        "id": row.id,
        "candidate_id": row.candidate_id,
        "state": row.state.value,
        "with_recordings": row.with_recordings,
        "requested_ms": ms(row.requested_at),
        "expires_ms": ms(row.expires_at),
        "size_bytes": row.size_bytes,
        "problem": row.problem,
        "url": f"/api/v1/retention/person-exports/{row.id}/file" if ready else None,
    }


def _write(session: Session, vault: Vault, facts: Facts, folder: Path, pause_point: Callable[[], None]) -> Path:
    path = folder / "archive.zip"
    sums: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes) -> None:
            archive.writestr(name, data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}")

        add("data.json", json.dumps(facts.data, ensure_ascii=False, indent=2).encode())
        for language in person_pages.LANGUAGES:
            add(f"index.{language}.html", person_pages.page(facts.data, language))
        for file in facts.files:
            pause_point()
            digest = hashlib.sha256()
            sealed = session.get_one(VaultObject, file.vault_object_id)
            with vault.open(session, sealed) as reader, archive.open(file.name, "w", force_zip64=True) as member:
                for offset in range(0, reader.size, READ):
                    data = reader.read(offset, READ)
                    digest.update(data)
                    member.write(data)
            sums.append(f"{digest.hexdigest()}  {file.name}")
        archive.writestr("sha256sums.txt", "\n".join(sums) + "\n")
    return path


def _complete(session: Session, own: Collaborators, export_id: int, path: Path, now: datetime) -> PersonExport | None:
    row = session.get(PersonExport, export_id, with_for_update=True, populate_existing=True)
    if row is None or row.state is not State.WAITING:
        return row  # erased or taken back meanwhile
    sealed = own.vault.seal(session, purposes.person_export(row.id), "person_export", path)
    row.state, row.vault_object_id, row.size_bytes = State.READY, sealed.id, sealed.size_bytes
    row.made_at, row.expires_at = now, now + timedelta(hours=own.settings.export_hours)
    _record(session, MAKER, row, "make", sha256=sealed.sha256, size_bytes=sealed.size_bytes)
    return row


def _fail(session: Session, export_id: int, problem: str) -> PersonExport | None:
    row = session.get(PersonExport, export_id, with_for_update=True, populate_existing=True)
    if row is not None and row.state is State.WAITING:
        row.state, row.problem = State.FAILED, problem
        _record(session, MAKER, row, "make", "failed", problem=problem)
    return row


def _record(
    session: Session, actor: Actor, row: PersonExport, verb: str, result: str = "success", **details: object
) -> None:
    more: dict[str, Any] = {"candidate_id": row.candidate_id, **details}
    audit.record(session, actor, f"person_export.{verb}", ("person_export", row.id), result, row.company_id, **more)
