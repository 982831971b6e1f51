"""Which spans are covered by nothing."""

import pytest

from media.pipelines.coverage import uncovered


@pytest.mark.parametrize(
    ("covered", "holes"),
    [
        ([], [(0, 100)]),
        ([(0, 100)], []),
        ([(10, 40), (30, 60)], [(0, 10), (60, 100)]),
        ([(50, 60), (0, 50)], [(60, 100)]),
        ([(-20, 30), (30, 400)], []),
        ([(110, 120)], [(0, 100)]),
        ([(20, 30), (0, 90)], [(90, 100)]),
    ],
)
def test_what_lies_between(covered, holes):
    assert uncovered((0, 100), covered) == holes


def test_short_holes_are_borne():
    assert uncovered((0, 100), [(5, 50), (55, 100)], tolerance_ms=5) == []
    assert uncovered((0, 100), [(6, 50), (55, 100)], tolerance_ms=5) == [(0, 6)]
