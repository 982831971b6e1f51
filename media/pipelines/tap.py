"""The worker's way to a camera's pictures and sound: an RtpEndpoint in the pipeline that sends them here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from appliance.models import LiveMedia
from appliance.settings import Settings, port_range
from media.frames.rtp_tap import RtpTap
from media.kurento import Binding, KurentoClient, MediaPipeline, MediaType, RtpEndpoint, WebRtcEndpoint
from media.ports import Range

RATE = 4.0
"""Pictures a second out of the tap; the analyser looks at two of them unless it suspects something."""

PING_SECONDS = 5.0
"""Pause between pings of a tap's connection: a dead node is silent, and the gateway tells what follows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where taps of this worker listen."""

    host: str
    """The address of this machine that media nodes can reach."""
    ports: Range | None = None
    """What a firewall lets through; None: any."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the place that the settings name."""
        return cls(settings.rtp_host, port_range(settings.rtp_ports) if settings.rtp_ports else None)


@asynccontextmanager
async def tapped(
    row: LiveMedia, place: Place, lost: asyncio.Event, rate: float = RATE, sound: bool = False
) -> AsyncIterator[RtpTap]:
    """A tap of a live track, gone from the node at the end; ``lost`` is set when the node is.

    ``rate``: pictures a second. ``sound``: of the track's sound, too. Raises ``KurentoError`` when the node does not
    have the track (any more).
    """
    client = KurentoClient(row.node_url, ping_interval=PING_SECONDS)

    def changed(binding: Binding) -> None:
        if binding is not Binding.KEPT:
            lost.set()

    client.watch(changed)
    await client.open()
    try:
        name = f"sitting {row.sitting_id} {row.track.value}"
        tap = RtpTap(name, place.host, rate, ports=place.ports, sound=sound)
        try:
            endpoint = await RtpEndpoint.create(MediaPipeline(client, row.pipeline_id))
            tap.accept(await endpoint.process_offer(tap.offer))
            source = WebRtcEndpoint(client, row.endpoint_id)
            await source.connect(endpoint, MediaType.VIDEO)
            if sound:
                await source.connect(endpoint, MediaType.AUDIO)
            yield tap
        finally:
            tap.close()
    finally:
        await client.close(end_session=True)  # the endpoint is this session's own and goes with it
