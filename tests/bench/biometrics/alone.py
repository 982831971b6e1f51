"""Strangers whom a face without its mirror image lets through: would the mirror image have kept them out?

Run: python -m tests.bench.biometrics.alone   (half a minute of CPU; docs/decisions/0016 quotes it)
"""

from functools import partial

import numpy as np

from media.biometrics.describing import describe_alone, describe_well
from media.biometrics.engines import default_engine
from media.biometrics.matching import Thresholds
from tests.bench.biometrics.side_by_side import described, say
from tests.bench.biometrics.variants import pictures


def apart(first, second):
    """Each of the first from each of the second."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.sqrt(np.maximum(squares, 0))


def main():
    engine, limits = default_engine(), Thresholds()
    told = []
    for name, image, faces in pictures():
        both = [described(image, faces, partial(way, engine)) for way in (describe_alone, describe_well)]
        if all(one is not None for one in both):
            told.append((name, *both))
    names, alone, well = (np.array(column) for column in zip(*told, strict=True))
    strangers = names[:, None] != names[None]
    near = (apart(alone, well) < limits.alone_match_below) & strangers
    say(
        bench="alone_match_below",
        pictures=len(names),
        strangers=int(strangers.sum()),
        nearer_alone=int(near.sum()),
        of_these_no_match_with_the_mirror_image=int((near & (apart(well, well) >= limits.match_below)).sum()),
    )


main()
