"""Exports of sittings: asked for, made by a job, fetched, and destroyed after their time; each step is audited."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from appliance import audit, jobs
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound, TooMany
from appliance.models import Export, Part, Sitting, VaultObject
from appliance.services import approvals, sittings
from appliance.services.payloads import ms
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import ExportContainer, ExportContent, ExportState, FourEyesAct, PartState, SittingState

EXPORTABLE: Final = frozenset({SittingState.IN_REVIEW, SittingState.CONCLUDED})
"""All parts are sealed then, and what is missing is a gap: an export made earlier would be incomplete unnoticed."""

ALIVE: Final = frozenset({ExportState.WAITING, ExportState.WORKING, ExportState.READY})

QUEUE: Final = "exports"

MAX_LISTED: Final = 20

BY_HAND: Final = timedelta(days=1)
"""The command line makes an export without a job; one that takes longer than this died with its process."""

GIVEN_UP: Final = "The workers gave it up: they ended several times while making it. Ask for it again."

_WITHOUT_JOB: Final = text(
    """
SELECT export.id FROM export
WHERE export.state IN ('waiting', 'working')
  AND (export.requested_by_id IS NOT NULL OR export.requested_at < now() - make_interval(secs => :by_hand))
  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job
                  WHERE job.task_name = 'media.export' AND job.status IN ('todo', 'doing')
                    AND job.args ->> 'export_id' = export.id::text)
ORDER BY export.id LIMIT 100
"""
)


def request(
    session: Session,
    actor: Actor,
    settings: Settings,
    sitting: Sitting,
    contents: Iterable[ExportContent],
    *,
    container: ExportContainer = ExportContainer.WEBM,
    with_records: bool = True,
    language: str = "en",
    by_job: bool = True,
) -> Export:
    """Ask for an export; a job makes it, unless the caller (``by_job`` false) does so itself.

    Raises ``ImpossibleStep`` before everything is sealed, ``TooMany`` when this sitting has as many as may be,
    ``ApprovalWanted`` where the company wants a second person for it.
    """
    wanted = [content for content in ExportContent if content in set(contents)]
    if not wanted:
        raise BadInput("Say what to export.", field="contents")
    sittings.lock(session, sitting)
    if sitting.state not in EXPORTABLE:
        raise ImpossibleStep("A sitting can be exported once its recordings are sealed.", state=sitting.state)
    if not _sealed_parts(session, sitting.id):
        raise ImpossibleStep("Nothing was recorded of this sitting that could be exported.")
    if _alive(session, sitting.id) >= settings.exports_per_sitting:
        raise TooMany(f"There are {settings.exports_per_sitting} exports of this sitting already; delete one first.")
    what: dict[str, Any] = {"contents": wanted, "container": container, "with_records": with_records}
    approvals.demand(session, actor, FourEyesAct.EXPORT, ("sitting", sitting.id), sitting.company_id, **what)
    row = Export(
        sitting_id=sitting.id,
        contents=[content.value for content in wanted],
        container=container,
        with_records=with_records,
        language=language,
        requested_by_id=int(actor.id) if actor.kind == "user" else None,
        requested_by={"kind": actor.kind, "name": actor.name, "role": actor.role or ""},
        files=[],
    )
    session.add(row)
    session.flush()
    _record(session, actor, row, "request", contents=row.contents, container=container, with_records=with_records)
    if by_job:
        jobs.defer(session, "media.export", queue=QUEUE, export_id=row.id)
    return row


def get(session: Session, export_id: int, company_id: int | None = None) -> Export:
    """Return the export, of this company if one is given; raise ``NotFound``."""
    row = session.get(Export, export_id)
    if row is None:
        raise NotFound("There is no such export.", export_id=export_id)
    sittings.get(session, row.sitting_id, company_id)
    return row


def listing(session: Session, sitting_id: int) -> list[Export]:
    """Return the sitting's exports that are there or failed, newest first."""
    query = select(Export).where(Export.sitting_id == sitting_id, Export.state != ExportState.DELETED)
    return list(session.scalars(query.order_by(Export.id.desc()).limit(MAX_LISTED)))


def begin(session: Session, export_id: int) -> Export | None:
    """Note that the export is being made, perhaps anew after a worker's death; None: nobody wants it any more."""
    row = _locked(session, export_id)
    if row is None or row.state not in {ExportState.WAITING, ExportState.WORKING}:
        return None
    row.state, row.progress = ExportState.WORKING, 0.0
    return row


def note_progress(session: Session, export_id: int, done: float) -> bool:
    """Note how much is done, 0 to 1; False: it was deleted meanwhile and need not be finished."""
    row = _locked(session, export_id)
    if row is None or row.state is not ExportState.WORKING:
        return False
    row.progress = max(row.progress, min(1.0, done))
    return True


def complete(
    session: Session,
    actor: Actor,
    vault: Vault,
    export_id: int,
    sealed: VaultObject,
    files: list[dict[str, Any]],
    hours: float,
) -> bool:
    """Note that the archive lies in the vault; one that was deleted meanwhile is destroyed, and False returned."""
    row = _locked(session, export_id)
    if row is None or row.state is not ExportState.WORKING:
        vault.destroy(session, purpose(export_id))
        return False
    row.state, row.progress, row.files = ExportState.READY, 1.0, files
    row.vault_object_id, row.size_bytes = sealed.id, sealed.size_bytes
    row.made_at = utcnow()
    row.expires_at = row.made_at + timedelta(hours=hours)
    hashes = {file["name"]: file["sha256"] for file in files}
    _record(session, actor, row, "make", sha256=sealed.sha256, size_bytes=sealed.size_bytes, files=hashes)
    return True


def fail(session: Session, actor: Actor, export_id: int, problem: str) -> None:
    """Note why the export could not be made."""
    row = _locked(session, export_id)
    if row is None or row.state not in {ExportState.WAITING, ExportState.WORKING}:
        return
    row.state, row.problem, row.ended_at = ExportState.FAILED, problem[:500], utcnow()
    _record(session, actor, row, "make", result="failed", problem=problem[:500])


def delete(session: Session, actor: Actor, vault: Vault, row: Export) -> Export:
    """Destroy an export, or take back one that is not made yet; again changes nothing."""
    locked = _locked(session, row.id)
    if locked is not None and locked.state is not ExportState.DELETED:
        _record(session, actor, locked, "delete", state=locked.state)
        _destroy(session, vault, locked)
    return row


def expire(session: Session, actor: Actor, vault: Vault, now: datetime) -> list[int]:
    """Destroy exports whose time is over and return their numbers."""
    due = select(Export).where(Export.state == ExportState.READY, Export.expires_at <= now)
    rows = session.scalars(due.order_by(Export.id).limit(100).with_for_update(skip_locked=True)).all()
    for row in rows:
        _record(session, actor, row, "expire")
        _destroy(session, vault, row)
    return [row.id for row in rows]


def give_up(session: Session, actor: Actor) -> list[int]:
    """Mark as failed what is waited for although no job makes it any more; return the numbers."""
    gone = list(session.scalars(_WITHOUT_JOB, {"by_hand": BY_HAND.total_seconds()}))
    for export_id in gone:
        fail(session, actor, export_id, GIVEN_UP)
    return gone


def record_download(session: Session, actor: Actor, row: Export, name: str = "") -> None:
    """Write to the audit log that somebody fetches the archive, or one file of it."""
    _record(session, actor, row, "download", file=name or "archive")


def archive_name(row: Export) -> str:
    """Return what the archive is called on somebody's disk: no person's name, which a folder's listing would tell."""
    return f"kustos-sitting-{row.sitting_id}-export-{row.id}.zip"


def payload(row: Export) -> dict[str, Any]:
    """Return an export for the page."""
    ready = row.state is ExportState.READY
    return {
        "id": row.id,
        "sitting_id": row.sitting_id,
        "state": row.state.value,
        "contents": row.contents,
        "container": row.container.value,
        "with_records": row.with_records,
        "requested_by": row.requested_by["name"],
        "requested_ms": to_ms(row.requested_at),
        "progress": row.progress,
        "problem": row.problem,
        "made_ms": ms(row.made_at),
        "expires_ms": ms(row.expires_at),
        "size_bytes": row.size_bytes,
        "url": f"/api/v1/exports/{row.id}/file" if ready else None,
        "files": [{"name": file["name"], "size": file["size"]} for file in row.files] if ready else [],
    }


def purpose(export_id: int) -> str:
    """Return the name of the export's own key: to destroy it is to destroy the export."""
    return f"export:{export_id}"


def _destroy(session: Session, vault: Vault, row: Export) -> None:
    row.state, row.ended_at, row.files = ExportState.DELETED, utcnow(), []
    vault.destroy(session, purpose(row.id))


def _locked(session: Session, export_id: int) -> Export | None:
    session.flush()
    return session.get(Export, export_id, with_for_update={"key_share": True}, populate_existing=True)


def _alive(session: Session, sitting_id: int) -> int:
    query = select(func.count()).select_from(Export).where(Export.sitting_id == sitting_id, Export.state.in_(ALIVE))
    return session.scalar(query) or 0


def _sealed_parts(session: Session, sitting_id: int) -> int:
    query = select(func.count()).select_from(Part)
    return session.scalar(query.where(Part.sitting_id == sitting_id, Part.state == PartState.SEALED)) or 0


def _record(
    session: Session, actor: Actor, row: Export, verb: str, result: str = "success", **details: object
) -> None:
    company_id = sittings.get(session, row.sitting_id).company_id
    more: dict[str, Any] = {"sitting_id": row.sitting_id, **details}
    audit.record(session, actor, f"export.{verb}", ("export", row.id), result, company_id, **more)
