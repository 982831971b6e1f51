"""An export as it was handed over: the archive, a folder it was unpacked into, or some of its files.

Nothing is ever unpacked: members are read where they lie, so that a name in an archive can lead nowhere.
"""

import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from appliance.errors import BadInput
from appliance.evidence.manifest import MANIFEST, SAFE_NAME


class Bundle(Protocol):
    """Named files, and whether they claim to be all there are."""

    complete: bool
    """False: some files of an export were given, the others are not missed."""

    def names(self) -> list[str]:
        """Return the names of the files that can be opened."""

    def odd_names(self) -> list[str]:
        """Return names that no export has: with folders in them, or twice in one archive."""

    def size(self, name: str) -> int:
        """Return the bytes that the file says it has."""

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Give the file's bytes."""


class PathBundle:
    """Files on disk."""

    def __init__(self, paths: Iterable[Path], complete: bool) -> None:
        """Take files; two of the same name in different folders cannot be told apart and raise ``BadInput``."""
        self.complete = complete
        self._paths: dict[str, Path] = {}
        for path in paths:
            if path.name in self._paths and self._paths[path.name].resolve() != path.resolve():
                raise BadInput(f"Two files are called {path.name}; check one export at a time.")
            self._paths[path.name] = path

    def names(self) -> list[str]:
        """Return the files' names."""
        return sorted(self._paths)

    def odd_names(self) -> list[str]:
        """Return nothing: what lies on disk has a name that the disk takes."""
        return []

    def size(self, name: str) -> int:
        """Return the file's size."""
        return self._paths[name].stat().st_size

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open the file."""
        with self._paths[name].open("rb") as stream:
            yield stream


class ZipBundle:
    """An archive, perhaps packed anew by somebody; one folder around everything is looked through."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Take the open archive."""
        self.complete = True
        self._archive = archive
        members = [info for info in archive.infolist() if not info.is_dir()]
        folder = _common_folder([info.filename for info in members])
        named = [(info.filename.removeprefix(folder), info) for info in members]
        counts = Counter(name for name, _ in named)
        self._odd = sorted({name for name in counts if counts[name] > 1 or not SAFE_NAME.fullmatch(name)})
        self._members = {name: info for name, info in named if name not in self._odd}

    def names(self) -> list[str]:
        """Return the members' names."""
        return sorted(self._members)

    def odd_names(self) -> list[str]:
        """Return names with folders, capitals or drives in them, and names that stand twice."""
        return self._odd

    def size(self, name: str) -> int:
        """Return the size that the archive's directory gives."""
        return self._members[name].file_size

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open the member; a checksum of the archive's own that does not fit ends the bytes early, no more."""
        try:
            with self._archive.open(self._members[name]) as stream:
                yield cast(BinaryIO, _Unchecked(stream))  # read() is all that is asked of it
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise BadInput(f"{name} cannot be read from the archive: {error}") from error


class _Unchecked:
    """Ends where zipfile finds that its CRC does not fit: our own hashes say better what is wrong."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, length: int = -1) -> bytes:
        try:
            return self._stream.read(length)
        except (zipfile.BadZipFile, EOFError):
            return b""
        except Exception as error:  # a compressed member that was altered fails in its decompressor's own way
            if type(error).__module__ not in {"zlib", "lzma", "_lzma", "builtins"}:
                raise
            return b""


def _common_folder(names: list[str]) -> str:
    first = {name.partition("/")[0] for name in names}
    if len(first) != 1 or not all("/" in name for name in names):
        return ""
    folder = first.pop()
    return f"{folder}/" if folder not in {"", ".", ".."} else ""


@contextmanager
def opened(paths: list[Path]) -> Iterator[Bundle]:
    """Give what lies at ``paths``: one archive, one folder, or files of one export.

    Files without the manifest among them take it from beside the first, and their fellows are not missed.
    Raises ``BadInput`` for what cannot be read as any of these.
    """
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: there is no such file.")
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise BadInput("Give one archive, one folder, or files of one export.")
    if folders:
        yield PathBundle((path for path in folders[0].iterdir() if path.is_file()), complete=True)
    elif len(paths) == 1 and _is_archive(paths[0]):
        with zipfile.ZipFile(paths[0]) as archive:
            yield ZipBundle(archive)
    else:
        yield _files(paths)


def _is_archive(path: Path) -> bool:
    """Tell an archive, also one whose end is gone, which is to be called damaged and not unknown."""
    with path.open("rb") as stream:
        begins = stream.read(4) == b"PK\x03\x04"
    if begins and not zipfile.is_zipfile(path):
        raise BadInput(f"{path}: the archive is cut short or damaged; its directory cannot be read. Fetch it again.")
    return begins


def _files(paths: list[Path]) -> PathBundle:
    if any(path.name == MANIFEST for path in paths):
        return PathBundle(paths, complete=True)
    beside = paths[0].absolute().parent
    frame = [path for path in beside.iterdir() if path.name in {MANIFEST, "manifest.sig", "public-key.pem"}]
    return PathBundle([*paths, *frame], complete=False)
