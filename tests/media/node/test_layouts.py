"""Cells and drawing with plain numbers."""

import itertools

import numpy as np
import pytest

from media.node.layouts import STEP, Canvas, Cell, grid, relative


@pytest.mark.parametrize("count", range(1, 17))
@pytest.mark.parametrize("size", [(800, 600), (640, 480), (1280, 720)])
def test_cells_lie_inside_and_apart(count, size):
    cells = grid(count, *size)
    assert len(cells) == count
    covered = np.zeros((size[1], size[0]), np.uint8)
    for cell in cells:
        assert cell.width % STEP == cell.height % STEP == cell.x % STEP == cell.y % STEP == 0
        assert cell.width >= STEP and cell.height >= STEP
        covered[cell.y : cell.y + cell.height, cell.x : cell.x + cell.width] += 1
        assert cell.x + cell.width <= size[0] and cell.y + cell.height <= size[1]
    assert covered.max() == 1


def test_four_people_have_a_quarter_each():
    assert [(cell.x, cell.y) for cell in grid(4, 800, 608)] == [(0, 0), (400, 0), (0, 304), (400, 304)]
    assert grid(0, 800, 600) == []


def test_shares_are_kept_inside():
    for x, y, width, height in itertools.product((-1.0, 0.0, 0.25, 0.999, 5.0), repeat=4):
        cell = relative(x, y, width, height, 3, (640, 480))
        assert 0 <= cell.x < cell.x + cell.width <= 640
        assert 0 <= cell.y < cell.y + cell.height <= 480
        assert cell.z == 3


def test_what_is_drawn_is_where_it_should_be():
    canvas, cell = Canvas(32, 16), Cell(8, 8, 16, 8)
    picture = bytes([200]) * 128 + bytes([50]) * 32 + bytes([60]) * 32
    assert canvas.draw(cell, picture)
    assert not canvas.draw(cell, picture + b"x")
    found = np.frombuffer(canvas.to_bytes(), np.uint8)
    luma = found[:512].reshape(16, 32)
    assert (luma[8:16, 8:24] == 200).all()
    assert (luma == 200).sum() == 128
    assert (found[512:640].reshape(8, 16)[4:8, 4:12] == 50).all()
    assert (found[640:].reshape(8, 16)[4:8, 4:12] == 60).all()
    canvas.blank(cell)
    assert canvas.to_bytes() == Canvas(32, 16).to_bytes()
