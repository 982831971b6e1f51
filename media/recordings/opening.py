"""What the first bytes of a growing WebM file say: who writes it, and whether a picture can be shown from it.

Format: RFC 8794 (EBML), RFC 9559 (Matroska). Reads some hundred bytes and skips the rest, so that a gateway may do it
for every recorder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 512 * 1024
"""The first key frame of a screen of 1920x1080 has up to 300 KB, and 2 s of sound may come before it."""

SEGMENT, INFO, WRITER, TRACKS, TRACK_ENTRY = 0x18538067, 0x1549A966, 0x5741, 0x1654AE6B, 0xAE
TRACK_NUMBER, TRACK_TYPE, CLUSTER = 0xD7, 0x83, 0x1F43B675
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, REFERENCE = 0xA3, 0xA0, 0xA1, 0xFB
INSIDE = frozenset({SEGMENT, INFO, TRACKS, CLUSTER})
VIDEO = 1


@dataclass(frozen=True, slots=True)
class Opening:
    """``writer``: the application that wrote the file; empty while its name is not on the disk."""

    writer: str = ""
    keyframe: bool = False
    """Whether a key frame of a picture is begun: from there on the file can be shown."""


def opening_of(path: Path) -> Opening:
    """Read a file's opening; raise OSError."""
    with path.open("rb") as file:
        return read_opening(file.read(HEAD_BYTES))


def read_opening(head: bytes) -> Opening:
    """Return what the first bytes of a file say, however few they are; nothing for what is no WebM."""
    writer, video, keyframe = "", set[int](), False
    for identifier, body in _elements(head):
        if identifier == WRITER:
            writer = body.decode("utf-8", "replace")
        elif identifier == TRACK_ENTRY:
            entry = {name: int.from_bytes(value, "big") for name, value in _elements(body) if len(value) <= 8}
            if entry.get(TRACK_TYPE) == VIDEO:
                video.add(entry.get(TRACK_NUMBER, 0))
        elif identifier in {SIMPLE_BLOCK, BLOCK_GROUP} and _is_keyframe(identifier, body, video):
            keyframe = True
            break
    return Opening(writer, keyframe)


def _is_keyframe(identifier: int, body: bytes, video: set[int]) -> bool:
    block, references = body, False
    if identifier == BLOCK_GROUP:
        inner = dict(_elements(body))
        block, references = inner.get(BLOCK, b""), REFERENCE in inner
    number, at = _number(block, 0, keep_marker=False)
    if number is None or number not in video or len(block) < at + 3:
        return False
    return not references if identifier == BLOCK_GROUP else bool(block[at + 2] & 0x80)


def _elements(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Identifier and content of each element, down into those of ``INSIDE``; the last may be cut off."""
    at = 0
    while at < len(text):
        identifier, at = _number(text, at, keep_marker=True)
        size, at = _number(text, at, keep_marker=False)
        if identifier is None or size is None:
            return
        if identifier in INSIDE:
            continue  # its children come next; so do those of one whose size is not known yet
        yield identifier, text[at : at + size]
        at += size


def _number(text: bytes, at: int, keep_marker: bool) -> tuple[int | None, int]:
    if at >= len(text) or text[at] == 0:
        return None, at
    length = 9 - text[at].bit_length()
    if at + length > len(text):
        return None, at
    value = int.from_bytes(text[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), at + length
