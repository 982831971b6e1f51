"""Sockets of the gateway, on a real database, with real browsers' words."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from appliance import bus
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.models import Observation, Sitting
from appliance.security import live_tokens
from appliance.vocabulary import Role, SittingState
from tests.live import until
from web.realtime import connection, presence
from web.realtime import gateway as gateway_module
from web.realtime.messages import CloseCode


def publish(session_factory, sitting, kind, **payload):
    with unit_of_work(session_factory) as session:
        bus.publish_sitting(session, session.get_one(Sitting, sitting.id), kind, payload)


async def test_hello_is_welcomed_with_clock_and_sitting(browser, sitting):
    page = browser().candidate_of(sitting)
    welcome = await page.open()
    assert abs(welcome["server_ms"] - to_ms(utcnow())) < 5000
    assert welcome["sitting"]["id"] == sitting.id
    assert "score" not in welcome["sitting"]
    await page.say(type="ping", at=12.5)
    assert (await page.hears("pong"))["at"] == 12.5


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_wrong_token_is_refused(browser, token):
    page = browser()
    await page.open(hello=False)
    await page.say(type="hello", token=token)
    assert (await page.hears("error"))["code"] == "token_invalid"
    assert await page.closed() == CloseCode.TOKEN_REFUSED


async def test_an_expired_token_is_refused(browser, settings, sitting):
    page = browser().candidate_of(sitting)
    stale = live_tokens.for_candidate(replace(settings, live_token_seconds=-1), sitting.id, sitting.company_id, "Ada")
    await page.open(hello=False)
    await page.say(type="hello", token=stale)
    assert await page.closed() == CloseCode.TOKEN_REFUSED


async def test_anything_before_hello_is_refused(browser):
    page = browser()
    await page.open(hello=False)
    await page.say(type="ping", at=1)
    assert await page.closed() == CloseCode.TOKEN_REFUSED


async def test_silence_instead_of_hello_is_ended(browser, monkeypatch):
    monkeypatch.setattr(gateway_module, "HELLO_SECONDS", 0.2)
    page = browser()
    await page.open(hello=False)
    assert await page.closed(3) == CloseCode.TOKEN_REFUSED


async def test_a_silent_socket_is_dropped(browser, sitting, monkeypatch):
    monkeypatch.setattr(gateway_module, "SILENT_SECONDS", 0.3)
    page = browser().candidate_of(sitting)
    await page.open()
    assert await page.closed(3) == CloseCode.SILENT


async def test_roles_without_live_pages_are_refused(browser, make, session):
    auditor = make.user(Role.AUDITOR)
    session.commit()
    page = browser().staff(auditor)
    await page.open(hello=False)
    await page.say(type="hello", token=page.make_token())
    assert await page.closed() == CloseCode.NOT_ALLOWED


async def test_events_come_by_role(browser, sitting, proctor, session_factory):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    publish(session_factory, sitting, "observation.opened", observation={"id": 1})
    publish(session_factory, sitting, "incident.warning", incident={"id": 2})
    seen = await room.event("observation.opened")
    assert (seen["sitting_id"], seen["payload"]) == (sitting.id, {"observation": {"id": 1}})
    await page.event("incident.warning")
    assert not [m for m in page.heard if m.get("kind") == "observation.opened"]


async def test_another_company_hears_nothing(browser, make, session, sitting, session_factory):
    other = make.user(Role.PROCTOR, company=make.company())
    session.commit()
    room = browser().staff(other)
    await room.open()
    publish(session_factory, sitting, "chat.message", message={"text": "secret"})
    await room.say(type="ping", at=1)
    await room.hears("pong")
    assert not [m for m in room.heard if m["type"] == "event"]


async def test_what_was_missed_is_replayed_in_order_and_once(browser, proctor, sitting, session_factory):
    room = browser().staff(proctor)
    await room.open()
    publish(session_factory, sitting, "chat.message", message={"n": -1})
    seen = (await room.event("chat.message"))["seq"]
    await room.drop()
    for number in range(50):
        publish(session_factory, sitting, "chat.message", message={"n": number})
    again = browser().staff(proctor)

    async def chatter():
        for number in range(50, 100):
            await asyncio.to_thread(publish, session_factory, sitting, "chat.message", message={"n": number})

    talking = asyncio.create_task(chatter())
    welcome = await again.open(since=seen)
    assert welcome["seq"] == seen
    await talking
    await again.event("chat.message", message={"n": 99})
    events = [m for m in again.heard if m["type"] == "event"]
    assert [m["payload"]["message"]["n"] for m in events] == list(range(100))
    assert [m["seq"] for m in events] == sorted(m["seq"] for m in events)


async def test_too_much_missed_is_a_reset(browser, proctor, sitting, session_factory):
    with unit_of_work(session_factory) as session:
        row = session.get_one(Sitting, sitting.id)
        for number in range(1001):
            bus.publish_sitting(session, row, "chat.message", {"n": number})
    room = browser().staff(proctor)
    await room.open(since=0)
    reset = await room.hears("reset")
    publish(session_factory, sitting, "chat.message", n="after")
    event = await room.event("chat.message", n="after")
    assert event["seq"] > reset["seq"]
    assert len([m for m in room.heard if m["type"] == "event"]) == 1


async def test_an_id_from_the_future_is_a_reset(browser, proctor):
    room = browser().staff(proctor)
    await room.open(since=10**9)
    assert (await room.hears("reset"))["seq"] < 10**9


async def test_the_newer_tab_wins(browser, sitting):
    old, new = browser().candidate_of(sitting), browser().candidate_of(sitting)
    await old.open()
    await new.open()
    await old.hears("superseded")
    assert await old.closed() == CloseCode.SUPERSEDED
    await new.say(type="ping", at=1)
    await new.hears("pong")


async def test_malformed_messages_are_answered_and_borne_a_while(browser, sitting):
    page = browser().candidate_of(sitting)
    await page.open()
    for text in ("{", '{"type":"dance"}', '{"type":"ping"}', '{"type":"ping","at":1,"x":2}', b"\x00\xff", '"hm"'):
        before = len(page.heard)
        await page.say_raw(text)
        assert (await page.hears("error", after=before))["code"] == "bad_input"
    await page.say(type="ping", at=3)
    await page.hears("pong", at=3)
    for _ in range(connection.MALFORMED_A_MINUTE):
        await page.say_raw("{")
    assert await page.closed() == CloseCode.POLICY


async def test_a_flood_is_ended(browser, sitting):
    page = browser().candidate_of(sitting)
    await page.open()
    for number in range(400):
        try:
            await page.say(type="ping", at=number)
        except Exception:
            break
    assert await page.closed() == CloseCode.POLICY
    assert (await page.hears("error"))["code"] == "too_many"


async def test_a_huge_message_ends_the_socket(browser, sitting):
    page = browser().candidate_of(sitting)
    await page.open()
    await page.say(type="chat", text="x" * 300_000, ref="r")
    assert await page.closed() == 1009


async def deaf(gateway, proctor, settings, **hello):
    """A proctor's socket that reads nothing, and what the gateway has of it."""
    socket = await connect(gateway.url, max_size=None, compression=None, proxy=None, max_queue=1)
    token = live_tokens.for_user(settings, proctor.id, proctor.company_id, proctor.role, "P")
    await socket.send(json.dumps({"type": "hello", "token": token, **hello}))
    await until(lambda: len(gateway.rooms) == 1)
    return socket, next(iter(gateway.rooms))


async def test_who_does_not_read_is_closed_and_can_come_back(
    browser, gateway, proctor, sitting, session_factory, settings
):
    socket, slow = await deaf(gateway, proctor, settings)
    big = "y" * 100_000
    for _ in range(connection.OUTGOING + 400):
        await asyncio.to_thread(publish, session_factory, sitting, "media.state", text=big)
        if slow.closed_by is not None:
            break
    assert slow.closed_by is CloseCode.TOO_SLOW
    await until(lambda: len(gateway.rooms) == 0, 10, "the slow socket to be gone")
    socket.transport.abort()
    again = browser().staff(proctor)
    await again.open(since=0)
    await again.event("media.state", text=big)


async def test_who_goes_in_the_middle_of_what_was_missed_leaves_nothing_behind(
    gateway, proctor, sitting, session_factory, settings
):
    """The queue is full, the browser gone: nobody makes room for what is still to be told."""
    for _ in range(connection.OUTGOING + 100):
        await asyncio.to_thread(publish, session_factory, sitting, "media.state", text="y" * 100_000)
    socket, slow = await deaf(gateway, proctor, settings, since=0)
    await until(slow._outgoing.full, 10, "a full queue")
    socket.transport.abort()
    await until(lambda: len(gateway.rooms) == 0, 10, "the socket to be gone")


async def test_a_candidate_may_not_watch_and_a_proctor_may_not_publish(browser, sitting, proctor):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    await page.say(type="view", sitting_id=sitting.id, track="camera", connection="v", sdp="x")
    assert (await page.hears("error", ref="v"))["code"] == "not_allowed"
    await room.say(type="publish", track="camera", connection="p", sdp="x")
    assert (await room.hears("error", ref="p"))["code"] == "not_allowed"


async def test_without_a_node_media_is_unavailable_and_the_socket_lives(browser, sitting, proctor):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    await page.say(type="publish", track="camera", connection="p", sdp="v=0")
    assert (await page.hears("error", ref="p"))["code"] == "media_unavailable"
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v", sdp="v=0")
    assert (await room.hears("error", ref="v"))["code"] == "media_unavailable"


async def test_the_sitting_of_another_proctor_or_company_cannot_be_watched(browser, make, session, sitting):
    stranger = make.user(Role.PROCTOR, company=make.company())
    colleague = make.user(Role.PROCTOR)
    sitting.proctor_id = make.user(Role.PROCTOR).id
    session.commit()
    for user, code in ((stranger, "not_found"), (colleague, "not_allowed")):
        room = browser().staff(user)
        await room.open()
        await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v", sdp="v=0")
        assert (await room.hears("error", ref="v"))["code"] == code


async def test_chat_reaches_both_sides_once(browser, sitting, proctor):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    await page.say(type="chat", text="May I ask?", ref="r1")
    await page.say(type="chat", text="May I ask?", ref="r1")
    await room.event("chat.message")
    await room.say(type="chat", text="Yes.", ref="r2", sitting_id=sitting.id)
    await page.event("chat.message")
    await until(lambda: sum(m.get("kind") == "chat.message" for m in page.heard) == 2)
    await until(lambda: sum(m.get("kind") == "chat.message" for m in room.heard) == 2)
    texts = [m["payload"]["message"]["text"] for m in page.heard if m.get("kind") == "chat.message"]
    assert texts == ["May I ask?", "Yes."]


async def test_the_browsers_times_are_put_on_the_servers_clock(browser, sitting, session_factory):
    page = browser().candidate_of(sitting)
    await page.open()
    ahead = 7_200_000
    for _ in range(3):
        await page.say(type="ping", at=time.time() * 1000 + ahead, rtt_ms=0)
    began = time.time() * 1000
    await page.say(type="observe", kind="clipboard", phase="start", at=began + ahead, ref="c")
    await page.say(type="observe", kind="clipboard", phase="end", at=began + 1500 + ahead, ref="c")
    await page.say(type="observe", kind="phone", phase="start", at=began, ref="p")
    assert (await page.hears("error", ref="p"))["code"] == "bad_input"
    with unit_of_work(session_factory) as session:
        (row,) = session.query(Observation).filter_by(sitting_id=sitting.id)
        assert abs(to_ms(row.started_at) - began) < 150
        assert abs(to_ms(row.ended_at) - began - 1500) < 150
        assert abs(session.get_one(Sitting, sitting.id).clock_offset_ms) in (0, *range(ahead - 150, ahead + 150))


async def test_what_a_lost_browser_reported_is_ended(browser, sitting, session_factory):
    page = browser().candidate_of(sitting)
    await page.open()
    await page.say(type="observe", kind="full_screen_left", phase="start", at=1, ref="f")
    await page.say(type="ping", at=1)
    await page.hears("pong")
    await page.drop()

    def ended():
        with unit_of_work(session_factory) as session:
            return session.query(Observation).filter_by(sitting_id=sitting.id).one().ended_at

    await until(ended, 5, "the end of the observation")


async def test_a_candidate_away_is_told_then_interrupted_then_back(
    browser, sitting, proctor, session_factory, monkeypatch
):
    monkeypatch.setattr(presence, "OFFLINE_SECONDS", 0.3)
    monkeypatch.setattr(presence, "INTERRUPT_SECONDS", 0.8)
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await room.open()
    await page.open()
    await room.event("presence.changed", online=True)
    await page.drop()
    await room.event("presence.changed", online=False)
    await room.event("sitting.changed", state="interrupted")
    back = browser().candidate_of(sitting)
    await back.open()
    await room.event("sitting.changed", state="check_in")
    with unit_of_work(session_factory) as session:
        assert session.get_one(Sitting, sitting.id).state is SittingState.CHECK_IN


async def test_a_reload_is_not_an_absence(browser, sitting, proctor, monkeypatch):
    monkeypatch.setattr(presence, "OFFLINE_SECONDS", 1.0)
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await room.open()
    await page.open()
    await page.leave()
    again = browser().candidate_of(sitting)
    await again.open()
    await asyncio.sleep(1.3)  # longer than the timer that must not fire
    assert not [m for m in room.heard if m.get("kind") == "presence.changed" and not m["payload"]["online"]]


async def test_the_clock_ends_a_sitting_at_its_deadline(browser, make, session, session_factory):
    due = utcnow() + timedelta(seconds=1.0)
    row = make.sitting(SittingState.RUNNING, started_at=utcnow() - timedelta(minutes=1), deadline_at=due)
    session.commit()
    page = browser().candidate_of(row)
    await page.open()
    with unit_of_work(session_factory) as other:  # as a service would: the gateway hears of the deadline by the bus
        bus.publish_sitting(
            other, other.get_one(Sitting, row.id), "sitting.changed", {"state": "running", "deadline_ms": to_ms(due)}
        )
    ended = await page.event("sitting.changed", state="finished")
    assert ended["payload"]["finished_by"] == "clock"
    with unit_of_work(session_factory) as other:
        assert other.get_one(Sitting, row.id).finished_at == due


async def test_health_says_what_is_missing(gateway):
    address = gateway.url.replace("ws://", "http://")
    await until(lambda: gateway.listener.connected)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{address}/healthz")
        assert answer.status_code == 503
        report = answer.json()
        disk = report.pop("disk")
        assert disk is None or disk["free_mb"] > 0  # the forecast comes with the first look
        problems = {"media_nodes": "no media node answers"}
        assert report == {
            "status": "not_ready",
            "database": True,
            "media_nodes": 0,
            "sockets": 0,
            "problems": problems,
        }
        assert (await client.get(address.replace("/live", "/else"))).status_code == 404


async def test_foreign_pages_may_not_open_a_socket(gateway, settings):
    with pytest.raises(InvalidStatus) as refused:
        await connect(gateway.url, origin="https://evil.example", proxy=None)
    assert refused.value.response.status_code == 403
    for origin in (settings.public_url, gateway.url.replace("ws://", "http://").removesuffix("/live")):
        async with connect(gateway.url, origin=origin, proxy=None):
            pass
