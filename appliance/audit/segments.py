"""Rotation: old entries leave the table for a sealed, compressed, signed file; the chain goes on over the border."""

import gzip
import hashlib
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from appliance.audit import checkpoints, lines, reading
from appliance.audit.statements import SEGMENT, Signed, Signer
from appliance.db import utcnow
from appliance.errors import AuditBroken
from appliance.models import AuditEntry, AuditSegment, VaultObject
from appliance.vault import SealedReader, Vault

if TYPE_CHECKING:
    from appliance.audit.verify import Walk

LOCK: Final = 0x6B75_726F_7461_7465
"""Advisory lock of a rotation ("kurotate"); who verifies holds it shared."""

MAX_ENTRIES: Final = 1_000_000
"""Of one segment: some 60 MB compressed, written and verified in under a minute."""

_READ: Final = 1024 * 1024


class Segment(NamedTuple):
    """What a segment's statement says, and its row."""

    first: int
    last: int
    previous_hash: str
    head_hash: str
    sha256: str
    row: AuditSegment


def purpose(number: int) -> str:
    """Return the vault's key of a segment: destroying it erases the segment."""
    return f"audit:segment:{number}"


def rotate(session: Session, signer: Signer, before: datetime, at_most: int = MAX_ENTRIES) -> int:
    """Move the oldest entries, those up to the first that is not older than ``before``, into a segment.

    Returns how many, 0 when there is nothing to move; call it again until then. A checkpoint is signed with it: after
    the commit call ``checkpoints.write_file``. Raises ``AuditBroken`` instead of sealing what does not verify.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = session.scalars(select(AuditSegment).order_by(AuditSegment.number.desc()).limit(1)).first()
    after = 0 if last is None else last.last
    upto = _newest_to_move(session, after, before, at_most)
    if upto <= after:
        return 0
    number = 1 if last is None else last.number + 1
    mark = checkpoints.sign(session, signer, "rotation")
    assert mark is not None  # noqa: S101 - only a minute's may be left out
    signer.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=signer.folder, suffix=".gz") as file:
        previous_hash, head_hash = _write(session, file, after, upto)
        sealed = signer.vault.seal(session, purpose(number), "audit_segment", Path(file.name))
    session.flush()
    span = session.execute(
        select(func.min(AuditEntry.at), func.max(AuditEntry.at)).where(AuditEntry.id > after, AuditEntry.id <= upto)
    ).one()
    statement = signer.sign(
        SEGMENT,
        number=number,
        first=after + 1,
        last=upto,
        previous_hash=previous_hash,
        head_hash=head_hash,
        sha256=sealed.sha256,
        first_at=span[0],
        last_at=span[1],
        at=utcnow(),
    )
    session.add(
        AuditSegment(
            number=number,
            first=after + 1,
            last=upto,
            first_at=span[0],
            last_at=span[1],
            statement=statement.text,
            signature=statement.signature,
            vault_object_id=sealed.id,
        )
    )
    session.flush()
    session.execute(delete(AuditEntry).where(AuditEntry.id > after, AuditEntry.id <= upto))
    return upto - after


def erase(session: Session, vault: Vault, before: datetime, now: datetime | None = None) -> list[int]:
    """Destroy the keys of the segments whose last entry is older than ``before``; return their numbers.

    Their signed statements stay, so the chain still verifies over them. The caller records the act.
    """
    query = select(AuditSegment).where(AuditSegment.last_at < before, AuditSegment.erased_at.is_(None))
    rows = session.scalars(query.order_by(AuditSegment.number)).all()
    for row in rows:
        vault.destroy(session, purpose(row.number))
        row.erased_at, row.vault_object_id = now or utcnow(), None
    return [row.number for row in rows]


def statements(session: Session, key: Ed25519PublicKey | None) -> Iterator[Segment]:
    """Yield the segments in their order, their signatures checked."""
    for row in session.scalars(select(AuditSegment).order_by(AuditSegment.number)).all():
        stated = Signed(row.statement, row.signature).read(SEGMENT, key)
        first, last = stated["first"], stated["last"]
        yield Segment(first, last, stated["previous_hash"], stated["head_hash"], stated["sha256"], row)


def follow(session: Session, walk: "Walk", segment: Segment, vault: Vault | None) -> int:
    """Lead the walk over a segment; return how many entries are erased. Raises ``AuditBroken``."""
    if (segment.first, segment.previous_hash) != (walk.number + 1, walk.previous):
        raise AuditBroken(
            f"Segment {segment.row.number} of the audit log does not follow entry {walk.number}.",
            entry=walk.number + 1,
        )
    erased = segment.row.erased_at is not None
    if vault is None or erased:
        walk.bridge(segment.last, segment.head_hash)
    else:
        for entry in entries(session, vault, segment):
            walk.follow(entry)
    if (walk.number, walk.previous) != (segment.last, segment.head_hash):
        raise AuditBroken(f"Segment {segment.row.number} does not end as it was signed.", entry=walk.number)
    return segment.last - segment.first + 1 if erased else 0


def entries(session: Session, vault: Vault, segment: Segment) -> Iterator[reading.Link]:
    """Yield a segment's entries; raise ``AuditBroken`` when the sealed file is gone or not what was signed."""
    sealed = session.get(VaultObject, segment.row.vault_object_id) if segment.row.vault_object_id else None
    if sealed is None:
        raise AuditBroken(
            f"Segment {segment.row.number} ({segment.first} to {segment.last}) is missing and was not erased.",
            entry=segment.first,
        )
    with vault.open(session, sealed) as reader:
        digest = hashlib.sha256()
        for at in range(0, reader.size, _READ):
            digest.update(reader.read(at, min(_READ, reader.size - at)))
        if digest.hexdigest() != segment.sha256:
            raise AuditBroken(f"Segment {segment.row.number} is not the file that was signed.", entry=segment.first)
        with gzip.open(io.BufferedReader(_Stream(reader), _READ), "rt", encoding="utf-8", newline="\n") as plain:
            for line in plain:
                yield lines.of_line(line)


def _newest_to_move(session: Session, after: int, before: datetime, at_most: int) -> int:
    """Return the number of the last entry of the table's beginning that is wholly older than ``before``."""
    young = select(func.min(AuditEntry.id)).where(AuditEntry.at >= before, AuditEntry.id > after)
    newest = session.scalar(select(func.max(AuditEntry.id))) or after
    first_young = session.scalar(young)
    return min(newest if first_young is None else first_young - 1, after + at_most)


def _write(session: Session, file: Any, after: int, upto: int) -> tuple[str, str]:
    previous_hash = head_hash = ""
    # mtime 0: the same entries give the same bytes
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        for entry in reading.links(session, after, upto):
            previous_hash = previous_hash or entry.previous_hash
            head_hash = entry.hash
            packed.write(lines.as_line(entry).encode())
    file.flush()
    return previous_hash, head_hash


class _Stream(io.RawIOBase):
    """A sealed file as a stream."""

    def __init__(self, reader: SealedReader) -> None:
        self.reader, self.at = reader, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self.reader.size - self.at)
        if size <= 0:
            return 0
        piece = self.reader.read(self.at, size)
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)
