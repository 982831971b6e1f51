"""The small pictures of a challenge as the page sends them, a batch a step: checked, not yet looked at. Pure."""

import io
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image, UnidentifiedImageError

from appliance.errors import BadInput, TooLarge, TooMany

HEADER: Final = struct.Struct(">II")
"""Before each picture: ms since the challenge began by the page's clock, and the JPEG's size."""
BATCH_BYTES: Final = 2 * 1024 * 1024
"""64 pictures of 480 pixels have 1.3 MB."""
PICTURE_BYTES: Final = 96 * 1024
MOST: Final = 96
"""Of one batch: 12 a second for 8 s."""
SMALLEST, LARGEST = 120, 960
"""Sides in pixels."""


class TimedPicture(NamedTuple):
    """One JPEG and when it was taken."""

    at_ms: int
    content: bytes


def unpack(batch: bytes) -> list[TimedPicture]:
    """Return the pictures of a batch, in order of time; raise ``BadInput``, ``TooLarge`` or ``TooMany``."""
    if len(batch) > BATCH_BYTES:
        raise TooLarge("The batch of pictures is too large.", max_bytes=BATCH_BYTES)
    found: list[TimedPicture] = []
    at = 0
    while at < len(batch):
        if len(found) == MOST:
            raise TooMany(f"A batch may have at most {MOST} pictures.", limit=MOST)
        picture, at = _next(batch, at)
        if found and picture.at_ms <= found[-1].at_ms:
            raise BadInput("The pictures are not in order of time.", field="at_ms")
        found.append(picture)
    if not found:
        raise BadInput("The batch has no picture.", field="pictures")
    return found


def pack(pictures: Sequence[TimedPicture]) -> bytes:
    """Return a batch."""
    return b"".join(HEADER.pack(at_ms, len(content)) + content for at_ms, content in pictures)


def _next(batch: bytes, at: int) -> tuple[TimedPicture, int]:
    if at + HEADER.size > len(batch):
        raise BadInput("The batch of pictures is cut off.", field="pictures")
    at_ms, size = HEADER.unpack_from(batch, at)
    begin = at + HEADER.size
    content = batch[begin : begin + size]
    if len(content) < size or not size:
        raise BadInput("The batch of pictures is cut off.", field="pictures")
    if size > PICTURE_BYTES:
        raise TooLarge("A picture of the challenge is too large.", max_bytes=PICTURE_BYTES)
    _check(content)
    return TimedPicture(at_ms, content), begin + size


def _check(content: bytes) -> None:
    """Raise ``BadInput`` unless it begins as a JPEG of a bearable size; the pixels are decoded by the worker."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            sides = image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise BadInput("A picture of the challenge is no JPEG.", field="pictures") from error
    if min(sides) < SMALLEST or max(sides) > LARGEST:
        raise BadInput("A picture of the challenge is too small or too large.", field="pictures", sides=list(sides))
