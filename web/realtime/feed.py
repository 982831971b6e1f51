"""The way of a bus event to one socket: what was missed first, in order and once, then what comes."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from web.realtime.messages import AnyServerMessage, Event

REPLAY_LIMIT = 1000
"""What a socket may have missed; after more a page had better load its state anew."""


class LiveFact(Protocol):
    """What the feed needs to know of a bus event (``bus.BusEvent`` or what ``bus.since`` returns)."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def at_ms(self) -> int: ...


class Subscription:
    """One socket's share of one topic.

    It begins by holding back: what the bus brings while the past is being read waits here, so that nothing falls
    between. ``go_live`` lets it out, without what the past already had.
    """

    def __init__(
        self, topic: str, see: Callable[[LiveFact], Event | None], post: Callable[[AnyServerMessage], None]
    ) -> None:
        """``see`` makes the message for this reader, or None for what is not for them; ``post`` never blocks."""
        self.topic = topic
        self.last = 0
        self._overflowed = False
        self._see = see
        self._post = post
        # Reading the past takes milliseconds; who needs more than a whole replay's worth of waiting is told to reset.
        self._held: deque[LiveFact] | None = deque(maxlen=REPLAY_LIMIT)

    def offer(self, event: LiveFact) -> None:
        """Take an event of the bus: hold it back, or pass it on if it is new."""
        if self._held is not None:
            self._overflowed = self._overflowed or len(self._held) == REPLAY_LIMIT
            self._held.append(event)
        elif event.id > self.last:
            self.last = event.id
            message = self._see(event)
            if message is not None:
                self._post(message)

    def past(self, events: Iterable[LiveFact]) -> Iterable[Event]:
        """Yield the messages for missed events; they count as seen as they are taken."""
        for event in events:
            if event.id > self.last:
                self.last = event.id
                message = self._see(event)
                if message is not None:
                    yield message

    def go_live(self) -> bool:
        """Let out what was held back and is newer than what was seen; from now on pass on at once.

        False when more came than could be held: the reader must reset.
        """
        held, self._held = self._held or deque(), None
        for event in held:
            self.offer(event)
        return not self._overflowed
