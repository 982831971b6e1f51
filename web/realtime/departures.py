"""When a member of staff is no longer let in: their open sockets close with their log-in, its lock or their account.

What somebody did is told by the bus. What only time does (a log-in that runs out, a page that nobody touched and
whose script did not lock it) is looked for.
"""

import asyncio
import contextlib
from typing import Any

from sqlalchemy.orm import Session

from appliance.errors import ApplianceError
from appliance.services import login_sessions
from appliance.settings import Settings
from media.pipelines.store import Store
from web.realtime.connection import Connection
from web.realtime.messages import CloseCode
from web.realtime.rooms import Rooms

CLOSED = login_sessions.CLOSED
_REASON = "this log-in has ended or is locked"
LOOK_SECONDS = 15.0


def is_open(session: Session, connection: Connection) -> bool:
    """Say whether who speaks here may still do so: a token outlives its log-in by up to a minute."""
    who = connection.identity
    if who is None or who.kind != "user":
        return True
    return login_sessions.is_open(session, who.id, connection.login_id)


def close(connection: Connection) -> None:
    """Send one socket away; its page asks for a new token, and is told why there is none."""
    connection.close(CloseCode.TOKEN_REFUSED, _REASON)


async def run(store: Store, rooms: Rooms[Connection], settings: Settings) -> None:
    """Look until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(ApplianceError):  # the database is away: the next look finds them
            await look(store, rooms, settings)


async def look(store: Store, rooms: Rooms[Connection], settings: Settings) -> None:
    """Send away whose log-in is over, or at whose page nobody is."""
    known = {connection.login_id for connection in rooms if connection.login_id is not None}
    if not known:
        return
    there = await store.run(login_sessions.attended, settings, known)
    for connection in rooms:
        if connection.login_id in known - there:
            close(connection)


def account_closed(rooms: Rooms[Connection], payload: dict[str, Any]) -> None:
    """Log-ins are over or locked, or the whole account is (no ids): who speaks by them is sent away."""
    ended = set(payload["login_ids"])
    for connection in rooms:
        who = connection.identity
        if who is None or who.kind != "user" or who.id != payload["user_id"]:
            continue
        if not ended or connection.login_id in ended:
            close(connection)
