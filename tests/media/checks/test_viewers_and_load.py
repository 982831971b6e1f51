"""A viewer whose browser lacks the codec, and a node that is really overloaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media.pipelines.test_live_sitting import OFFER
from tests.media.record import publish_both

pytestmark = pytest.mark.timeout(90)


async def test_a_viewer_without_the_codec_is_named_and_one_with_it_is_not(check, sitting, browser, clip, proctor):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    await publish_both(page, clip)
    offer = OFFER.read_bytes().decode()
    assert "VP8/90000" in offer
    only_av1 = offer.replace("VP8/90000", "AV1/90000")
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v1", sdp=only_av1)
    await room.hears("answer", connection="v1")
    seen = (await check(sitting.id)).of("viewers")
    assert (seen.state.value, seen.cause, seen.figures["viewers"]) == ("failed", "viewer_codec_missing", 1)
    assert "AV1/90000" in seen.detail
    await room.say(type="unview", connection="v1")
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v2", sdp=offer)
    await room.hears("answer", connection="v2")
    assert (await check(sitting.id)).of("viewers").cause != "viewer_codec_missing"


@pytest.fixture
def starved(node):
    """The node gets the crumbs of one processor that others want whole: about a hundredth of it."""
    core = min(os.sched_getaffinity(0))
    for task in Path(f"/proc/{node.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
        os.setpriority(os.PRIO_PROCESS, int(task.name), 19)
    spin = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2)]
    yield
    for other in others:
        other.kill()
        other.wait()


@pytest.mark.usefixtures("starved")
async def test_an_overloaded_node_is_named(check):
    troubles = (await check(None)).troubles
    assert {cause for key, _, _, cause, *_ in troubles if key == "node"} == {"node_overloaded"}
