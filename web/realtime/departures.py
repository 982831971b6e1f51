"""When a member of staff is no longer let in: their open sockets close with their log-in or their account."""

from typing import Any

from sqlalchemy.orm import Session

from appliance.services import login_sessions
from web.realtime.connection import Connection
from web.realtime.messages import CloseCode
from web.realtime.rooms import Rooms

CLOSED = login_sessions.CLOSED
_REASON = "this log-in has ended"


def is_open(session: Session, connection: Connection) -> bool:
    """Say whether who speaks here may still do so: a token outlives its log-in by up to a minute."""
    who = connection.identity
    if who is None or who.kind != "user":
        return True
    return login_sessions.is_open(session, who.id, connection.login_id)


def close(connection: Connection) -> None:
    """Send one socket away; its page asks for a new token, and is told why there is none."""
    connection.close(CloseCode.TOKEN_REFUSED, _REASON)


def account_closed(rooms: Rooms[Connection], payload: dict[str, Any]) -> None:
    """Log-ins are over, or the whole account is (no ids): who speaks by them is sent away."""
    ended = set(payload["login_ids"])
    for connection in rooms:
        who = connection.identity
        if who is None or who.kind != "user" or who.id != payload["user_id"]:
            continue
        if not ended or connection.login_id in ended:
            close(connection)
