"""The bus: events after the commit, in commit order, and none lost to a listener whatever happens to the database."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from appliance import bus
from appliance.bus import BusEvent, Listener
from appliance.db import SessionFactory, libpq_url, unit_of_work, utcnow
from appliance.models import LiveEvent


def tell(factory: SessionFactory, topic: str = "sitting:1", kind: str = "chat.message", **payload: object) -> None:
    with unit_of_work(factory) as session:
        bus.publish(session, topic, kind, payload)


async def take(events: AsyncIterator[BusEvent], count: int) -> list[BusEvent]:
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


def test_event_is_there_after_the_commit_only(session: Session, session_factory: SessionFactory):
    bus.publish(session, "sitting:1", "chat.message", {"text": "hello"})
    with session_factory() as other:
        assert bus.since(other, ["sitting:1"], 0) == []
        session.commit()
        (event,) = bus.since(other, ["sitting:1"], 0)
        assert (event.topic, event.kind, event.payload) == ("sitting:1", "chat.message", {"text": "hello"})
        assert bus.latest(other) == event.id


def test_rolled_back_act_tells_nothing(session: Session):
    bus.publish(session, "sitting:1", "chat.message", {})
    session.rollback()
    session.commit()
    assert bus.since(session, ["sitting:1"], 0) == []
    assert bus.latest(session) == 0


def test_event_of_a_sitting_reaches_the_room_of_its_company_too(session: Session, make):
    sitting = make.sitting()
    payload = {"state": "running"}
    bus.publish_sitting(session, sitting, "sitting.changed", payload)
    session.commit()
    (own,) = bus.since(session, [bus.sitting_topic(sitting.id)], 0)
    (room,) = bus.since(session, [bus.company_topic(sitting.company_id)], 0)
    assert own.payload == payload == {"state": "running"}
    assert room.payload == {"state": "running", "sitting_id": sitting.id}


def test_since_gives_topics_and_ids_asked_for(session: Session, session_factory: SessionFactory):
    for number in range(6):
        tell(session_factory, topic=f"sitting:{number % 3}", number=number)
    found = bus.since(session, ["sitting:0", "sitting:1"], 0)
    assert [event.payload["number"] for event in found] == [0, 1, 3, 4]
    assert [event.payload["number"] for event in bus.since(session, ["sitting:0", "sitting:1"], found[1].id)] == [
        3,
        4,
    ]
    assert len(bus.since(session, ["sitting:0", "sitting:1"], 0, limit=3)) == 3


def test_payload_is_taken_as_it_is_now(session: Session):
    payload = {"n": 1}
    bus.publish(session, "sitting:1", "x", payload)
    payload["n"] = 2
    session.commit()
    assert bus.since(session, ["sitting:1"], 0)[0].payload == {"n": 1}


@pytest.mark.parametrize("payload", [{"x": object()}, {"x": float("nan")}])
def test_payload_must_be_json(session: Session, payload: dict):
    with pytest.raises((TypeError, ValueError)):
        bus.publish(session, "sitting:1", "x", payload)


def test_reader_that_goes_on_from_the_last_id_misses_nothing(session_factory: SessionFactory, session: Session):
    """Ids grow in commit order; else a slow transaction's event would appear behind the reader."""
    topics = [f"sitting:{number}" for number in range(4)]

    def work(number: int) -> None:
        for _ in range(25):
            with unit_of_work(session_factory) as own:
                for topic in (topics[number], topics[(number + 1) % 4]):
                    bus.publish(own, topic, "x", {})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while len(seen) < 200 and (
        any(thread.is_alive() for thread in threads) or bus.latest(session) > max(seen, default=0)
    ):
        seen += [event.id for event in bus.since(session, topics, max(seen, default=0))]
        session.rollback()
    assert len(seen) == 200
    assert seen == sorted(set(seen))


def test_prune_keeps_what_is_young_and_the_newest(session: Session, session_factory: SessionFactory):
    for number in range(3):
        tell(session_factory, number=number)
    session.execute(update(LiveEvent).values(at=utcnow() - timedelta(hours=2)))
    newest = bus.latest(session)
    assert bus.prune(session, timedelta(hours=3)) == 0
    assert bus.prune(session, timedelta(hours=1)) == 2
    assert bus.latest(session) == newest


async def test_listener_hears_what_is_published(session_factory: SessionFactory, database_url: str):
    tell(session_factory, text="before")
    connected = asyncio.Event()
    listener = Listener(database_url, on_connection=lambda _: connected.set())
    async with aclosing(listener.events()) as events:
        first = asyncio.ensure_future(anext(events))
        await asyncio.wait_for(connected.wait(), 10)
        await asyncio.to_thread(tell, session_factory, text="after", big="x" * 20_000)
        event = await asyncio.wait_for(first, 10)
        assert (event.topic, event.kind, event.payload["text"]) == ("sitting:1", "chat.message", "after")
        assert len(event.payload["big"]) == 20_000
        for number in range(3):
            await asyncio.to_thread(tell, session_factory, number=number)
        assert [event.payload["number"] for event in await take(events, 3)] == [0, 1, 2]


async def test_listener_starts_after_the_id_it_is_given(session_factory: SessionFactory, database_url: str):
    with unit_of_work(session_factory) as session:
        for number in range(Listener.page + 10):
            bus.publish(session, "sitting:1", "x", {"number": number})
    async with aclosing(Listener(database_url, after_id=0).events()) as events:
        heard = await take(events, Listener.page + 10)
    assert [event.payload["number"] for event in heard] == list(range(Listener.page + 10))


async def test_listener_survives_a_lost_database_and_catches_up(
    session_factory: SessionFactory, database_url: str, postgres_url: str
):
    states: asyncio.Queue[bool] = asyncio.Queue()
    name = psycopg.conninfo.conninfo_to_dict(libpq_url(database_url))["dbname"]
    listener = Listener(database_url, on_connection=states.put_nowait, retry_seconds=0.05, poll_seconds=0.2)
    async with aclosing(listener.events()) as events:
        first = asyncio.ensure_future(anext(events))
        assert await asyncio.wait_for(states.get(), 10) is True
        await asyncio.to_thread(tell, session_factory, number=1)
        assert (await asyncio.wait_for(first, 10)).payload == {"number": 1}
        following = asyncio.ensure_future(anext(events))
        admin = await psycopg.AsyncConnection.connect(libpq_url(postgres_url), autocommit=True)
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name = 'kustos bus'",
            (name,),
        )
        assert await asyncio.wait_for(states.get(), 10) is False
        assert not listener.connected
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
        await asyncio.to_thread(tell, session_factory, number=2)
        await asyncio.to_thread(tell, session_factory, number=3)
        assert (await asyncio.wait_for(following, 20)).payload == {"number": 2}
        assert (await take(events, 1))[0].payload == {"number": 3}
    assert await asyncio.wait_for(states.get(), 10) is True


def test_notification_is_small_and_names_the_topic(session_factory: SessionFactory, database_url: str):
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        connection.execute(f"LISTEN {bus.CHANNEL}")
        tell(session_factory, topic="company:9", big="x" * 20_000)
        (notification,) = connection.notifies(timeout=10, stop_after=1)
    number, topic = notification.payload.split(" ")
    assert (int(number) > 0, topic) == (True, "company:9")
