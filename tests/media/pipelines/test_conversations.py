"""Calls, broadcasts and conferences over real WebRTC: who is heard by whom, and what is left when it is over."""

import asyncio

import pytest

from appliance.db import unit_of_work
from appliance.models import Conversation, Sitting, User
from appliance.security.identity import of_candidate, of_user
from appliance.services import conversations
from appliance.vocabulary import ConversationKind, Role, SittingState
from media.kurento import KurentoClient
from tests.live import until
from tests.media.node.playing import Viewer

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def talk(session_factory, proctor):
    """``talk(kind, users, sittings)`` opens one, everybody joined; returns its payload."""

    def begin(kind, users=(), sittings=()):
        with unit_of_work(session_factory) as session:
            people = [session.get_one(User, user.id) for user in users]
            found = [session.get_one(Sitting, sitting.id) for sitting in sittings]
            row = conversations.open_conversation(session, of_user(proctor).actor, kind, people, found)
            for user in users:
                conversations.join(session, of_user(user).actor, conversations.seat_of(row, user_id=user.id))
            for sitting in sittings:
                conversations.join(
                    session, of_candidate(sitting).actor, conversations.seat_of(row, sitting_id=sitting.id)
                )
            return conversations.payload(row)

    return begin


class Listener:
    """One line of a browser that hears another person."""

    def __init__(self, page, conversation_id, seat_id):
        self.page, self.name = page, f"line-{conversation_id}-{seat_id}-{id(self)}"
        self.ask = {"type": "listen", "conversation_id": conversation_id, "seat_id": seat_id, "connection": self.name}
        self.viewer = None

    async def open(self):
        loop, early = asyncio.get_running_loop(), []

        def found(candidate, mid, mline):
            told = {"type": "candidate", "connection": self.name, "candidate": candidate}
            told |= {"sdp_mid": mid, "sdp_m_line_index": mline}
            loop.call_soon_threadsafe(lambda: early.append(asyncio.ensure_future(self.page.say(**told))))

        self.viewer = await asyncio.to_thread(Viewer, found)
        offer = await asyncio.to_thread(self.viewer.create_offer)
        await self.page.say(**self.ask, sdp=offer)
        answer = await self.page.hears("answer", connection=self.name)
        await asyncio.to_thread(self.viewer.set_answer, answer["sdp"])
        self.feeding = asyncio.ensure_future(self._feed())
        return self

    async def _feed(self):
        done = 0
        while True:
            for message in self.page.heard[done:]:
                if message["type"] == "candidate" and message["connection"] == self.name:
                    self.viewer.add_ice_candidate(message["candidate"], message["sdp_m_line_index"])
            done = len(self.page.heard)
            await asyncio.sleep(0.05)

    async def sees_and_hears(self):
        await until(
            lambda: len(self.viewer.pictures) > 5 and self.viewer.packets_of_sound > 20, 20, "picture and sound"
        )

    async def close(self):
        self.feeding.cancel()
        await asyncio.to_thread(self.viewer.close)


@pytest.fixture
async def listen():
    made = []

    async def begin(page, conversation_id, seat_id):
        made.append(await Listener(page, conversation_id, seat_id).open())
        return made[-1]

    yield begin
    for one in made:
        await one.close()


@pytest.fixture
async def pipelines(node):
    """How many pipelines the node has."""
    client = KurentoClient(node.url)
    await client.open()

    async def count():
        return len(await client.invoke("manager_ServerManager", "getPipelines"))

    yield count
    await client.close()


async def test_a_candidate_hears_and_sees_who_calls(
    browser, sitting, proctor, clip, talk, listen, pipelines, session_factory
):
    page, desk = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await desk.open()
    told = talk(ConversationKind.CALL, sittings=[sitting])
    host = told["seats"][0]["id"]
    heard = await page.event("conversation.changed")
    assert heard["payload"]["conversation"]["host"] == proctor.name
    await desk.speak(told["id"], clip)
    await until(lambda: any(_sends(m, host) for m in page.heard), 10, "that the host sends")
    line = await listen(page, told["id"], host)
    await line.sees_and_hears()
    # the candidate sends nothing into a call: their camera is there already
    await page.say(type="speak", conversation_id=told["id"], connection="x", sdp="v=0")
    assert (await page.hears("error", ref="x"))["code"] == "not_allowed"
    with unit_of_work(session_factory) as session:
        row = session.get_one(Conversation, told["id"])
        conversations.end(session, of_user(proctor).actor, row)
    await page.hears("view_ended", connection=line.name, cause="over")
    await until_none(pipelines)  # nothing stays in the node


async def test_a_commission_of_four_all_see_all(browser, sitting, proctor, make, session, clip, talk, listen):
    others = [make.user(Role.REVIEWER), make.user(Role.ORGANISER)]
    session.commit()
    told = talk(ConversationKind.CONFERENCE, others, [sitting])
    pages = [browser().staff(proctor), *(browser().staff(user) for user in others), browser().candidate_of(sitting)]
    seats = [seat["id"] for seat in told["seats"]]
    for page in pages:
        await page.open()
        await page.speak(told["id"], clip)
        await until(lambda page=page: all(p.answered.is_set() for p in page.publications.values()), 10, "the answer")
    lines = [
        await listen(page, told["id"], other)
        for page, own in zip(pages, seats, strict=True)
        for other in seats
        if other != own
    ]
    assert len(lines) == 12
    for line in lines:
        await line.sees_and_hears()


async def test_who_is_not_in_it_hears_nothing(browser, sitting, proctor, make, session, clip, talk):
    stranger, outsider = make.user(Role.PROCTOR), make.sitting(SittingState.RUNNING)
    session.commit()
    told = talk(ConversationKind.BROADCAST, sittings=[sitting])
    host, candidate = (seat["id"] for seat in told["seats"])
    desk = browser().staff(proctor)
    await desk.open()
    await desk.speak(told["id"], clip)
    for page in (browser().staff(stranger), browser().candidate_of(outsider)):
        await page.open()
        await page.say(type="listen", conversation_id=told["id"], seat_id=host, connection="x", sdp="v=0")
        assert (await page.hears("error", ref="x"))["code"] == "not_found"
        assert not [message for message in page.heard if "conversation" in str(message.get("kind"))]
    page = browser().candidate_of(sitting)
    await page.open()
    await page.say(type="listen", conversation_id=told["id"], seat_id=candidate, connection="y", sdp="v=0")
    assert (await page.hears("error", ref="y"))["code"] == "impossible_step"


async def test_a_lost_node_is_told_and_the_talk_goes_on(browser, node, sitting, proctor, clip, talk, listen):
    page, desk = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await desk.open()
    told = talk(ConversationKind.CALL, sittings=[sitting])
    host = told["seats"][0]["id"]
    await desk.speak(told["id"], clip)
    await until(lambda: any(_sends(m, host) for m in page.heard), 10, "that the host sends")
    line = await listen(page, told["id"], host)
    await line.sees_and_hears()
    node.kill()
    await page.hears("view_ended", connection=line.name, cause="node_lost", seconds=15)
    before = len(page.heard)
    await node.start()
    await _speaks_again(desk, told["id"], clip)
    await until(lambda: any(_sends(m, host) for m in page.heard[before:]), 10, "that the host sends again")
    await (await listen(page, told["id"], host)).sees_and_hears()


async def until_none(count, seconds=10):
    async with asyncio.timeout(seconds):
        while await count():  # noqa: ASYNC110 - the node is another process
            await asyncio.sleep(0.05)


async def _speaks_again(desk, conversation_id, clip):
    """As the page does: again until the gateway has found the node."""
    while True:
        before = len(desk.heard)
        line = await desk.speak(conversation_id, clip)

        def refused(name=line.connection, begin=before):
            return any(m["type"] == "error" and m["ref"] == name for m in desk.heard[begin:])

        await until(lambda line=line: line.answered.is_set() or refused(), 20, "an answer")
        if line.answered.is_set():
            return
        await asyncio.sleep(0.3)


def _sends(message, seat_id):
    if message["type"] != "event" or message["kind"] != "conversation.changed":
        return False
    return any(seat["id"] == seat_id and seat["sends"] for seat in message["payload"]["conversation"]["seats"])
