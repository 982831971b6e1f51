"""ICE candidates that come before there is an endpoint to take them."""

from collections import OrderedDict, deque

from media.kurento import IceCandidate, WebRtcEndpoint

CONNECTIONS = 200
"""A room of 30 sittings looks at 60 tracks; the rest is for those being replaced."""
CANDIDATES = 64
"""A browser with a VPN, IPv6 and two TURN servers sends about 20 for one bundled connection."""


class EarlyCandidates:
    """Keeps the candidates of connections that have no endpoint yet; the oldest connection makes room."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._waiting: OrderedDict[str, deque[IceCandidate]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many connections wait."""
        return len(self._waiting)

    def keep(self, connection: str, candidate: IceCandidate) -> None:
        """Keep one until the connection's endpoint is there."""
        if connection not in self._waiting and len(self._waiting) >= CONNECTIONS:
            self._waiting.popitem(last=False)
        self._waiting.setdefault(connection, deque(maxlen=CANDIDATES)).append(candidate)

    async def hand_over(self, connection: str, endpoint: WebRtcEndpoint) -> None:
        """Give an endpoint what waited for it."""
        for candidate in self._waiting.pop(connection, ()):
            await endpoint.add_ice_candidate(candidate)

    def forget(self, connection: str) -> None:
        """The connection will never be."""
        self._waiting.pop(connection, None)
