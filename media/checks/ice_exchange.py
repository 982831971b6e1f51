"""Carries ICE candidates between two sides of a trial, in order, none before its side can take it."""

import asyncio
from collections.abc import Callable

from media.kurento import IceCandidate, KurentoError, WebRtcEndpoint
from media.kurento.events import IceCandidateFound

CANDIDATES = 128
"""A host with a VPN, IPv6 and containers' bridges finds some 30."""


class Exchange:
    """The way of candidates to one endpoint, and from it to whoever listens."""

    def __init__(self, endpoint: WebRtcEndpoint) -> None:
        """Hold everything back until ``go``."""
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[IceCandidate] = asyncio.Queue(CANDIDATES)
        self._out: asyncio.Queue[IceCandidate] = asyncio.Queue(CANDIDATES)
        self._take: Callable[[str, int], object] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def from_publisher(self, candidate: str, mid: str, index: int) -> None:
        """Take a candidate for the endpoint, from any thread."""
        self._loop.call_soon_threadsafe(self._put, self._waiting, IceCandidate(candidate, mid, index))

    async def listen(self, take: Callable[[str, int], object]) -> None:
        """Have the endpoint's own candidates given to ``take``, which blocks, in a thread."""
        self._take = take
        await self._endpoint.subscribe(IceCandidateFound, self._found)

    async def relay_to(self, other: "Exchange") -> None:
        """Have the endpoint's own candidates given to another endpoint."""

        def found(event: IceCandidateFound) -> None:
            candidate = event.candidate
            told = IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index)
            self._put(other._waiting, told)

        await self._endpoint.subscribe(IceCandidateFound, found)

    def go(self) -> None:
        """Both sides know each other's description: let the candidates through."""
        self._tasks.append(self._loop.create_task(self._in()))
        if self._take is not None:
            self._tasks.append(self._loop.create_task(self._outwards(self._take)))

    def close(self) -> None:
        """Carry no more."""
        for task in self._tasks:
            task.cancel()

    def _found(self, event: IceCandidateFound) -> None:
        candidate = event.candidate
        self._put(self._out, IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index))

    def _put(self, queue: "asyncio.Queue[IceCandidate]", candidate: IceCandidate) -> None:
        if not queue.full():
            queue.put_nowait(candidate)

    async def _in(self) -> None:
        while True:
            candidate = await self._waiting.get()
            try:
                await self._endpoint.add_ice_candidate(candidate)
            except KurentoError:  # the endpoint is gone, or does not like this one; others may do
                if not self._endpoint.client.connected:
                    return

    async def _outwards(self, take: Callable[[str, int], object]) -> None:
        while True:
            candidate = await self._out.get()
            await asyncio.to_thread(take, candidate.candidate, candidate.sdp_mline_index)
