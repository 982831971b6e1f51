"""Checkpoints: once a minute the length and head of the chain are signed, in the database and in a file beside it.

Who can write the database can write a whole new chain; they cannot sign, and they do not reach the file.
"""

import errno
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from appliance.audit import reading
from appliance.audit.canonical import iso, link
from appliance.audit.chain import GENESIS
from appliance.audit.statements import CHECKPOINT, Signed, Signer
from appliance.db import utcnow
from appliance.errors import AuditBroken
from appliance.models import AuditCheckpoint, AuditHead
from appliance.vault.files import sync_folder

LOCK: Final = 0x6B75_6368_6563_6B70
"""Advisory lock of whoever signs ("kucheckp")."""

SILENCE: Final = timedelta(hours=1)
"""A log in which nothing happens is signed this often: the checkpoint says that nothing did."""


_TAIL: Final = 64 * 1024
"""Of a file of checkpoints, longer than any two lines."""


class Mark(NamedTuple):
    """What a checkpoint says."""

    number: int
    entries: int
    head_hash: str
    at: str
    statement: Signed


def sign(session: Session, signer: Signer, reason: str = "minute", now: datetime | None = None) -> Mark | None:
    """Sign the chain as it stands and return the checkpoint; None when the last one says it all.

    The entries since the last checkpoint are walked first: raises ``AuditBroken`` instead of signing what does not
    follow from what was signed before. After the commit call ``write_file``.
    """
    now = now or utcnow()
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(1)).first()
    head = session.execute(select(AuditHead.entries, AuditHead.hash)).one()
    if last is not None and reason == "minute" and last.entries == head.entries and now - last.at < SILENCE:
        return None
    _demand_follows(session, last, head.entries, head.hash)
    number = 1 if last is None else last.number + 1
    previous = GENESIS if last is None else Signed(last.statement, last.signature).digest
    statement = signer.sign(
        CHECKPOINT,
        number=number,
        entries=head.entries,
        head_hash=head.hash,
        at=now,
        previous=previous,
        reason=reason,
        key=signer.key.fingerprint,
    )
    session.add(
        AuditCheckpoint(
            number=number,
            entries=head.entries,
            head_hash=head.hash,
            at=now,
            statement=statement.text,
            signature=statement.signature,
        )
    )
    session.flush()
    return Mark(number, head.entries, head.hash, iso(now), statement)


def write_file(session: Session, folder: Path) -> int:
    """Append the committed checkpoints that the files do not have yet, one file a month; return how many.

    Also what a crash between commit and writing left out. Raises ``OSError`` when the disk does not take it.
    """
    written = max((mark.number for mark in _last_of_files(folder)), default=0)
    query = select(AuditCheckpoint).where(AuditCheckpoint.number > written).order_by(AuditCheckpoint.number)
    rows = session.scalars(query).all()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for row in rows:
        path = folder / f"checkpoints-{row.at:%Y-%m}.jsonl"
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = as_line(Signed(row.statement, row.signature)).encode()
            if os.write(descriptor, line) != len(line):  # the next run takes the half line back and tries again
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(folder)
    return len(rows)


def as_line(statement: Signed) -> str:
    """Return a checkpoint as a line of JSON whose ``checkpoint`` is the very text that was signed."""
    return f'{{"signature":"{statement.signature}","checkpoint":{statement.text}}}\n'


def of_line(line: str) -> Signed:
    """Read ``as_line``; raise ``AuditBroken``."""
    if not line.startswith('{"signature":"') or line[142:157] != '","checkpoint":' or not line.endswith("}\n"):
        raise AuditBroken("A line among the checkpoints is none.")
    return Signed(line[157:-2], line[14:142])


def marks(session: Session, folder: Path | None, key: Ed25519PublicKey | None) -> list[Mark]:
    """Return the checkpoints of table and files in their order, each one's signature checked.

    Raises ``AuditBroken`` where one is missing, contradicts its twin, or is not signed by ``key``.
    """
    rows = session.execute(
        select(AuditCheckpoint.statement, AuditCheckpoint.signature).order_by(AuditCheckpoint.number)
    )
    table = [mark_of(Signed(*row), key) for row in rows]
    demand_order(table)
    filed = [mark_of(statement, key) for statement in of_folder(folder)] if folder is not None else []
    for mark in filed:
        if mark.number > len(table):
            raise AuditBroken(
                f"Checkpoint {mark.number} of {mark.at} is in the file, but not in the database: "
                f"the log was cut back or replaced; it had {mark.entries} entries then.",
                checkpoint=mark.number,
            )
        if table[mark.number - 1].statement.text != mark.statement.text:
            raise AuditBroken(
                f"Checkpoint {mark.number} of {mark.at} is another in the database than in the file.",
                checkpoint=mark.number,
            )
    return table


def mark_of(statement: Signed, key: Ed25519PublicKey | None) -> Mark:
    """Return what a checkpoint says."""
    stated = statement.read(CHECKPOINT, key)
    return Mark(stated["number"], stated["entries"], stated["head_hash"], stated["at"], statement)


def demand_order(found: list[Mark]) -> None:
    """Raise ``AuditBroken`` unless the checkpoints begin with 1 and each names the one before it."""
    if found and (found[0].number != 1 or _previous(found[0]) != GENESIS):
        raise AuditBroken(f"Checkpoints before number {found[0].number} are missing.", checkpoint=1)
    demand_links(found)


def demand_links(found: list[Mark]) -> None:
    """Raise ``AuditBroken`` unless each checkpoint names the one before it and is not shorter."""
    for before, after in pairwise(found):
        if after.number != before.number + 1:
            raise AuditBroken(f"Checkpoint {before.number + 1} is missing.", checkpoint=before.number + 1)
        if _previous(after) != before.statement.digest or after.entries < before.entries:
            raise AuditBroken(f"Checkpoint {after.number} does not follow {before.number}.", checkpoint=after.number)


def of_folder(folder: Path) -> Iterator[Signed]:
    """Yield the checkpoints in the files; a last line that a crash cut off was never vouched for and is left out."""
    for path in sorted(folder.glob("checkpoints-*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    yield of_line(line)


def _last_of_files(folder: Path) -> Iterator[Mark]:
    for path in sorted(folder.glob("checkpoints-*.jsonl"))[-1:]:
        line = _last_whole_line(path)
        if line:
            yield mark_of(of_line(line), None)


def _last_whole_line(path: Path) -> str:
    """Return it, taking back what a crash or a full disk left behind it, so that the next line stands by itself."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if whole != len(tail):
            file.truncate(start + whole)
    return tail[:whole].rstrip(b"\n").rpartition(b"\n")[2].decode() + "\n" if whole else ""


def _previous(mark: Mark) -> Any:
    return json.loads(mark.statement.text)["previous"]


def _demand_follows(session: Session, last: AuditCheckpoint | None, entries: int, head_hash: str) -> None:
    number, previous = (0, GENESIS) if last is None else (last.entries, last.head_hash)
    for found in reading.links(session, after=number, upto=entries):
        number += 1
        if found.id != number or found.previous_hash != previous or found.hash != link(previous, found.text):
            raise AuditBroken(
                f"Audit entry {number} is not as it was written; no checkpoint is signed.", entry=number
            )
        previous = found.hash
    if (number, previous) != (entries, head_hash):
        raise AuditBroken("The audit log is not as the last checkpoint left it; no checkpoint is signed.")
