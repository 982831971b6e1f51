"""What is in a target: names, and the signed manifest of each full backup.

``base/MOMENT/`` a full copy of the database in sealed pieces, its manifest and its signature (Ed25519, by the
appliance's evidence key) · ``wal/MOMENT/`` the database's log since then, a segment each, the last one unfinished ·
``aside/MOMENT/`` manifests of sittings and checkpoints of the audit log · ``vault/`` sealed files as they are.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.deploy.backup.errors import BackupBroken
from appliance.deploy.backup.stores import Store
from appliance.evidence.key import EvidenceKey, read_public_key

FOLDERS: Final = ("base", "wal", "aside", "vault")
MOMENT: Final = "%Y%m%dT%H%M%S.%fZ"
FORMAT: Final = 2
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "evidence.pem"
STREAMED: Final = "streamed"
"""Name in ``wal/MOMENT/`` of what says how far the log there reaches."""
PARTIAL: Final = ".partial"
SEGMENTS_OF_A_LOG: Final = 256
"""16 MiB segments of what PostgreSQL calls a log: 4 GiB."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a full backup says of itself."""

    moment: str
    made_at: str
    """ISO 8601: everything committed until then is in it."""
    database: str
    user: str
    release: int
    """Of PostgreSQL: its copy needs programs of the same."""
    schema: str
    audit_entries: int
    first_segment: str
    """Of the log: from here on the stream goes into ``wal/MOMENT/``."""
    last_segment: str
    """The last one that the copy itself has."""
    pieces: list[str]
    """SHA-256 of each sealed piece, in their order."""
    size_bytes: int
    """Of the sealed pieces."""
    files: int
    """Sealed files of the vault that there were."""
    format: int = FORMAT

    @property
    def at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)


def moment_of(now: datetime) -> str:
    """Return the name of a backup made now."""
    return now.astimezone(UTC).strftime(MOMENT)


def time_of(moment: str) -> datetime:
    """Return when a backup of this name was begun; raise ``BackupBroken`` for what is no such name."""
    try:
        return datetime.strptime(moment, MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise BackupBroken(f"{moment} names no backup; they look like 20261122T150000.000000Z.") from error


def write_manifest(store: Store, manifest: Manifest, signer: EvidenceKey) -> None:
    """Sign and write it; with its last file the backup counts."""
    content = (json.dumps(asdict(manifest), sort_keys=True) + "\n").encode()
    folder = f"base/{manifest.moment}"
    store.put(f"{folder}/{PUBLIC_KEY}", signer.public_pem)
    store.put(f"{folder}/{SIGNATURE}", signer.sign(content))
    store.put(f"{folder}/{MANIFEST}", content)


def read_manifest(store: Store, moment: str, key: Ed25519PublicKey | None = None) -> Manifest:
    """Return the manifest of a backup; raise ``BackupBroken``.

    ``key``: the evidence key's public half from elsewhere; without it the one beside the backup is believed.
    """
    folder = f"base/{moment}"
    content = store.read(f"{folder}/{MANIFEST}")
    try:
        known = key or read_public_key(store.read(f"{folder}/{PUBLIC_KEY}"))
        known.verify(store.read(f"{folder}/{SIGNATURE}"), content)
    except InvalidSignature as error:
        raise BackupBroken(f"The manifest of {moment} was not signed by this key, or was altered.") from error
    words: dict[str, Any] = json.loads(content)
    if words.get("format") != FORMAT:
        raise BackupBroken("The backup was made by another release; restore it with that one, then upgrade.")
    return Manifest(**words)


def moments(store: Store) -> list[str]:
    """Return the whole backups there are, oldest first."""
    return sorted(
        name.split("/")[1] for name in store.sizes("base/") if name.endswith(f"/{MANIFEST}") and name.count("/") == 2
    )


def choose(store: Store, moment: str = "", until: datetime | None = None) -> str:
    """Return the backup that is asked for: by name, the last before a time, or the newest; raise ``BackupBroken``."""
    there = moments(store)
    if moment:
        if moment not in there:
            raise BackupBroken(f"There is no whole backup {moment}; there are: {', '.join(there) or 'none'}.")
        return moment
    fitting = [one for one in there if until is None or read_manifest(store, one).at <= until]
    if not fitting:
        earliest = f"; the first is of {read_manifest(store, there[0]).made_at}" if there else ""
        raise BackupBroken(f"There is no backup{' of before that time' if until else ''} here{earliest}.")
    return fitting[-1]


def piece(moment: str, number: int) -> str:
    """Return the name of a piece of the database's copy."""
    return f"base/{moment}/{number:06d}.sealed"


def segment(moment: str, name: str) -> str:
    """Return the name of a segment of the log."""
    return f"wal/{moment}/{name}.sealed"


def is_segment(name: str) -> bool:
    """Whether a file of the log is a segment, finished or not."""
    word = name.removesuffix(PARTIAL)
    return len(word) == 24 and all(letter in "0123456789ABCDEF" for letter in word)


def following(name: str) -> str:
    """Return the segment after this one on the same timeline."""
    log, low = int(name[8:16], 16), int(name[16:24], 16) + 1
    return f"{name[:8]}{log + low // SEGMENTS_OF_A_LOG:08X}{low % SEGMENTS_OF_A_LOG:08X}"


def log_of(store: Store, manifest: Manifest) -> list[str]:
    """Return the segments of the log since a backup, in order, the unfinished one last.

    Raises ``BackupBroken`` where one is missing between others, or after what the copy itself has.
    """
    names = (name.rsplit("/", 1)[1].removesuffix(".sealed") for name in store.sizes(f"wal/{manifest.moment}/"))
    there = sorted(name for name in names if is_segment(name))
    whole = [name for name in there if not name.endswith(PARTIAL)]
    last = manifest.last_segment
    for name in (one for one in whole if one > last):
        if name != following(last):
            raise BackupBroken(f"The log's segment {following(last)} is missing from the backup.")
        last = name
    unfinished = [name for name in there if name.endswith(PARTIAL) and name.removesuffix(PARTIAL) not in whole]
    return whole + [name for name in unfinished if name.removesuffix(PARTIAL) == following(last)]


def pieces_of(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the names of a backup's pieces with their SHA-256."""
    for number, digest in enumerate(manifest.pieces):
        yield piece(manifest.moment, number), digest
