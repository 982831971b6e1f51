"""One track's objects in a media node: the endpoint the browser sends to, and the recorder while there is one."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from appliance.db import utcnow
from appliance.vocabulary import GapCause, Track
from media.kurento import (
    IceCandidate,
    KurentoError,
    MediaPipeline,
    MediaProfile,
    MediaType,
    RecorderEndpoint,
    RequestTimeout,
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

RECORD_SECONDS = 3.0
"""A recorder takes some 10 ms to begin; one that takes so long hangs with its disk."""
NO_SPACE = "no space left"
"""How a node names a full disk: GStreamer's RESOURCE_ERROR_NO_SPACE_LEFT, or its words."""

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
    path: Path | None = None
    """Where the recorder writes; None where that is not known yet, after an adoption."""
    recorder_failure: str = ""
    """What is wrong with the recorder, by the node's word or by the watch; empty while it is well."""
    recorder_cause: GapCause = GapCause.RECORDER_FAILED
    recorder_fed: bool | None = None
    """Whether pictures reach the recorder, by the node's word; None until it said so."""
    stalled_since: datetime | None = None
    """The file stands still since then although pictures arrive; None while it grows."""
    stalled_why: str = ""
    grew_again_at: datetime | None = None
    """When the last stall ended by itself."""
    _heard: str = ""
    """The recorder whose events count."""

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
            await self._listen_to(recorder)
            async with asyncio.timeout(RECORD_SECONDS):
                await self.feed(recorder)
                at = utcnow()
                await recorder.record()
        except BaseException as error:
            let_go_soon(recorder)
            if isinstance(error, TimeoutError):
                raise RequestTimeout(f"The recorder did not begin within {RECORD_SECONDS:.0f} s.") from error
            raise
        self.recorder, self.path = recorder, path
        return at

    async def feed(self, recorder: RecorderEndpoint) -> None:
        """Connect the recorder, anew if it is connected: the node asks the source for a key frame then."""
        if PROFILES[self.track] is MediaProfile.WEBM:
            await self.endpoint.connect(recorder)
        else:
            await self.endpoint.connect(recorder, MediaType.VIDEO)

    async def adopt_recorder(self, recorder_id: str, part_id: int, adopt: bool) -> None:
        """Take over a recorder that a former gateway started."""
        self.recorder, self.part_id = RecorderEndpoint(self.node.client, recorder_id), part_id
        await self._listen_to(self.recorder, adopt)

    async def stop_recorder(self) -> datetime:
        """Stop the recorder and wait until its file is complete; return when it was told.

        A recorder that does not stop as asked is let go all the same: what it wrote is what there is.
        """
        at = utcnow()
        recorder = self.detach_recorder()
        if recorder is not None:
            await stop(recorder)
        return at

    def detach_recorder(self) -> RecorderEndpoint | None:
        """Have no recorder any more; return the one there was, which still has to be stopped."""
        recorder, self.recorder, self.part_id, self.path = self.recorder, None, None, None
        self._heard, self.recorder_failure, self.recorder_fed = "", "", None
        self.stalled_since = None
        return recorder

    def set_stalled(self, why: str | None, at: datetime) -> None:
        """The file stands still since ``at``, or (without a reason) grows again since then."""
        if why is None:
            self.stalled_since, self.grew_again_at = None, at
        else:
            self.stalled_since, self.stalled_why = at, why
        self.changed()

    def give_up_recorder(self, cause: GapCause, detail: str) -> None:
        """The recorder does not record: its part is to end."""
        self.recorder_failure, self.recorder_cause = detail, cause
        self.changed()

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

    async def _listen_to(self, recorder: RecorderEndpoint, adopt: bool = False) -> None:
        self._heard, self.recorder_fed = recorder.id, None

        def failed(event: events.Error) -> None:
            if self._heard == recorder.id:  # the last words of one that was given up say nothing of the next
                words = f"{event.kind}: {event.description}"
                full = NO_SPACE in words.replace("_", " ").lower()
                self.give_up_recorder(GapCause.DISK_FULL if full else GapCause.RECORDER_FAILED, words)

        def fed(event: events.MediaFlowInStateChanged) -> None:
            if self._heard == recorder.id and event.media_type == MediaType.VIDEO:
                self.recorder_fed = event.state == "FLOWING"

        await recorder.subscribe(events.Error, failed, adopt)
        await recorder.subscribe(events.MediaFlowInStateChanged, fed, adopt)


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


async def stop(recorder: RecorderEndpoint) -> None:
    """Stop a recorder and let it go; one that does not stop as asked is let go all the same."""
    with contextlib.suppress(KurentoError):
        await recorder.stop_and_wait()
    await let_go(recorder)


_leaving: set[asyncio.Task[None]] = set()
"""Keeps what is being released; each ends with the answer of its node or with the time it is given."""


def let_go_soon(element: WebRtcEndpoint | RecorderEndpoint) -> None:
    """Release an object without waiting for a node that may hang."""
    task = asyncio.get_running_loop().create_task(let_go(element))
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)
