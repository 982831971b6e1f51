"""Two nodes and two gateways: sittings are spread, moved and taken over, and nobody loses a second."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
import pytest_asyncio

from appliance.audit import Actor
from appliance.db import unit_of_work, utcnow
from appliance.models import Lease, Node
from appliance.services import nodes
from appliance.vocabulary import GapCause, NodeSource, NodeState, SittingState, Track
from media.kurento import KurentoClient
from tests.live import GatewayProcess, NodeProcess, until
from tests.media.record import publish_both, seconds_of

pytestmark = pytest.mark.timeout(90)

OFFER = (Path(__file__).parent / "recvonly.sdp").read_bytes().decode()
OPERATOR = Actor("cli", "operator", "operator")


@pytest_asyncio.fixture
async def other_node(tmp_path):
    process = NodeProcess(tmp_path)
    await process.start()
    yield process
    process.ends()


@pytest_asyncio.fixture
async def other_gateway(tmp_path, settings, node, gateway):
    (tmp_path / "other").mkdir()
    process = GatewayProcess(tmp_path / "other", settings, [node.url])
    await process.start()
    yield process
    process.ends()
    print(process.log.read_text()[-6000:])  # noqa: T201 - shown of a failed test only


@pytest.fixture
def owner(session_factory):
    def of(sitting):
        with unit_of_work(session_factory) as session:
            row = session.get(Lease, sitting.id)
            return None if row is None else row.gateway_id

    return of


@pytest.fixture
def rows(session_factory):
    def read():
        with unit_of_work(session_factory) as session:
            return {row.url: row for row in session.query(Node)}

    return read


@pytest.fixture
def manage(session_factory):
    """``manage(nodes.drain, url, moves=True)``"""

    def act(act, url, **options):
        with unit_of_work(session_factory) as session:
            act(session, OPERATOR, nodes.get(session, url), **options)

    return act


def gaps_since(rec, begun):
    """The first moments, until the recorders run, may be a gap on a machine that is busy."""
    return [gap for gap in rec.gaps() if gap.started_at > begun]


async def pipelines_of(node):
    async with KurentoClient(node.url) as client:
        return await client.invoke("manager_ServerManager", "getPipelines")


async def test_nodes_of_the_settings_are_watched_and_a_registered_one_takes_the_next_sitting(
    browser, gateway, node, other_node, sitting, make, session, session_factory, clip, record, rows
):
    (first,) = rows().values()
    assert (first.url, first.source, first.state) == (node.url, NodeSource.SETTINGS, NodeState.ACTIVE)
    page = browser().candidate_of(sitting)
    await page.open()
    await page.publish("camera", clip)
    await page.event("media.state", track="camera", state="live")
    with unit_of_work(session_factory) as work:
        nodes.register(work, OPERATOR, other_node.url, name="two")
    seen = await until(lambda: all(row.seen_at for row in rows().values()) and rows(), 15, "both nodes' health")
    assert {row.version for row in seen.values()} == {"7.3.0"}
    assert all(row.memory_kb > 10_000 and row.cpu >= 0 and not row.failure for row in seen.values())
    assert seen[node.url].pipelines == 1
    second = make.sitting(SittingState.WAITING)
    session.commit()
    later = browser().candidate_of(second)
    await later.open()
    await later.publish("camera", clip)
    await later.event("media.state", track="camera", state="live")
    assert record(sitting).live()[0].node_url == node.url
    assert record(second).live()[0].node_url == other_node.url


async def test_a_drained_node_is_left_by_its_sittings_with_hardly_a_gap(
    browser, gateway, node, other_node, sitting, clip, record, start, finish, session_factory, manage
):
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    with unit_of_work(session_factory) as work:
        nodes.register(work, OPERATOR, other_node.url)
    begun = utcnow()
    await asyncio.sleep(2)  # the gateway looks at the table each second
    manage(nodes.drain, node.url, moves=True)
    await until(lambda: len(rec.parts()) == 4 and rec.recording(), 20, "new parts")
    assert {row.node_url for row in rec.live()} == {other_node.url}
    assert await pipelines_of(node) == []
    await asyncio.sleep(1)
    finish(sitting)
    await until(lambda: not rec.live(), 5, "release")
    for track in (Track.CAMERA, Track.SCREEN):
        first, second = rec.parts(track=track)
        (gap,) = [gap for gap in gaps_since(rec, begun) if gap.track is track]
        assert gap.cause is GapCause.NODE_DRAINED
        assert first.end_cause == "node_drained"
        assert (gap.ended_at - gap.started_at).total_seconds() < 3
        assert [part.node_url for part in (first, second)] == [node.url, other_node.url]
        assert seconds_of(first.path) > 1
    assert rec.whole()
    manage(nodes.resume, node.url)


async def test_a_killed_gateways_sitting_is_adopted_by_the_other_without_a_gap(
    browser, gateway, other_gateway, sitting, clip, record, start, finish, owner
):
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    await asyncio.sleep(2)
    former, begun = owner(sitting), utcnow()
    gateway.kill()
    killed = time.monotonic()
    await page.closed()
    await until(lambda: owner(sitting) != former, 8, "the other gateway")
    assert time.monotonic() - killed < 6
    page.url = other_gateway.url
    await page.open(since=page.last_seq)
    for track, publication in page.publications.items():
        await page.say(type="resume", track=track, connection=publication.connection)
        await page.hears("resumed", connection=publication.connection)
    await asyncio.sleep(1)
    finish(sitting)
    await until(lambda: not rec.live(), 5, "release")
    assert gaps_since(rec, begun) == []
    assert len(rec.parts()) == 2
    assert rec.whole()
    for part in rec.parts():
        assert abs(seconds_of(part.path) - (part.ended_at - part.started_at).total_seconds()) < 0.5
    await until(lambda: owner(sitting) is None, 5, "the lease given up")


async def test_a_candidate_who_comes_to_the_other_gateway_takes_the_sitting_along(
    browser, gateway, other_gateway, sitting, clip, proctor, record, start, finish, owner
):
    page, room, rec = browser().candidate_of(sitting), browser().staff(proctor), record(sitting)
    await page.open()
    await room.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v1", sdp=OFFER)
    await room.hears("answer", connection="v1")
    former, begun = owner(sitting), utcnow()
    again = browser().candidate_of(sitting)
    again.url, again.clip = other_gateway.url, clip
    again.publications, page.publications = page.publications, {}
    await again.open()
    assert await page.closed() == 4409
    for track, publication in again.publications.items():
        await again.say(type="resume", track=track, connection=publication.connection)
        await again.hears("resumed", connection=publication.connection)
    assert owner(sitting) not in {former, None}
    await asyncio.sleep(2)
    assert rec.recording()
    assert not [message for message in room.heard if message["type"] == "view_ended"]
    await again.say(type="unpublish", track="camera", reason="unplugged")
    await room.hears("view_ended", connection="v1")
    await again.publish("camera", clip)
    await until(rec.recording, 10, "a new part")
    finish(sitting)
    await until(lambda: not rec.live(), 5, "release")
    assert [gap.cause for gap in gaps_since(rec, begun)] == [GapCause.CAMERA_STOPPED]
    assert rec.whole()


async def test_staff_at_another_gateway_watch_in_the_sittings_own_pipeline(
    browser, gateway, other_gateway, node, sitting, clip, proctor
):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    room.url = other_gateway.url
    await page.open()
    await room.open()
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v0", sdp=OFFER)
    assert (await room.hears("error", ref="v0"))["code"] == "media_unavailable"
    await publish_both(page, clip)
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v1", sdp=OFFER)
    assert "sendonly" in (await room.hears("answer", connection="v1"))["sdp"]
    await room.hears("candidate", connection="v1")
    assert len(await pipelines_of(node)) == 1
    await page.say(type="unpublish", track="camera", reason="unplugged")
    await room.hears("view_ended", connection="v1")


async def test_a_gateway_that_was_only_asleep_keeps_its_hands_off(
    browser, gateway, other_gateway, sitting, clip, record, start, finish, owner
):
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    await asyncio.sleep(4)  # the other must have beaten long enough to judge
    former, begun = owner(sitting), utcnow()
    os.kill(gateway.pid, signal.SIGSTOP)
    await until(lambda: owner(sitting) != former, 8, "the other gateway")
    page.publications["camera"].publisher.pause()
    await until(lambda: gaps_since(rec, begun), 6, "the gap, told by the new owner")
    os.kill(gateway.pid, signal.SIGCONT)
    page.publications["camera"].publisher.resume()
    await until(rec.recording, 6, "the camera again")
    await asyncio.sleep(1.5)
    heir = owner(sitting)
    finish(sitting)
    await until(lambda: not rec.live(), 5, "release")
    assert heir is not None
    assert [len(rec.parts(track=track)) for track in (Track.CAMERA, Track.SCREEN)] == [1, 1]
    (gap,) = gaps_since(rec, begun)
    assert gap.track is Track.CAMERA
    assert rec.whole()
