"""The format of a sealed file: AES-256-GCM in blocks, each of which says where it belongs.

``KUSTOS1\\n`` (8 bytes) · file id (16) · nonce prefix (8) · length of the plain data (8, big-endian), then the
blocks: 65,536 bytes of plain data (the last one: the rest) encrypted, each followed by its tag of 16 bytes. The
nonce of a block is the prefix and its index (4 bytes). Authenticated with each block: purpose, kind, file id, index,
whether it is the last, total length; so that a block flipped, swapped, cut off, appended or taken from another file
is found.
"""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import VaultTampered

BLOCK: Final = 64 * 1024
TAG: Final = 16
AT_ONCE: Final = 4
"""Blocks decrypted at once where a whole file is gone through: more would not stay in the processor's cache."""
MAGIC: Final = b"KUSTOS1\n"
PREFIX_BYTES: Final = 8
_HEADER: Final = struct.Struct(f">{len(MAGIC)}s16s{PREFIX_BYTES}sQ")


@dataclass(frozen=True, slots=True)
class Label:
    """What a sealed file is bound to."""

    purpose: str
    kind: str
    file_id: bytes
    """16 random bytes; also the name of the file."""

    def bound(self) -> bytes:
        """Return what is authenticated with every block of the file."""
        texts = [self.purpose.encode(), self.kind.encode(), self.file_id]
        return MAGIC + b"".join(struct.pack(">H", len(text)) + text for text in texts)


def block_count(size: int) -> int:
    """Return the number of blocks of ``size`` plain bytes; an empty file has one, so that it is authenticated too."""
    return max(1, -(-size // BLOCK))


class Digests(NamedTuple):
    """SHA-256 in hex, of what was sealed and of the sealed file."""

    plain: str
    sealed: str


def encrypt(source: BinaryIO, size: int, target: BinaryIO, key: bytes, label: Label, prefix: bytes) -> Digests:
    """Write the sealed form of ``size`` bytes of ``source``; return what both files' bytes hash to.

    Raises ``VaultTampered`` when ``source`` is shorter or longer than ``size``: it is being written to.
    """
    cipher, plain_digest = AESGCM(key), hashlib.sha256()
    header, bound = _HEADER.pack(MAGIC, label.file_id, prefix, size), label.bound()
    sealed_digest = hashlib.sha256(header)
    target.write(header)
    for index in range(block_count(size)):
        plain = source.read(min(BLOCK, size - index * BLOCK))
        plain_digest.update(plain)
        sealed = cipher.encrypt(_nonce(prefix, index), plain, _authenticated(bound, index, size))
        sealed_digest.update(sealed)
        target.write(sealed)
    if target.tell() != sealed_size(size) or source.read(1):
        raise VaultTampered("The file changed while it was being sealed.")
    return Digests(plain_digest.hexdigest(), sealed_digest.hexdigest())


def head_of(path: Path) -> tuple[bytes, int]:
    """Return file id and plain bytes of a sealed file that no row speaks of; raise ``VaultTampered``."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) != _HEADER.size or not header.startswith(MAGIC):
        raise VaultTampered(f"{path.name} is no sealed file.")
    _, file_id, _, size = _HEADER.unpack(header)
    return file_id, size


class SealedReader:
    """Reads ranges of a sealed file, decrypting only the blocks they touch; for one thread at a time."""

    def __init__(self, path: Path, size: int, key: bytes, label: Label) -> None:
        """Open ``path`` that holds ``size`` plain bytes; raise ``VaultTampered`` when it is not that file."""
        self.size = size
        self._cipher = AESGCM(key)
        self._label, self._bound = label, label.bound()
        self._kept = (-1, b"")
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise VaultTampered(f"The sealed file {path.name} is missing.") from error
        try:
            self._prefix = self._read_header(path)
        except BaseException:
            self._file.close()
            raise

    def _read_header(self, path: Path) -> bytes:
        header = self._file.read(_HEADER.size)
        if len(header) != _HEADER.size or path.stat().st_size != sealed_size(self.size):
            raise VaultTampered(f"The sealed file {path.name} is cut short or has something appended.")
        magic, file_id, prefix, size = _HEADER.unpack(header)
        if (magic, file_id, size) != (MAGIC, self._label.file_id, self.size):
            raise VaultTampered(f"The sealed file {path.name} is not the one that was sealed here.")
        return bytes(prefix)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Return up to ``length`` bytes from ``offset`` (default: to the end); fewer only at the end.

        Raises ``VaultTampered`` when a touched block was altered or moved.
        """
        if offset < 0 or (length is not None and length < 0):
            raise ValueError("offset and length count bytes from the start of the file")
        end = self.size if length is None else min(self.size, offset + length)
        if offset >= end:
            return b""
        first, last = offset // BLOCK, (end - 1) // BLOCK
        if first == last:  # many small reads go through one block
            return self._block(first)[offset - first * BLOCK : end - first * BLOCK]
        with memoryview(self._blocks(first, last)) as plain:
            return bytes(plain[offset - first * BLOCK : end - first * BLOCK])

    def verify(self) -> str:
        """Decrypt every block and return the SHA-256 of the plain data in hex; raise ``VaultTampered``."""
        digest, count = hashlib.sha256(), block_count(self.size)
        for first in range(0, count, AT_ONCE):
            digest.update(self._blocks(first, min(count, first + AT_ONCE) - 1))
        return digest.hexdigest()

    def _block(self, index: int) -> bytes:
        if self._kept[0] != index:
            self._kept = index, bytes(self._blocks(index, index))
        return self._kept[1]

    def _blocks(self, first: int, last: int) -> bytearray:
        """Return the plain data of these blocks: read at once, decrypted in place, with nothing copied."""
        stop = min(self.size, (last + 1) * BLOCK)
        plain = bytearray(stop - first * BLOCK)
        sealed = self._sealed(first, last, len(plain))
        with memoryview(plain) as target, memoryview(sealed) as source:
            for index in range(first, last + 1):
                at, taken = (index - first) * BLOCK, (index - first) * (BLOCK + TAG)
                size = min(BLOCK, len(plain) - at)
                bound = _authenticated(self._bound, index, self.size)
                try:
                    self._cipher.decrypt_into(
                        _nonce(self._prefix, index), source[taken : taken + size + TAG], bound, target[at : at + size]
                    )
                except (InvalidTag, ValueError) as error:
                    raise VaultTampered(f"Block {index} of a sealed file was altered.", block=index) from error
        return plain

    def _sealed(self, first: int, last: int, plain_bytes: int) -> bytes:
        wanted = plain_bytes + TAG * (last - first + 1)
        at = _HEADER.size + first * (BLOCK + TAG)
        found = os.pread(self._file.fileno(), wanted, at)
        while len(found) < wanted:  # a read of the system's may be shorter than asked for
            more = os.pread(self._file.fileno(), wanted - len(found), at + len(found))
            if not more:
                raise VaultTampered("A sealed file was cut short while it was read.", block=last)
            found += more
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself; the file is closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def _authenticated(bound: bytes, index: int, size: int) -> bytes:
    """Return the data authenticated with block ``index`` of a file of ``size`` plain bytes."""
    return bound + struct.pack(">IBQ", index, index == block_count(size) - 1, size)


def _nonce(prefix: bytes, index: int) -> bytes:
    return prefix + struct.pack(">I", index)


def sealed_size(size: int) -> int:
    """Return the bytes on disk of ``size`` plain ones."""
    return _HEADER.size + size + TAG * block_count(size)
