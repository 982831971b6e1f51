"""Who is here: sockets by topic, and the one socket that speaks for a sitting's candidate."""

from collections.abc import Iterator
from typing import Generic, TypeVar

C = TypeVar("C")


class Rooms(Generic[C]):
    """Sockets by topic; of the sockets of one sitting's candidate only the newest takes part."""

    def __init__(self) -> None:
        """Nobody is here yet."""
        self._topics: dict[str, set[C]] = {}
        self._candidates: dict[int, C] = {}

    def enter(self, topic: str, connection: C) -> None:
        """Let a socket hear a topic."""
        self._topics.setdefault(topic, set()).add(connection)

    def leave(self, topic: str, connection: C) -> None:
        """Undo ``enter``; harmless when it is not there."""
        members = self._topics.get(topic)
        if members is not None:
            members.discard(connection)
            if not members:
                del self._topics[topic]

    def take_seat(self, sitting_id: int, connection: C) -> C | None:
        """Make this the candidate's socket of the sitting; return the one it replaces."""
        former = self._candidates.get(sitting_id)
        self._candidates[sitting_id] = connection
        return former if former is not connection else None

    def give_up_seat(self, sitting_id: int, connection: C) -> bool:
        """The socket is gone; True if it was the one that counted."""
        if self._candidates.get(sitting_id) is not connection:
            return False
        del self._candidates[sitting_id]
        return True

    def candidate(self, sitting_id: int) -> C | None:
        """Return the candidate's socket, if there is one."""
        return self._candidates.get(sitting_id)

    def hearers(self, topic: str) -> tuple[C, ...]:
        """Return who hears the topic, as it is now."""
        return tuple(self._topics.get(topic, ()))

    def __iter__(self) -> Iterator[C]:
        """Yield every socket once."""
        seen: set[C] = set()
        for members in self._topics.values():
            seen |= members
        return iter(tuple(seen))

    def __len__(self) -> int:
        """Return how many sockets are here."""
        return sum(1 for _ in self)
