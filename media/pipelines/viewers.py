"""Those who watch a sitting's tracks live: one WebRtcEndpoint each, fed by the browser's own."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import MediaUnavailable, TooMany
from appliance.vocabulary import Track
from media.kurento import IceCandidate, WebRtcEndpoint
from media.pipelines.ice import EarlyCandidates
from media.pipelines.live_track import LiveTrack, OnCandidate, let_go, tell_candidates
from media.pipelines.nodes import OWNER_TAG, Node

VIEWERS = 40
"""Of one sitting: a proctor, a reviewer, a second one and their reloads; far more is a fault or a flood."""


@dataclass
class Viewer:
    """One who watches one track."""

    track: Track
    source: str
    """The endpoint of the browser they watch."""
    endpoint: WebRtcEndpoint
    on_ended: Callable[[str], None]


class Viewers:
    """The viewers of one sitting, by the name of their connection (unique over all sockets)."""

    def __init__(self) -> None:
        """Nobody watches."""
        self._viewers: dict[str, Viewer] = {}
        self._early = EarlyCandidates()

    async def add(
        self, key: str, live: LiveTrack | None, sdp: str, on_candidate: OnCandidate, on_ended: Callable[[str], None]
    ) -> str:
        """Answer a recvonly offer with the track; raise ``MediaUnavailable`` when it is not live."""
        if live is None:
            self._early.forget(key)
            raise MediaUnavailable("This picture is not live just now.")
        if len(self._viewers) >= VIEWERS:
            raise TooMany("Too many people watch this sitting already.")
        await self.remove(key)
        endpoint = await WebRtcEndpoint.create(live.pipeline)
        try:
            await endpoint.add_tag(OWNER_TAG, live.node.gateway_id)
            await tell_candidates(endpoint, on_candidate)
            await live.endpoint.connect(endpoint)  # before the offer: so the node agrees on the codec of the track
            answer = await endpoint.process_offer(sdp)
            await endpoint.gather_candidates()
        except BaseException:
            await let_go(endpoint)
            raise
        self._viewers[key] = Viewer(live.track, live.endpoint.id, endpoint, on_ended)
        await self._early.hand_over(key, endpoint)
        return answer

    def __contains__(self, key: str) -> bool:
        """Whether this one watches."""
        return key in self._viewers

    def __len__(self) -> int:
        """Return how many watch."""
        return len(self._viewers)

    @property
    def has_early(self) -> bool:
        """Whether candidates wait for a viewer that is to come."""
        return len(self._early) > 0

    def take_over(self, others: "Viewers") -> None:
        """Have the viewers of a sitting that another gateway acts on from now on: they watch on."""
        self._viewers |= others._viewers
        others._viewers = {}

    async def end_unless(self, sources: frozenset[str], cause: str) -> None:
        """End those whose source is gone."""
        for key, viewer in list(self._viewers.items()):
            if viewer.source not in sources:
                await self._end(key, viewer, cause, node_gone=False)

    async def add_candidate(self, key: str, candidate: IceCandidate) -> None:
        """Take a candidate of the watching browser, also before its endpoint is there."""
        viewer = self._viewers.get(key)
        if viewer is None:
            self._early.keep(key, candidate)
        else:
            await viewer.endpoint.add_ice_candidate(candidate)

    async def remove(self, key: str) -> None:
        """They watch no longer."""
        self._early.forget(key)
        viewer = self._viewers.pop(key, None)
        if viewer is not None:
            await let_go(viewer.endpoint)

    async def end(self, track: Track | None, cause: str, node_gone: bool = False) -> None:
        """What they watch (a track, or all of them) is gone: tell them and let their endpoints go."""
        for key, viewer in list(self._viewers.items()):
            if track is None or viewer.track is track:
                await self._end(key, viewer, cause, node_gone)

    async def end_of(self, node: Node, cause: str) -> None:
        """End those in a node that is gone."""
        for key, viewer in list(self._viewers.items()):
            if viewer.endpoint.client is node.client:
                await self._end(key, viewer, cause, node_gone=True)

    async def _end(self, key: str, viewer: Viewer, cause: str, node_gone: bool) -> None:
        self._viewers.pop(key, None)
        viewer.on_ended(cause)
        if not node_gone:
            await let_go(viewer.endpoint)
