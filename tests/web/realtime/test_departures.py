"""Who is no longer let in is sent away, also from a socket that stands already."""

import asyncio

import pytest

from appliance.db import unit_of_work
from appliance.models import User
from appliance.security import live_tokens
from appliance.services import accounts, login_sessions, staff_changes
from appliance.vocabulary import ProvedBy, Role
from tests.live import until
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
