"""One unit of work a second for all sittings that a worker watches."""

import asyncio

import pytest
from sqlalchemy import event

from appliance.db import to_ms, utcnow
from appliance.errors import NotFound
from appliance.models import Part
from appliance.vocabulary import SittingState, Track
from media import lookout as module
from media import watch_log
from media.lookout import Lookout
from media.pipelines.store import Store


@pytest.fixture
def store(session_factory):
    made = Store(session_factory)
    yield made
    made.close()


@pytest.fixture
def two(make, session):
    sittings = [make.sitting(SittingState.RUNNING, started_at=utcnow()) for _ in range(2)]
    for sitting in sittings:
        session.add(Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=1, path="x", node_url="n", media={}))
    session.commit()
    return sittings


@pytest.fixture
def statements(session_factory):
    engine = session_factory.kw["bind"]
    seen = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement.split()[0])

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_all_sittings_are_asked_for_in_one_statement(store, two, statements, monkeypatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.05)
    lookout, now = Lookout(store), to_ms(utcnow())
    for sitting in two:
        lookout.saw(sitting.id, now)
    first = await asyncio.gather(*(lookout.next(sitting.id) for sitting in two))
    assert [standing.over for standing in first] == [False, False]
    assert statements == ["UPDATE", "SELECT"]
    await asyncio.gather(*(lookout.next(sitting.id) for sitting in two))
    assert statements == ["UPDATE", "SELECT", "SELECT"]  # nothing new was seen, and it would not be due


async def test_what_was_seen_is_on_record(store, two, session, monkeypatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.05)
    lookout = Lookout(store)
    lookout.saw(two[0].id, 1000)
    lookout.saw(two[0].id, 3000)
    lookout.saw(two[1].id, 2000)
    lookout.forget(two[1].id)
    await lookout.next(two[0].id)
    session.expire_all()
    marks = {part.sitting_id: part.media.get(watch_log.UNTIL) for part in session.query(Part)}
    assert marks == {two[0].id: 3000, two[1].id: None}


async def test_who_gave_up_waiting_does_not_hold_up_the_others(store, two, monkeypatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.05)
    lookout = Lookout(store)
    leaving = asyncio.ensure_future(lookout.next(two[0].id))
    await asyncio.sleep(0)
    leaving.cancel()
    assert not (await lookout.next(two[1].id)).over
    assert not (await lookout.next(two[0].id)).over


async def test_a_sitting_that_there_is_not_is_told(store, two, monkeypatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.05)
    lookout = Lookout(store)
    missing = two[1].id + 1000
    with pytest.raises(NotFound):
        await lookout.now(missing)
    found, absent = await asyncio.gather(lookout.next(two[0].id), lookout.next(missing), return_exceptions=True)
    assert not found.over
    assert isinstance(absent, NotFound)
