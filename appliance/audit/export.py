"""The log as a file that proves itself: lines of JSON, checkpoints among the entries, a signature over it all.

``docs/security/verifying.md`` says how to check one with openssl and without any of this code.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.audit import checkpoints, lines, reading, segments
from appliance.audit.canonical import canonical, link, plain
from appliance.audit.chain import GENESIS
from appliance.audit.checkpoints import Mark
from appliance.audit.reading import Link
from appliance.audit.statements import END, SEGMENT, Signed, Signer
from appliance.audit.verify import Verdict, Walk
from appliance.db import utcnow
from appliance.errors import AuditBroken, BadInput
from appliance.evidence.key import fingerprint, read_public_key
from appliance.models import AuditEntry

FORMAT: Final = "kustos-audit"
VERSION: Final = 1

_SIGNED_END: Final = '{"signature":"'
_GZIP: Final = b"\x1f\x8b"


def whole(session: Session, signer: Signer, since: datetime | None = None) -> Iterator[str]:
    """Yield the lines of an export of the chain, from the beginning or from the first entry at or after ``since``.

    Entries of erased segments are left out; their signed statements stand in the place.
    """
    marks = checkpoints.marks(session, None, None)
    parts = list(segments.statements(session, None))
    after = _before(session, parts, since)
    entries = _entries(session, signer, parts, after)
    yield from _file(signer, _among(entries, marks, after), {"first": after + 1, "filter": None})


def chosen(signer: Signer, entries: Iterable[Link], chosen_by: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of an export of some entries: each proves itself, and the signature vouches for the choice."""
    yield from _file(signer, map(lines.as_line, entries), {"first": None, "filter": chosen_by})


def _file(signer: Signer, body: Iterable[str], facts: dict[str, Any]) -> Iterator[str]:
    digest, count = hashlib.sha256(), 0
    head = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": utcnow(),
        "public_key": signer.key.public_pem.decode(),
        "fingerprint": signer.key.fingerprint,
        **facts,
    }
    first = canonical(plain(head)) + "\n"
    digest.update(first.encode())
    yield first
    for line in body:
        count += line.startswith('{"hash":')
        digest.update(line.encode())
        yield line
    end = signer.sign(END, sha256=digest.hexdigest(), entries=count, filter=facts["filter"])
    yield f'{{"signature":"{end.signature}","end":{end.text}}}\n'


def _before(session: Session, parts: list[segments.Segment], since: datetime | None) -> int:
    """Return the number of the last entry that is left out."""
    if since is None:
        return 0
    for part in parts:
        if part.row.last_at >= since:
            return part.first - 1
    first = session.scalar(select(func.min(AuditEntry.id)).where(AuditEntry.at >= since))
    newest = session.scalar(select(func.max(AuditEntry.id))) or (parts[-1].last if parts else 0)
    return newest if first is None else first - 1


def _entries(session: Session, signer: Signer, parts: list[segments.Segment], after: int) -> Iterator[str | Link]:
    for part in parts:
        if part.first <= after:
            continue
        if part.row.erased_at is not None:
            yield f'{{"signature":"{part.row.signature}","segment":{part.row.statement}}}\n'
        else:
            yield from segments.entries(session, signer.vault, part)
    yield from reading.links(session, after=after)


def _among(entries: Iterable[str | Link], marks: list[Mark], after: int) -> Iterator[str]:
    """Put each checkpoint behind the last entry that it covers."""
    waiting = [mark for mark in marks if mark.entries >= after]
    at = 0
    while at < len(waiting) and waiting[at].entries == after:
        yield checkpoints.as_line(waiting[at].statement)
        at += 1
    for entry in entries:
        if isinstance(entry, str):
            yield entry
            last = json.loads(entry)["segment"]["last"]
        else:
            yield lines.as_line(entry)
            last = entry.id
        while at < len(waiting) and waiting[at].entries <= last:
            yield checkpoints.as_line(waiting[at].statement)
            at += 1


@dataclass(slots=True)
class ExportVerdict(Verdict):
    """An export that verifies."""

    first: int = 1
    fingerprint: str = ""
    key_is_yours: bool = False
    """Whether the key was given from outside: the one in the file proves nothing by itself."""
    filter: dict[str, Any] | None = None
    head: dict[str, Any] = field(default_factory=dict)


def verify_export(path: Path, pem: bytes | None = None) -> ExportVerdict:
    """Check an export with the public key alone; raise ``AuditBroken`` naming the first bad entry.

    ``pem`` is the key as somebody told it whom you trust; without it, compare the fingerprint. Raises ``BadInput``
    for a file that is no export.
    """
    try:
        with _opened(path) as file:
            return _Reader(file, pem).verdict()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read ({error}).") from error


class _Reader:
    """Reads an export once from front to back."""

    def __init__(self, file: BinaryIO, pem: bytes | None) -> None:
        self.file, self.digest = file, hashlib.sha256()
        head = self._head()
        self.key = _key(pem, head)
        self.out = ExportVerdict(
            first=head.get("first") or 0,
            fingerprint=fingerprint(self.key),
            key_is_yours=pem is not None,
            filter=head.get("filter"),
            head=head,
        )
        self.walk = Walk(number=max(0, self.out.first - 1)) if self.out.filter is None else None
        self.marks: list[Mark] = []
        """The last checkpoint met, if any."""
        self.erased = (0, 0)
        """Behind and at which entries the last erased segment begins and ends: nothing between can be compared."""
        self.last = 0
        self.count = 0

    def verdict(self) -> ExportVerdict:
        for raw in self.file:
            line = _text(raw)
            if line.startswith('{"hash":'):
                self.digest.update(raw)
                self._entry(lines.of_line(line))
            elif line.startswith(_SIGNED_END):
                if line[142:150] == '","end":':
                    return self._end(Signed(line[150:-2], line[14:142]))
                self.digest.update(raw)
                self._statement(line)
            else:
                raise AuditBroken(f"The line after entry {self.last} is none of an export.", entry=self.last + 1)
        raise AuditBroken(f"The export was cut off after entry {self.last}: its end is missing.", entry=self.last + 1)

    def _head(self) -> dict[str, Any]:
        raw = self.file.readline(64 * 1024)
        try:
            head = json.loads(raw)
            if not isinstance(head, dict) or head["format"] != FORMAT or head["version"] != VERSION:
                raise ValueError
        except (ValueError, KeyError) as error:
            raise BadInput("This is no export of an audit log, or of a newer version.") from error
        self.digest.update(raw)
        return head

    def _entry(self, entry: Link) -> None:
        self.count += 1
        if self.walk is None:
            if entry.hash != link(entry.previous_hash, entry.text) or (self.count > 1 and entry.id <= self.last):
                raise AuditBroken(f"Audit entry {entry.id} is not as it was written.", entry=entry.id)
        else:
            if self.count == 1 and self.walk.number and not self.marks and not self.out.segments:
                self.walk.previous = entry.previous_hash  # an export from the middle begins with what it is given
            self.walk.follow(entry)
        self.last = entry.id

    def _statement(self, line: str) -> None:
        walk = self.walk
        if walk is None:
            raise AuditBroken("A checkpoint stands among chosen entries.", entry=self.last + 1)
        if line[142:157] == '","checkpoint":':
            mark = checkpoints.mark_of(checkpoints.of_line(line), self.key)
            checkpoints.demand_links([*self.marks[-1:], mark])
            self.marks = [mark]
            self.out.checkpoints += 1
            if mark.entries == walk.number and walk.number and not self.last and not self.out.segments:
                walk.previous = mark.head_hash
            if not self.erased[0] < mark.entries < self.erased[1]:
                walk.meet(mark)
        else:
            self._segment(Signed(line[154:-2], line[14:142]), walk)

    def _segment(self, signed: Signed, walk: Walk) -> None:
        stated = signed.read(SEGMENT, self.key)
        if (stated["first"], stated["previous_hash"]) != (walk.number + 1, walk.previous) and (
            walk.number == 0 or self.count or self.out.segments
        ):
            raise AuditBroken(f"An erased segment does not follow entry {walk.number}.", entry=walk.number + 1)
        self.erased = (walk.number, stated["last"])
        walk.bridge(stated["last"], stated["head_hash"])
        self.out.segments += 1
        self.out.erased += stated["last"] - stated["first"] + 1
        self.last = stated["last"]

    def _end(self, signed: Signed) -> ExportVerdict:
        stated = signed.read(END, self.key)
        if self.file.readline():
            raise AuditBroken("Something was added after the end of the export.", entry=self.last + 1)
        if stated["sha256"] != self.digest.hexdigest() or stated["entries"] != self.count:
            raise AuditBroken("The export is not the file that was signed: lines are missing or were added.")
        out = self.out
        out.entries, out.head_hash = self.count, self.walk.previous if self.walk else GENESIS
        if self.walk is not None:
            out.notes = self.walk.notes
            if self.walk.met is not None:
                out.covered, out.covered_at = self.walk.met.entries, self.walk.met.at
        return out


def _key(pem: bytes | None, head: dict[str, Any]) -> Ed25519PublicKey:
    return read_public_key(pem if pem is not None else str(head.get("public_key", "")).encode())


def _text(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise AuditBroken("The export holds a line that is none of an export.") from error


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")
