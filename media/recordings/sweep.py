"""Files in the folder of recordings that no sitting knows: found and reported, deleted only by a person's command."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import from_ms, utcnow
from appliance.models import Part, Sitting, StrayFile
from appliance.vocabulary import SittingState

AT_REST = timedelta(minutes=10)
"""A file that was written to since is at work: a recorder's, or one being sealed."""
NAME = re.compile(r"(?P<sitting>\d+)/(?P<track>[a-z]+)-(?P<sequence>\d+)\.[a-z0-9.]+")
SETTLED = frozenset({SittingState.IN_REVIEW, SittingState.CONCLUDED})
"""All that is evidence of these is in the vault."""
SWEEPER = Actor.appliance("sweep")

log = structlog.get_logger(__name__)


class Stray(NamedTuple):
    """A file that no part names."""

    path: Path
    size_bytes: int
    modified_at: datetime
    reason: str
    """``unknown_sitting``: there is no such sitting; ``no_part``: the sitting does not know it; ``sealed``: it does,
    and has it in the vault; ``foreign``: no recording by its name."""
    deletable: bool
    """Nothing that goes on, or is still to be sealed, can need it."""


def find(session: Session, folder: Path) -> list[Stray]:
    """Return the stray files below ``folder``, with the table of them brought up to date; new ones are reported."""
    strays = list(_strays(session, folder))
    known = {row.path: row for row in session.scalars(select(StrayFile))}
    new = [stray for stray in strays if str(stray.path) not in known]
    for stray in strays:
        row = known.pop(str(stray.path), None)
        if row is None:
            row = StrayFile(path=str(stray.path))
            session.add(row)
        row.size_bytes, row.modified_at, row.reason = stray.size_bytes, stray.modified_at, stray.reason
    for gone in known.values():
        session.delete(gone)
    if new:
        size = sum(stray.size_bytes for stray in new)
        log.warning("stray files", count=len(new), size_bytes=size, first=str(new[0].path))
        audit.record(
            session,
            SWEEPER,
            "recordings.strays_found",
            ("folder", str(folder)),
            count=len(new),
            size_bytes=size,
            files=[str(stray.path) for stray in new[:50]],
        )
    return strays


def delete(session: Session, actor: Actor, folder: Path) -> list[Stray]:
    """Delete what nothing can need any more, and return it; the audit log keeps every name."""
    gone = []
    for stray in find(session, folder):
        if not stray.deletable:
            continue
        try:
            stray.path.unlink()
        except FileNotFoundError:
            continue
        row = session.get(StrayFile, str(stray.path))
        if row is not None:
            session.delete(row)
        gone.append(stray)
        audit.record(
            session,
            actor,
            "recordings.delete_stray",
            ("file", str(stray.path)),
            size_bytes=stray.size_bytes,
            reason=stray.reason,
            modified_at=stray.modified_at,
        )
        if not any(stray.path.parent.iterdir()) and stray.path.parent != folder:
            stray.path.parent.rmdir()
    return gone


def _strays(session: Session, folder: Path) -> Iterator[Stray]:
    if not folder.is_dir():
        return
    named = set(session.scalars(select(Part.path).where(Part.path != "")))
    states = dict(session.execute(select(Sitting.id, Sitting.state)).all())
    sealed = {
        (sitting_id, track.value, sequence)
        for sitting_id, track, sequence in session.execute(
            select(Part.sitting_id, Part.track, Part.sequence).where(Part.path == "")
        )
    }
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:
            continue
        modified = from_ms(round(status.st_mtime * 1000))
        if not path.is_file() or str(path) in named or utcnow() - modified < AT_REST:
            continue
        reason, deletable = _judge(path.relative_to(folder).as_posix(), states, sealed)
        yield Stray(path, status.st_size, modified, reason, deletable)


def _judge(name: str, states: dict[int, SittingState], sealed: set[tuple[int, str, int]]) -> tuple[str, bool]:
    """Return why a file is stray, and whether it may go."""
    found = NAME.fullmatch(name)
    if found is None:
        return "foreign", False
    sitting_id = int(found["sitting"])
    state = states.get(sitting_id)
    if state is None:
        return "unknown_sitting", True
    if (sitting_id, found["track"], int(found["sequence"])) in sealed:
        return "sealed", state in SETTLED
    return "no_part", state in SETTLED
