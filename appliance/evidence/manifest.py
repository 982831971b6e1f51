"""The manifest of an export: what each file is, in a form whose bytes are the same wherever it is written."""

import hashlib
import json
import re
from typing import Any, BinaryIO, Final

FORMAT: Final = "kustos-evidence"
VERSION: Final = 1

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PUBLIC_KEY: Final = "public-key.pem"
FRAME: Final = (MANIFEST, SIGNATURE, PUBLIC_KEY)
"""What cannot stand in the manifest itself."""

BLOCK: Final = 4 * 1024 * 1024
"""Bytes a hash of its own is kept for, so that a check can say where a film was altered; 75 hashes for 300 MB."""

READ: Final = 256 * 1024

MAX_MANIFEST: Final = 64 * 1024 * 1024
"""A sitting of hours with every incident there can be has under 4 MB; more is not ours and is not read."""

SAFE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""What our files are called: no folder, nothing a shell or another system could take for something else."""


class Digest:
    """SHA-256 of a whole file and of each of its blocks, as it is read or written."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.size = 0
        self.blocks: list[str] = []
        self._whole, self._block = hashlib.sha256(), hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Take the next bytes, of any length."""
        self._whole.update(data)
        view = memoryview(data)
        while view:
            room = BLOCK - self.size % BLOCK
            piece, view = view[:room], view[room:]
            self._block.update(piece)
            self.size += len(piece)
            if self.size % BLOCK == 0:
                self._end_block()

    def entry(self, name: str, **facts: Any) -> dict[str, Any]:
        """Return the file's entry in the manifest; nothing can be added to the file after that."""
        if self.size % BLOCK or not self.size:
            self._end_block()
        hashes = {"sha256": self._whole.hexdigest(), "block_bytes": BLOCK, "blocks": self.blocks}
        return {"name": name, "size": self.size, **hashes, **facts}

    def _end_block(self) -> None:
        self.blocks.append(self._block.hexdigest())
        self._block = hashlib.sha256()


def digest_of(stream: BinaryIO, at_most: int | None = None) -> Digest:
    """Read a stream to its end, or until more than ``at_most`` bytes came."""
    digest = Digest()
    while data := stream.read(READ):
        digest.update(data)
        if at_most is not None and digest.size > at_most:
            break
    return digest


def canonical(manifest: dict[str, Any]) -> bytes:
    """Return the bytes that are signed: RFC 8785 for values that are texts, whole numbers, lists and objects.

    Raises ``TypeError`` for a fraction: its digits would depend on who writes it.
    """
    _no_fractions(manifest)
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _no_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a manifest holds whole numbers only")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _no_fractions(item)
