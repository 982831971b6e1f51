"""The archive that is handed over: ZIP, not compressed, so that any range of any file in it can be served."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Protocol, Self

from appliance.evidence.manifest import READ, Digest

LARGE: Final = 1 << 31
"""From here on a member needs the 64-bit form of its header."""


class _Reader(Protocol):
    size: int

    def read(self, offset: int, length: int) -> bytes: ...


class Archive:
    """Writes members one after another and keeps what the manifest says of each."""

    def __init__(self, path: Path, made: datetime) -> None:
        """Begin a new archive; ``made`` is the date of every member."""
        self._raw: BinaryIO = path.open("wb")
        self._zip = zipfile.ZipFile(self._raw, "w", zipfile.ZIP_STORED)
        self._made = made.astimezone(UTC)
        self.entries: list[dict[str, Any]] = []
        """For the manifest."""
        self.members: list[dict[str, Any]] = []
        """``{"name", "size", "sha256", "at"}`` for serving ranges."""

    def add_file(self, name: str, path: Path, **facts: Any) -> dict[str, Any]:
        """Copy a file in and return its entry."""
        with path.open("rb") as stream:
            return self._add(name, path.stat().st_size, lambda at, length: stream.read(length), facts)

    def add_bytes(self, name: str, data: bytes, **facts: Any) -> dict[str, Any]:
        """Write a small file and return its entry."""
        return self._add(name, len(data), lambda at, length: data[at : at + length], facts)

    def add_sealed(self, name: str, reader: _Reader, **facts: Any) -> dict[str, Any]:
        """Copy a file out of the vault and return its entry."""
        return self._add(name, reader.size, reader.read, facts)

    def _add(self, name: str, size: int, read: Any, facts: dict[str, Any]) -> dict[str, Any]:
        info = zipfile.ZipInfo(name, self._made.timetuple()[:6])
        info.external_attr = 0o644 << 16
        digest = Digest()
        with self._zip.open(info, "w", force_zip64=size >= LARGE) as member:
            at = self._raw.tell()
            while data := read(digest.size, READ):
                digest.update(data)
                member.write(data)
        entry = digest.entry(name, **facts)
        self.members.append({"name": name, "size": entry["size"], "sha256": entry["sha256"], "at": at})
        self.entries.append(entry)
        return entry

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the archive's directory, and close."""
        self._zip.close()
        self._raw.close()
