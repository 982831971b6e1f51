"""One track's objects in a media node: the endpoint the browser sends to, and the recorder while there is one."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from appliance.db import utcnow
from appliance.vocabulary import Track
from media.kurento import (
    IceCandidate,
    KurentoError,
    MediaPipeline,
    MediaProfile,
    MediaType,
    RecorderEndpoint,
    WebRtcEndpoint,
    events,
)
from media.pipelines.nodes import Node

PROFILES = {
    Track.CAMERA: MediaProfile.WEBM,
    Track.SCREEN: MediaProfile.WEBM_VIDEO_ONLY,
    Track.AUX: MediaProfile.WEBM_VIDEO_ONLY,
}
"""A screen has no sound; a recorder that waits for it would stay empty."""

SILENCE = timedelta(seconds=2.5)
"""How long nothing came before a node says NOT_FLOWING."""

OnCandidate = Callable[[IceCandidate], None]


@dataclass
class LiveTrack:
    """A published track. Flags are set by the node's events; ``changed`` is called after each."""

    track: Track
    connection: str
    node: Node
    pipeline: MediaPipeline
    endpoint: WebRtcEndpoint
    changed: Callable[[], None]
    flowing: bool = False
    flow_changed_at: datetime = field(default_factory=utcnow)
    recorder: RecorderEndpoint | None = None
    part_id: int | None = None
    recorder_failure: str = ""
    """What the node said of the recorder that broke; empty while it is well."""

    async def listen(self, on_candidate: OnCandidate | None, adopt: bool = False) -> None:
        """Hear the endpoint's events; ``adopt`` where the node still has the former gateway's subscriptions."""
        await self.endpoint.subscribe(events.MediaFlowOutStateChanged, self._flow, adopt)
        if on_candidate is not None:
            await tell_candidates(self.endpoint, on_candidate)

    async def look(self) -> None:
        """Ask the node whether media flows: after an adoption, or when events may have been missed."""
        self._set_flowing(await self.endpoint.is_media_flowing_out(MediaType.VIDEO))

    async def record(self, path: Path) -> datetime:
        """Make a recorder that writes ``path`` and start it; return the time of the file's zero."""
        recorder = await RecorderEndpoint.create(self.pipeline, path.as_uri(), PROFILES[self.track])
        self.recorder_failure = ""
        try:
            await recorder.subscribe(events.Error, self._failed)
            if PROFILES[self.track] is MediaProfile.WEBM:
                await self.endpoint.connect(recorder)
            else:
                await self.endpoint.connect(recorder, MediaType.VIDEO)
            at = utcnow()
            await recorder.record()
        except BaseException:
            await let_go(recorder)
            raise
        self.recorder = recorder
        return at

    async def adopt_recorder(self, recorder_id: str, part_id: int, adopt: bool) -> None:
        """Take over a recorder that a former gateway started."""
        self.recorder, self.part_id = RecorderEndpoint(self.node.client, recorder_id), part_id
        await self.recorder.subscribe(events.Error, self._failed, adopt)

    async def stop_recorder(self) -> datetime:
        """Stop the recorder and wait until its file is complete; return when it was told.

        A recorder that does not stop as asked is let go all the same: what it wrote is what there is.
        """
        at = utcnow()
        recorder, self.recorder, self.part_id = self.recorder, None, None
        if recorder is not None:
            with contextlib.suppress(KurentoError):
                await recorder.stop_and_wait()
            await let_go(recorder)
        return at

    def forget(self) -> None:
        """The node is gone: hear no more of these objects."""
        self.node.client.forget_object(self.pipeline.id)

    def _flow(self, event: events.MediaFlowOutStateChanged) -> None:
        # Pictures are the evidence; a camera without a microphone is the browser's own observation.
        if event.media_type == MediaType.VIDEO:
            self._set_flowing(event.state == "FLOWING")

    def _set_flowing(self, flowing: bool) -> None:
        if flowing is not self.flowing:
            self.flowing, self.flow_changed_at = flowing, utcnow() if flowing else utcnow() - SILENCE
            self.changed()

    def _failed(self, event: events.Error) -> None:
        self.recorder_failure = f"{event.kind}: {event.description}"
        self.changed()


async def tell_candidates(endpoint: WebRtcEndpoint, on_candidate: OnCandidate) -> None:
    """Have the endpoint's ICE candidates told to the browser as they are found."""

    def found(event: events.IceCandidateFound) -> None:
        candidate = event.candidate
        on_candidate(IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index))

    await endpoint.subscribe(events.IceCandidateFound, found)


async def let_go(element: WebRtcEndpoint | RecorderEndpoint | MediaPipeline) -> None:
    """Release an object, also when its node cannot be reached any more."""
    try:
        await element.release()
    except KurentoError:
        element.client.forget_object(element.id)
