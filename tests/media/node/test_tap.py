"""A worker's tap of pictures and sound, through the node."""

import asyncio
import itertools
import time

import numpy as np

from appliance.models import LiveMedia
from appliance.vocabulary import Track
from media.frames import Frame, NoSound, Sound
from media.pipelines.tap import Place, tapped
from tests.media.node.playing import publish


def row_of(node, pipeline, publication):
    return LiveMedia(
        sitting_id=1, track=Track.CAMERA, node_url=node.url, pipeline_id=pipeline.id,
        endpoint_id=publication.endpoint.id,
    )  # fmt: skip


def watched(tap, until, seconds=15):
    items, end = [], time.monotonic() + seconds
    for item in tap.frames():
        items.append(item)
        if until(items):
            tap.close()
            return items
        assert time.monotonic() < end, [type(item).__name__ for item in items]
    return items


def count(items, kind):
    return sum(isinstance(item, kind) for item in items)


async def test_pictures_and_sound_come_side_by_side(node, pipeline, clip):
    publication = await publish(pipeline, clip)
    async with tapped(row_of(node, pipeline, publication), Place("127.0.0.1"), asyncio.Event(), sound=True) as tap:
        items = await asyncio.to_thread(
            watched, tap, lambda so_far: count(so_far, Sound) >= 8 and count(so_far, Frame) >= 12
        )
    await publication.close()
    pieces = [item for item in items if isinstance(item, Sound)]
    frames = [item for item in items if isinstance(item, Frame)]
    assert count(items, NoSound) == 0
    # No hole between them; they may overlap while the clock learns from quicker packets how late the first ones were.
    assert max(now.at_ms - before.end_ms for before, now in itertools.pairwise(pieces)) <= 40
    assert all(len(piece.samples) % Sound.STEP == 0 for piece in pieces)
    now = time.time() * 1000
    assert 0 <= now - pieces[-1].end_ms < 3000
    assert abs(pieces[-1].end_ms - frames[-1].at_ms) < 1200
    # the clip's own sound, decoded here, is as loud
    level = np.sqrt(np.mean(np.square(np.concatenate([piece.samples for piece in pieces[2:]]))))
    assert 0.01 < level < 0.7


async def test_a_camera_without_a_microphone_is_told(node, pipeline, clip):
    publication = await publish(pipeline, clip, ("video",))
    async with tapped(row_of(node, pipeline, publication), Place("127.0.0.1"), asyncio.Event(), sound=True) as tap:
        items = await asyncio.to_thread(watched, tap, lambda so_far: count(so_far, NoSound) >= 2)
    await publication.close()
    assert count(items, Frame) > 8
    assert count(items, Sound) == 0
    first, second, *_ = (item for item in items if isinstance(item, NoSound))
    assert 2900 < first.at_ms - first.since_ms < 4000
    assert 900 < second.at_ms - first.at_ms < 1500
