from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import AuditEntry, Gateway, LiveMedia, Node, NodeReading
from appliance.services import nodes
from appliance.vocabulary import NodeSource, NodeState, Track

PERSON = Actor("cli", "root", "root")
ONE, TWO = "ws://127.0.0.1:8888/kurento", "ws://10.0.0.2:8888/kurento"


def states(session):
    return {row.url: (row.state, row.source) for row in session.scalars(select(Node))}


def live(session, sitting, url):
    row = LiveMedia(
        sitting_id=sitting.id, track=Track.CAMERA, node_url=url, session_id="s", pipeline_id="p", endpoint_id="e"
    )
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://10.0.0.2:8888/kurento", "ws://"),
        ("10.0.0.2:8888", "ws://"),
        ("ws://10.0.0.2/kurento", "port"),
        ("ws://:8888/kurento", "ws://"),
        ("ws://10.0.0.2:99999/kurento", "ort"),
        ("ws://user:secret@10.0.0.2:8888/kurento", "only host"),
        ("", "ws://"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(session, url, word):
    with pytest.raises(BadInput, match=word):
        nodes.register(session, PERSON, url)


def test_nodes_of_the_settings_come_and_go_with_them(session):
    nodes.enter_settings(session, [ONE])
    nodes.register(session, PERSON, TWO, name="two")
    nodes.enter_settings(session, [ONE])
    assert states(session) == {
        ONE: (NodeState.ACTIVE, NodeSource.SETTINGS),
        TWO: (NodeState.ACTIVE, NodeSource.REGISTERED),
    }
    nodes.enter_settings(session, [])
    assert states(session)[ONE][0] is NodeState.RETIRED
    assert states(session)[TWO][0] is NodeState.ACTIVE
    nodes.enter_settings(session, [ONE])
    assert states(session)[ONE][0] is NodeState.ACTIVE


def test_a_restart_of_a_gateway_takes_no_draining_node_into_use(session):
    nodes.enter_settings(session, [ONE])
    nodes.drain(session, PERSON, nodes.get(session, ONE))
    nodes.enter_settings(session, [ONE])
    assert states(session)[ONE][0] is NodeState.DRAINING


def test_the_life_of_a_node_is_audited(session):
    node = nodes.register(session, PERSON, TWO, name="two", capacity=3, version="7.3.0")
    nodes.drain(session, PERSON, node)
    nodes.resume(session, PERSON, node)
    nodes.remove(session, PERSON, node)
    session.commit()
    written = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert written == ["node.register", "node.drain", "node.resume", "node.remove"]
    assert states(session) == {}


def test_what_cannot_be_done_says_why(session, make):
    nodes.enter_settings(session, [ONE])
    settled = nodes.get(session, ONE)
    with pytest.raises(BadInput, match="registered already"):
        nodes.register(session, PERSON, ONE)
    with pytest.raises(ImpossibleStep, match="kurento_urls"):
        nodes.remove(session, PERSON, settled)
    with pytest.raises(ImpossibleStep, match="not draining"):
        nodes.resume(session, PERSON, settled)
    with pytest.raises(ImpossibleStep, match="no other active node"):
        nodes.drain(session, PERSON, settled, moves=True)
    with pytest.raises(NotFound, match="there are: 127"):
        nodes.get(session, "nobody")
    registered = nodes.register(session, PERSON, TWO)
    live(session, make.sitting(), TWO)
    with pytest.raises(ImpossibleStep, match="1 sittings"):
        nodes.remove(session, PERSON, registered)


def test_the_listing_tells_who_is_full_silent_or_empty(session, make):
    nodes.enter_settings(session, [ONE])
    node = nodes.get(session, ONE)
    live(session, make.sitting(), ONE)
    (told,) = nodes.listing(session)
    assert (told["sittings"], told["answers"], told["seen_ms"]) == (1, False, None)
    node.seen_at, node.cpu, node.memory_kb = utcnow(), 12.5, 200_000
    session.flush()
    assert nodes.listing(session)[0]["answers"]
    node.seen_at = utcnow() - timedelta(minutes=1)
    session.flush()
    nodes.drain(session, PERSON, node)
    (told,) = nodes.listing(session)
    assert (told["answers"], told["empty"]) == (False, False)
    session.query(LiveMedia).delete()
    assert nodes.listing(session)[0]["empty"]


def points(*megabytes, hours=12):
    start = utcnow() - timedelta(hours=hours * len(megabytes))
    return [(start + timedelta(hours=hours * index), one * 1024) for index, one in enumerate(megabytes)]


def test_memory_that_never_comes_back_advises_a_restart():
    grown = points(400, 900, 410, 800, 700, 1300, 1100, 1000, 1500, 1200)
    assert nodes.advice(grown) == {"from_kb": 400 * 1024, "to_kb": 1000 * 1024, "days": 4}


@pytest.mark.parametrize(
    "megabytes",
    [
        pytest.param((400, 900, 410, 1800, 400, 1300, 420, 1000, 410, 420), id="load comes and goes"),
        pytest.param((100, 110, 120, 130, 140, 150, 160, 170, 180, 190), id="too little to matter"),
        pytest.param((400, 2000), id="too few readings"),
    ],
)
def test_memory_that_is_no_reason(megabytes):
    assert nodes.advice(points(*megabytes)) is None


def test_growth_within_a_day_is_load():
    assert nodes.advice(points(*range(400, 1400, 100), hours=1)) is None


def test_the_trend_is_told_with_its_advice(session):
    nodes.enter_settings(session, [ONE])
    node = nodes.get(session, ONE)
    for at, kb in points(*range(400, 1600, 100)):
        session.add(NodeReading(node_id=node.id, at=at, cpu=1.0, memory_kb=kb, sittings=0))
    node.started_at = utcnow() - timedelta(days=20)
    session.flush()
    (told,) = nodes.listing(session)
    assert len(told["trend"]) == 12
    assert told["advice"]["to_kb"] > told["advice"]["from_kb"]
    node.started_at = utcnow() - timedelta(days=1)
    session.flush()
    assert nodes.listing(session)[0]["advice"] is None


def test_gateways_are_alive_silent_or_ended(session):
    now = utcnow()
    session.add(Gateway(id="a", address="a", started_at=now))
    session.add(
        Gateway(id="b", address="b", started_at=now + timedelta(seconds=1), beat_at=now - timedelta(seconds=9))
    )
    session.add(Gateway(id="c", address="c", started_at=now + timedelta(seconds=2), ended_at=now))
    session.flush()
    told = nodes.gateways(session)
    assert [(one["id"], one["alive"], one["ended"]) for one in told] == [
        ("a", True, False),
        ("b", False, False),
        ("c", False, True),
    ]
