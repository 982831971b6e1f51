"""Proof that the log is as it was written: the chain, its signed segments and checkpoints, and what those cover."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.audit import checkpoints, segments
from appliance.audit.canonical import iso, link
from appliance.audit.chain import GENESIS
from appliance.audit.checkpoints import Mark
from appliance.audit.reading import Head, Link, links_and_head
from appliance.errors import AuditBroken
from appliance.vault import Vault

CLOCKS: Final = timedelta(minutes=2)
"""How far the clocks of several servers, or one that is set right, may make an entry look earlier than it is."""

MAX_NOTES: Final = 20


class ChainReport(NamedTuple):
    """What a whole chain says of itself; keep ``head_hash`` elsewhere to prove later that nothing was cut off."""

    entries: int
    head_hash: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What else there is to hold the database against."""

    key: Ed25519PublicKey | None = None
    """Without it signatures are not checked."""
    folder: Path | None = None
    """With the files of checkpoints."""
    vault: Vault | None = None
    """Without it segments are believed by their signed statements, not read."""


@dataclass(slots=True)
class Verdict:
    """A log that verifies: how long it is, and what vouches for how much of it."""

    entries: int = 0
    head_hash: str = GENESIS
    segments: int = 0
    erased: int = 0
    """Entries whose segment was erased by the retention rules; their signed statement stands for them."""
    checkpoints: int = 0
    covered: int = 0
    """Entries that the last checkpoint covers; what lies after it is held together by the chain alone."""
    covered_at: str = ""
    notes: list[str] = field(default_factory=list)
    """What is no proof of a forgery, but wants a look."""


class Walk:
    """Follows the chain; ``marks`` are the checkpoints it must meet on its way."""

    def __init__(self, marks: Iterable[Mark] = (), number: int = 0, previous: str = GENESIS) -> None:
        """Start behind entry ``number``, whose hash is ``previous``."""
        self.number, self.previous = number, previous
        self.marks: dict[int, list[Mark]] = {}
        for mark in marks:
            self.marks.setdefault(mark.entries, []).append(mark)
        self.met: Mark | None = None
        self.notes: list[str] = []
        self._not_before = ""
        self._meet()

    def follow(self, entry: Link) -> None:
        """Take the next entry; raise ``AuditBroken`` naming it if it is not the next, or not as it was written."""
        number = self.number + 1
        if entry.id != number:
            if entry.id < number:
                raise AuditBroken(f"Audit entry {entry.id} has no place in the log.", entry=entry.id)
            raise AuditBroken(f"Audit entry {number} is missing.", entry=number)
        if entry.previous_hash != self.previous or entry.hash != link(self.previous, entry.text):
            raise AuditBroken(f"Audit entry {number} is not as it was written.", entry=number)
        self.number, self.previous = number, entry.hash
        if entry.at < self._not_before and len(self.notes) < MAX_NOTES:
            self.notes.append(
                f"Entry {number} is dated {entry.at}, but was written after checkpoint {self.met and self.met.number}"
                f" of {self.met and self.met.at}: it was dated back, or the clock was set back."
            )
        if number in self.marks:
            self._meet()

    def bridge(self, last: int, head_hash: str) -> None:
        """Go over a segment that is not read; only its signed statement says where it ends."""
        inside = [number for number in self.marks if self.number < number < last]
        if inside:
            self.met = max((mark for number in inside for mark in self.marks[number]), key=lambda mark: mark.number)
        self.number, self.previous = last, head_hash
        self._meet()

    def end(self) -> None:
        """Raise ``AuditBroken`` when a checkpoint covers more than there is."""
        beyond = min((number for number in self.marks if number > self.number), default=None)
        if beyond is not None:
            mark = self.marks[beyond][0]
            raise AuditBroken(
                f"Audit entry {self.number + 1} is missing: the log was cut off after entry {self.number}, but "
                f"checkpoint {mark.number} of {mark.at} covers {beyond}.",
                entry=self.number + 1,
                checkpoint=mark.number,
            )

    def _meet(self) -> None:
        for mark in self.marks.get(self.number, ()):
            self.meet(mark)

    def meet(self, mark: Mark) -> None:
        """Hold the chain so far against a checkpoint; raise ``AuditBroken`` when it covers something else."""
        if (mark.entries, mark.head_hash) != (self.number, self.previous):
            since = self.met.entries if self.met else 0
            raise AuditBroken(
                f"The log was rewritten: checkpoint {mark.number} of {mark.at} covers {mark.entries} entries with "
                f"another content. The first false entry lies between {since + 1} and {mark.entries}.",
                entry=since + 1,
                checkpoint=mark.number,
            )
        self.met = mark
        self._not_before = iso(datetime.fromisoformat(mark.at) - CLOCKS)


def verify_chain(session: Session) -> ChainReport:
    """Read the whole log in its order; raise ``AuditBroken`` naming the first entry that is not as it was written.

    By the database alone; ``verify_all`` also asks what stands outside of it.
    """
    verdict = verify_all(session, Witnesses())
    return ChainReport(verdict.entries, verdict.head_hash)


def verify_all(session: Session, witnesses: Witnesses) -> Verdict:
    """Walk over segments and table; raise ``AuditBroken`` naming the first entry or checkpoint that is wrong."""
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": segments.LOCK})
    marks = checkpoints.marks(session, witnesses.folder, witnesses.key)
    walk, verdict = Walk(marks), Verdict(checkpoints=len(marks))
    for segment in segments.statements(session, witnesses.key):
        verdict.segments += 1
        verdict.erased += segments.follow(session, walk, segment, witnesses.vault)
    head = None
    for found in links_and_head(session):
        if isinstance(found, Head):
            head = found
        else:
            walk.follow(found)
    _demand_head(walk, head)
    walk.end()
    verdict.entries, verdict.head_hash, verdict.notes = walk.number, walk.previous, walk.notes
    if walk.met is not None:
        verdict.covered, verdict.covered_at = walk.met.entries, walk.met.at
    return verdict


def _demand_head(walk: Walk, head: Head | None) -> None:
    number = walk.number
    if head is None:
        raise AuditBroken("The head of the audit chain is missing.", entry=0)
    if head.entries > number:
        raise AuditBroken(
            f"Audit entry {number + 1} is missing: the log was cut off after entry {number}, "
            f"but {head.entries} were written.",
            entry=number + 1,
        )
    if head != (number, walk.previous):
        raise AuditBroken(f"The head of the audit chain does not fit its last entry, {number}.", entry=number)
