"""dlib's five-point predictor as plain arrays, for the browser: the same trees, walked by another language.

Format and use: dlib's image_processing/shape_predictor.h (V. Kazemi and J. Sullivan, One Millisecond Face Alignment
with an Ensemble of Regression Trees, CVPR 2014).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.biometrics.dlib_file import Reader


@dataclass(frozen=True, eq=False)
class FivePoints:
    """C cascades of T trees with S splits and S + 1 leaves, over P pixels, for N points."""

    initial: NDArray[np.float32]
    """N x 2, in shares of the face's box."""
    anchors: NDArray[np.uint16]
    """C x P: the point that each pixel is seen from."""
    offsets: NDArray[np.float32]
    """C x P x 2: from that point, in shares of the box."""
    pixels: NDArray[np.uint16]
    """C x T x S x 2: the two pixels that a split compares."""
    thresholds: NDArray[np.float32]
    """C x T x S: the left child is taken where their difference (grey 0..255) is larger."""
    leaves: NDArray[np.float32]
    """C x T x (S + 1) x N x 2: what is added to the points."""


def read_five_points(path: Path) -> FivePoints:
    """The predictor of ``shape_predictor_5_face_landmarks.dat``; takes some seconds. Raises DamagedModel, OSError."""
    reader = Reader(path)
    if reader.integer() != 1:
        reader.fail("no predictor of version 1")
    initial = _column(reader)
    forests = [[_tree(reader, len(initial)) for _ in range(reader.integer())] for _ in range(reader.integer())]
    anchors = [reader.integers(reader.integer()) for _ in range(reader.integer())]
    offsets = [[_pair(reader) for _ in range(reader.integer())] for _ in range(reader.integer())]
    if not reader.done():
        reader.fail("something follows the last pixel")
    splits = np.array([[tree[0] for tree in forest] for forest in forests])
    leaves = np.array([[tree[1] for tree in forest] for forest in forests], dtype=np.float32)
    return FivePoints(
        np.array(initial, dtype=np.float32).reshape(-1, 2),
        np.array(anchors, dtype=np.uint16),
        np.array(offsets, dtype=np.float32),
        splits[..., :2].astype(np.uint16),
        splits[..., 2].astype(np.float32),
        leaves.reshape(*leaves.shape[:3], -1, 2),
    )


def packed(points: FivePoints) -> tuple[bytes, dict[str, int]]:
    """One file of all arrays behind each other, little-endian, and their sizes, which a reader must know."""
    parts = (points.initial, points.offsets, points.thresholds, points.leaves, points.pixels, points.anchors)
    cascades, trees, splits = points.thresholds.shape
    sizes = {
        "cascades": cascades,
        "trees": trees,
        "splits": splits,
        "pixels": points.anchors.shape[1],
        "points": len(points.initial),
    }
    return b"".join(part.tobytes() for part in parts), sizes


def _column(reader: Reader) -> list[float]:
    """A matrix of one column; dlib writes its sizes negative."""
    rows, columns = reader.integers(2)
    if rows >= 0 or columns != -1 or rows < -1000:
        reader.fail("no column of numbers")
    return reader.reals(-rows)


def _tree(reader: Reader, numbers: int) -> tuple[list[list[float]], list[list[float]]]:
    splits = [[*map(float, reader.integers(2)), reader.real()] for _ in range(reader.integer())]
    leaves = [_column(reader) for _ in range(reader.integer())]
    if len(leaves) != len(splits) + 1 or any(len(leaf) != numbers for leaf in leaves):
        reader.fail("a tree that is not full")
    return splits, leaves


def _pair(reader: Reader) -> list[float]:
    return reader.reals(2)
