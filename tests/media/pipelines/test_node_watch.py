"""Pipelines that nobody knows: those a dead gateway of ours left are released, all others are let be."""

import asyncio
import os
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from appliance.audit import Actor
from appliance.db import unit_of_work
from appliance.errors import MediaUnavailable
from appliance.models import AuditEntry, LiveMedia, Node
from appliance.services import nodes as services
from appliance.vocabulary import Track
from media.kurento import KurentoClient, MediaPipeline
from media.pipelines import leases, node_watch
from media.pipelines.membership import Membership
from media.pipelines.node_watch import NodeWatch
from media.pipelines.nodes import OWNER_TAG, Nodes
from media.pipelines.probe import folder_warning, probe
from media.pipelines.store import Store
from tests.live import free_port, until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def store(session_factory):
    made = Store(session_factory)
    yield made
    made.close()


@pytest_asyncio.fixture
async def watched(store, node, tmp_path, monkeypatch):
    """A gateway's watch of one real node, which waits for nothing."""
    monkeypatch.setattr(node_watch, "ORPHAN_SECONDS", 0.0)
    monkeypatch.setattr(Membership, "judges", True)
    membership = Membership(store, "here")
    await membership.enter()
    await store.run(services.enter_settings, [node.url])
    ready = asyncio.Event()
    nodes = Nodes(membership.id, lambda _: None, lambda _: ready.set())
    outlook = await membership.look()
    nodes.sync(outlook.nodes, outlook.sittings)
    await asyncio.wait_for(ready.wait(), 10)
    yield NodeWatch(store, nodes, membership, tmp_path), nodes.get(node.url), membership
    await nodes.close()


async def test_only_what_a_dead_gateway_left_is_released(watched, store, node, make, session, session_factory):
    watch, mine, membership = watched
    await store.run(leases.enter, "dead", "elsewhere")
    await store.run(leases.leave, "dead")
    async with KurentoClient(node.url) as client:
        made = {}
        for name, owner in {"left": "dead", "needed": "dead", "own": membership.id, "other": "unknown"}.items():
            made[name] = await MediaPipeline.create(client)
            await made[name].add_tag(OWNER_TAG, owner)
        made["untagged"] = await MediaPipeline.create(client)
        row = LiveMedia(sitting_id=make.sitting().id, track=Track.CAMERA, node_url=node.url, session_id="")
        row.pipeline_id, row.endpoint_id = made["needed"].id, "endpoint"
        session.add(row)
        session.commit()
        await watch._look(mine)
        there = set(await mine.pipelines())
        assert there == {pipeline.id for name, pipeline in made.items() if name != "left"}
    with unit_of_work(session_factory) as work:
        (entry,) = work.scalars(select(AuditEntry).where(AuditEntry.action == "node.release_orphan"))
        assert entry.subject_id == made["left"].id
        health = work.scalars(select(Node)).one()
        assert health.pipelines == 5
        assert health.started_at is not None
        assert services.listing(work)[0]["answers"]


async def test_a_node_that_is_gone_is_told_in_words(watched, node, session_factory):
    watch, mine, _ = watched
    await watch._look(mine)
    node.kill()
    await until(lambda: not mine.healthy, 5, "its loss")
    await watch._look(mine)
    with unit_of_work(session_factory) as work:
        (told,) = services.listing(work)
        assert not told["answers"]
        assert node.url in told["failure"]


async def test_a_probe_says_what_a_node_is_or_what_is_wrong(node):
    answer = await probe(node.url)
    assert answer.version == "7.3.0"
    assert answer.memory_kb > 10_000
    with pytest.raises(MediaUnavailable, match="Is the node started"):
        await probe(f"ws://127.0.0.1:{free_port()}/kurento")
    with pytest.raises(MediaUnavailable, match="path /kurento"):
        await probe(node.url.replace("/kurento", "/other"))


@pytest.fixture
def elsewhere(tmp_path):
    """A path that leads to a folder in this process, and nowhere in the node's."""
    (tmp_path / "ours").mkdir()
    descriptor = os.open(tmp_path / "ours", os.O_RDONLY)
    yield Path(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)


async def test_a_node_that_writes_elsewhere_is_told(node, tmp_path, elsewhere):
    shared = tmp_path / "shared"
    assert await folder_warning(node.url, shared, "test") == ""
    assert list(shared.iterdir()) == [], "nothing is left behind"
    assert "mount the same folder" in await folder_warning(node.url, elsewhere, "test")
    (tmp_path / "file").touch()
    assert "cannot be used from here" in await folder_warning(node.url, tmp_path / "file" / "below", "test")


async def test_the_watch_asks_a_node_once_after_it_came(watched, node, capsys, monkeypatch, elsewhere):
    watch, mine, _ = watched
    monkeypatch.setattr(watch, "_folder", elsewhere)
    await watch._look(mine)
    await watch._look(mine)
    assert capsys.readouterr().out.count("recordings not visible") == 1


async def test_a_port_that_does_not_answer_is_told(tmp_path):
    async def swallow(reader, writer):
        await reader.read()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(MediaUnavailable, match=str(port)):
        await probe(f"ws://127.0.0.1:{port}/kurento")
    server.close()


def test_who_registers_is_named(session_factory):
    with unit_of_work(session_factory) as work:
        services.register(work, Actor("cli", "ada", "ada"), "ws://127.0.0.1:1/kurento")
    with unit_of_work(session_factory) as work:
        entry = work.scalars(select(AuditEntry)).one()
        assert (entry.actor_kind, entry.actor_name, entry.action) == ("cli", "ada", "node.register")
