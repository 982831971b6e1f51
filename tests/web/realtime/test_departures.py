"""Who is no longer let in is sent away, also from a socket that stands already."""

import asyncio
from datetime import timedelta

import pytest

from appliance.audit import Actor
from appliance.db import unit_of_work, utcnow
from appliance.models import LoginSession, Sitting, User
from appliance.security import live_tokens
from appliance.services import accounts, chats, login_sessions, staff_changes
from appliance.vocabulary import ChatAuthor, ProvedBy, Role, SittingState
from tests.factories import PASSWORD
from tests.live import until
from web.realtime import departures
from web.realtime.messages import CloseCode


@pytest.fixture
def logged_in(browser, session, settings, proctor):
    """``logged_in()``: a page of the proctor's, by a log-in of its own; with that log-in."""

    def open_one():
        login, _ = accounts.begin_session(session, proctor, settings, "", "", proved_by=ProvedBy.TOTP)
        session.commit()
        page = browser()
        page.make_token = lambda: live_tokens.for_user(
            settings, proctor.id, proctor.company_id, proctor.role, "P", login_id=login.id
        )
        return page, login

    return open_one


def act(session_factory, service, user, *words):
    with unit_of_work(session_factory) as own:
        service(own, accounts.identity.of_user(own.get_one(User, user.id)).actor, own.get_one(User, user.id), *words)


async def test_a_log_in_that_ends_takes_its_own_sockets_along_and_no_other(logged_in, session_factory, proctor):
    (here, _), (there, login) = logged_in(), logged_in()
    await here.open()
    await there.open()
    await asyncio.to_thread(act, session_factory, login_sessions.end_one, proctor, login.id)
    assert await there.closed() == CloseCode.TOKEN_REFUSED
    await here.say(type="ping", at=1)
    await here.hears("pong")


async def test_a_disabled_account_keeps_no_socket_and_gets_none(
    logged_in, browser, session, session_factory, make, proctor, gateway
):
    (page, _), by_itself = logged_in(), browser().staff(proctor)
    await page.open()
    await by_itself.open()  # a token of before an upgrade names no log-in
    boss = make.user(Role.ADMIN)
    session.commit()

    def disable():
        with unit_of_work(session_factory) as own:
            actor = accounts.identity.of_user(own.get_one(User, boss.id)).actor
            staff_changes.disable(own, actor, own.get_one(User, proctor.id))

    await asyncio.to_thread(disable)
    assert await page.closed() == CloseCode.TOKEN_REFUSED
    assert await by_itself.closed() == CloseCode.TOKEN_REFUSED
    await until(lambda: len(gateway.rooms) == 0)
    late = browser().staff(proctor)  # its token is younger than a minute and was right when it was made
    await late.open(hello=False)
    await late.say(type="hello", token=late.make_token())
    assert await late.closed() == CloseCode.TOKEN_REFUSED


async def test_a_locked_page_hears_and_sees_nothing_until_it_is_proved_who_is_there(
    logged_in, session_factory, settings, vault, session, make, proctor
):
    (locked, login), (other, _) = logged_in(), logged_in()
    sitting = make.sitting(SittingState.RUNNING)
    session.commit()
    await locked.open()
    await other.open()
    early, by = locked.make_token(), Actor("user", str(proctor.id), "P", company_id=proctor.company_id)

    def lock():
        with unit_of_work(session_factory) as own:
            login_sessions.lock(own, by, own.get_one(LoginSession, login.id))

    def write():
        with unit_of_work(session_factory) as own:
            chats.send(own, by, own.get_one(Sitting, sitting.id), ChatAuthor.PROCTOR, "how is it going")

    await asyncio.to_thread(lock)
    assert await locked.closed() == CloseCode.TOKEN_REFUSED
    await asyncio.to_thread(write)
    assert (await other.hears("event"))["kind"] == "chat.message"
    assert not [one for one in locked.heard if one["type"] == "event"]
    await locked.open(hello=False)
    await locked.say(type="hello", token=early)
    assert await locked.closed() == CloseCode.TOKEN_REFUSED

    def unlock():
        with unit_of_work(session_factory) as own:
            login_sessions.unlock(own, vault, settings, own.get_one(LoginSession, login.id), password=PASSWORD)

    await asyncio.to_thread(unlock)
    await locked.open()
    await locked.say(type="ping", at=1)
    await locked.hears("pong")


async def test_a_page_that_nobody_touches_and_does_not_lock_itself_is_sent_away(
    logged_in, session, settings, gateway, proctor
):
    (idle, login), (busy, _) = logged_in(), logged_in()
    await idle.open()
    await busy.open()
    await departures.look(gateway.store, gateway.rooms, settings)
    assert len(gateway.rooms) == 2
    login.active_at = utcnow() - timedelta(minutes=settings.lock_minutes)
    session.commit()
    await departures.look(gateway.store, gateway.rooms, settings)
    assert await idle.closed() == CloseCode.TOKEN_REFUSED
    await busy.say(type="ping", at=1)
    await busy.hears("pong")
