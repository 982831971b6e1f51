"""A gateway in this process on a port of its own, and browsers that come to it."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
import pytest_asyncio

from appliance.vocabulary import Role, SittingState
from tests.live import Browser
from web.realtime.server import address_of, serving

NOBODY = "ws://127.0.0.1:1/kurento"


@pytest.fixture
def sitting(make, session):
    row = make.sitting(SittingState.CHECK_IN)
    session.commit()
    return row


@pytest.fixture
def proctor(make, session):
    row = make.user(Role.PROCTOR)
    session.commit()
    return row


@pytest_asyncio.fixture
async def gateway(collaborators):
    """The gateway, with no media node to be reached."""
    settings = replace(collaborators.settings, gateway_listen="127.0.0.1:0", kurento_urls=(NOBODY,))
    async with serving(replace(collaborators, settings=settings)) as (gateway, server):
        gateway.url = f"ws://{address_of(server)}/live"
        work = asyncio.create_task(gateway.run())
        yield gateway
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


@pytest_asyncio.fixture
async def browser(gateway, settings):
    """``browser()`` makes one; all are closed at the end."""
    made = []

    def make_browser():
        made.append(Browser(gateway.url, settings))
        return made[-1]

    yield make_browser
    for one in made:
        await one.end()
