"""What a media node says of one published track: objects, ICE, DTLS, statistics twice, recorder, who watches."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from media.checks.facts import TrackFacts
from media.kurento import (
    KurentoClient,
    KurentoError,
    MediaPipeline,
    MediaType,
    RecorderEndpoint,
    RtpEndpoint,
    ServerError,
    WebRtcEndpoint,
)

T = TypeVar("T")

APART_SECONDS: Final = 1.2
"""Between two looks at counters and file: five pulses of the recorder, and RTCP's interval."""
GROW_SECONDS: Final = 3.0
"""A file system of the network, or Kurento's muxer, may write seldom."""


@dataclass(frozen=True)
class Sample:
    """Counters at one moment."""

    at: float
    video: dict[str, Any]
    audio: dict[str, Any]
    file_bytes: int | None
    """None: no file, or not on this machine."""


@dataclass(frozen=True)
class Watcher:
    """An endpoint that shows the pictures to somebody."""

    id: str
    ice_state: str
    local: str
    remote: str


@dataclass
class TrackProbe:
    """The node's word. Empty where the node does not say (Kurento and ours differ) or the track is not there."""

    error: str = ""
    exists: bool = False
    ice_state: str = ""
    dtls_state: str = ""
    connection_state: str = ""
    pair: tuple[str, str] | None = None
    flowing: bool = False
    sound_flowing: bool = False
    recorder_state: str = ""
    local: str = ""
    remote: str = ""
    before: Sample | None = None
    after: Sample | None = None
    taps: int = 0
    watchers: list[Watcher] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    dot: str = ""

    def rate_kbps(self, kind: str) -> float | None:
        """Return what arrived of ``video`` or ``audio`` between the two looks."""
        if self.before is None or self.after is None:
            return None
        first, last = getattr(self.before, kind), getattr(self.after, kind)
        if "bytesReceived" not in first or "bytesReceived" not in last:
            return None
        grown = float(last["bytesReceived"]) - float(first["bytesReceived"])
        return round(max(0.0, grown) * 8 / 1000 / max(0.1, self.after.at - self.before.at), 1)


async def ask(client: KurentoClient, facts: TrackFacts, known: frozenset[str]) -> TrackProbe:
    """Return what the node says of a track; ``known`` are all endpoints that candidates publish to."""
    probe, row = TrackProbe(), facts.live
    if row is None:
        return probe
    endpoint = WebRtcEndpoint(client, row.endpoint_id)
    try:
        probe.exists = await endpoint.exists()
        if not probe.exists:
            return probe
        await _state(probe, endpoint)
        path = Path(facts.part.path) if facts.part is not None and facts.part.path else None
        probe.before = await _sample(endpoint, path)
        if row.recorder_id:
            probe.recorder_state = str(
                await _maybe(RecorderEndpoint(client, row.recorder_id).invoke("getState")) or ""
            )
        pipeline = MediaPipeline(client, row.pipeline_id)
        await _neighbours(probe, pipeline, known)
        probe.after = await _later(endpoint, path, probe.before)
        probe.dot = await _maybe(pipeline.get_gstreamer_dot()) or ""
    except KurentoError as error:
        probe.error = error.message
    return probe


async def _state(probe: TrackProbe, endpoint: WebRtcEndpoint) -> None:
    probe.ice_state = await ice_state(endpoint)
    dtls = await _maybe(endpoint.invoke("getDtlsConnectionState")) or []
    probe.dtls_state = str(dtls[0].get("state", "")) if dtls else ""
    probe.connection_state = str(await _maybe(endpoint.invoke("getConnectionState")) or "")
    pairs = await _maybe(endpoint.invoke("getICECandidatePairs")) or []
    if pairs:
        probe.pair = (str(pairs[0].get("localCandidate", "")), str(pairs[0].get("remoteCandidate", "")))
    probe.flowing = bool(await _maybe(endpoint.is_media_flowing_out(MediaType.VIDEO)))
    probe.sound_flowing = bool(await _maybe(endpoint.is_media_flowing_out(MediaType.AUDIO)))
    probe.local = await _maybe(endpoint.get_local_session_descriptor()) or ""
    probe.remote = str(await _maybe(endpoint.invoke("getRemoteSessionDescriptor")) or "")
    probe.stats = await _stats(endpoint)
    transport: dict[str, Any] = next((one for one in probe.stats.values() if "dtlsState" in one), {})
    probe.dtls_state = probe.dtls_state or str(transport.get("dtlsState", "")).upper()


async def ice_state(endpoint: WebRtcEndpoint) -> str:
    """Return CONNECTED, READY, CONNECTING, FAILED …; empty when the endpoint has no component yet."""
    states = await _maybe(endpoint.invoke("getIceConnectionState")) or []
    return str(states[0].get("state", "")) if states else ""


async def _neighbours(probe: TrackProbe, pipeline: MediaPipeline, known: frozenset[str]) -> None:
    for object_id in await _maybe(pipeline.get_children()) or []:
        if object_id.endswith(f".{RtpEndpoint.kind}"):
            probe.taps += 1
        elif object_id.endswith(f".{WebRtcEndpoint.kind}") and object_id not in known:
            other = WebRtcEndpoint(pipeline.client, object_id)
            local = await _maybe(other.get_local_session_descriptor()) or ""
            remote = str(await _maybe(other.invoke("getRemoteSessionDescriptor")) or "")
            probe.watchers.append(Watcher(object_id, await ice_state(other), local, remote))


async def _sample(endpoint: WebRtcEndpoint, path: Path | None) -> Sample:
    video, audio = await _inbound(endpoint, MediaType.VIDEO), await _inbound(endpoint, MediaType.AUDIO)
    return Sample(time.monotonic(), video, audio, await asyncio.to_thread(_size, path))


async def _later(endpoint: WebRtcEndpoint, path: Path | None, before: Sample) -> Sample:
    deadline = before.at + (GROW_SECONDS if before.file_bytes is not None else APART_SECONDS)
    await asyncio.sleep(max(0.0, before.at + APART_SECONDS - time.monotonic()))
    while True:
        after = await _sample(endpoint, path)
        grown = before.file_bytes is None or (after.file_bytes or 0) > before.file_bytes
        if grown or time.monotonic() >= deadline:
            return after
        await asyncio.sleep(0.3)


async def _inbound(endpoint: WebRtcEndpoint, kind: MediaType) -> dict[str, Any]:
    found = await _stats(endpoint, kind)
    inbound = (item for item in found.values() if isinstance(item, dict) and "bytesReceived" in item)
    return next(inbound, {})


async def _stats(endpoint: WebRtcEndpoint, kind: MediaType | None = None) -> dict[str, Any]:
    """Return all that the node tells; a server that does not know ``complete`` is asked plainly."""
    found = await _maybe(endpoint.get_stats(kind, complete=True))
    return found or await _maybe(endpoint.get_stats(kind)) or {}


def _size(path: Path | None) -> int | None:
    if path is None:
        return None
    try:
        return path.stat().st_size
    except OSError:
        return None


async def _maybe(asked: Awaitable[T]) -> T | None:
    """Return the answer, None where this node knows no such question; a lost connection is raised."""
    with contextlib.suppress(ServerError):
        return await asked
    return None
