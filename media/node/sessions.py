"""Sessions: which client holds which objects, and where its events go."""

import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Link(Protocol):
    """An open connection of a client."""

    def notify(self, message: dict[str, Any]) -> None:
        """Send without waiting."""


@dataclass
class Session:
    """One client, across its connections. ``subscriptions``: id -> (object, event)."""

    id: str
    link: Link | None = None
    objects: set[str] = field(default_factory=set)
    subscriptions: dict[str, tuple[str, str]] = field(default_factory=dict)
    last_seen: float = field(default_factory=time.monotonic)


class Sessions:
    """All sessions of the node."""

    def __init__(self, silence: float) -> None:
        """``silence``: seconds without a connection after which a session is collected."""
        self.silence = silence
        self._sessions: dict[str, Session] = {}

    def get(self, session_id: str) -> Session | None:
        """A known session."""
        return self._sessions.get(session_id)

    def ids(self) -> list[str]:
        """Ids of all sessions."""
        return list(self._sessions)

    def obtain(self, session_id: str | None = None) -> Session:
        """A session; one of an unknown id is made, as Kurento does."""
        session_id = session_id or str(uuid.uuid4())
        session = self._sessions.setdefault(session_id, Session(session_id))
        session.last_seen = time.monotonic()
        return session

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self._sessions.pop(session.id, None)

    def unbind(self, link: Link) -> None:
        """A connection ended: its sessions live on for a while."""
        for session in self._sessions.values():
            if session.link is link:
                session.link = None
                session.last_seen = time.monotonic()

    def silent(self) -> list[Session]:
        """Sessions whose time is over."""
        limit = time.monotonic() - self.silence
        return [item for item in self._sessions.values() if item.link is None and item.last_seen < limit]

    def held(self, object_id: str) -> bool:
        """Whether any session holds the object or something below it."""
        below = f"{object_id}/"
        return any(
            item == object_id or item.startswith(below)
            for session in self._sessions.values()
            for item in session.objects
        )

    def subscribe(self, session: Session, object_id: str, event: str) -> str:
        """A new subscription's id."""
        subscription = str(uuid.uuid4())
        session.subscriptions[subscription] = (object_id, event)
        return subscription

    def drop_object(self, object_id: str) -> None:
        """Forget references and subscriptions of a destroyed object."""
        for session in self._sessions.values():
            session.objects.discard(object_id)
            gone = [key for key, (source, _event) in session.subscriptions.items() if source == object_id]
            for key in gone:
                del session.subscriptions[key]

    def tell(self, object_id: str, event: str, data: dict[str, Any]) -> None:
        """Send an event to every subscription of it."""
        for session in self._sessions.values():
            if session.link is None:
                continue
            for source, kind in session.subscriptions.values():
                if source == object_id and kind == event:
                    value = {"data": data, "object": object_id, "type": event}
                    session.link.notify({"jsonrpc": "2.0", "method": "onEvent", "params": {"value": value}})
