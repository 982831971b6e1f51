"""A gateway takes over the media objects that another one left running in a node."""

from collections.abc import Callable, Sequence

import structlog

from appliance.models import LiveMedia
from media.kurento import KurentoError, MediaPipeline, RecorderEndpoint, ServerError, WebRtcEndpoint
from media.pipelines.live_track import LiveTrack, let_go
from media.pipelines.nodes import OWNER_TAG, Node

log = structlog.get_logger(__name__)


async def adopt(node: Node, row: LiveMedia, changed: Callable[[], None]) -> LiveTrack | None:
    """Return the live track of a ledger row, its recorder running on; None if the node does not have it any more."""
    client = node.client
    live = LiveTrack(
        track=row.track,
        connection=row.connection,
        node=node,
        pipeline=MediaPipeline(client, row.pipeline_id),
        endpoint=WebRtcEndpoint(client, row.endpoint_id),
        changed=changed,
    )
    try:
        await _hold(node, row)
        await live.pipeline.add_tag(OWNER_TAG, node.gateway_id)
        await live.listen(None)
        if row.recorder_id and row.part_id is not None:
            await live.adopt_recorder(row.recorder_id, row.part_id, adopt=False)
        await live.look()
    except ServerError as error:
        log.warning("nothing to adopt", sitting=row.sitting_id, track=row.track.value, error=error.message)
        return None
    except KurentoError as error:
        log.warning("node went away", sitting=row.sitting_id, track=row.track.value, error=error.message)
        return None
    log.info("adopted", sitting=row.sitting_id, track=row.track.value, recorder=bool(row.recorder_id))
    return live


async def release_strays(pipeline: MediaPipeline, rows: Sequence[LiveMedia], living: Sequence[str]) -> None:
    """Release what the former gateway had not yet written down, and what only its own sockets used.

    Recorders are made by the sitting's gateway alone. Of the rest only what is tagged by a gateway that is dead:
    an RtpEndpoint is a worker's tap, viewers may be another gateway's.
    """
    known = {row.endpoint_id for row in rows} | {row.recorder_id for row in rows}
    try:
        for object_id in await pipeline.get_children():
            if object_id in known:
                continue
            if object_id.endswith(f".{RecorderEndpoint.kind}"):
                await let_go(RecorderEndpoint(pipeline.client, object_id))
            elif object_id.endswith(f".{WebRtcEndpoint.kind}"):
                await _release_if_dead(WebRtcEndpoint(pipeline.client, object_id), living)
    except KurentoError as error:
        log.warning("strays not released", pipeline=pipeline.id, error=error.message)


async def owner_of(element: WebRtcEndpoint | MediaPipeline) -> str | None:
    """Return the gateway an object is tagged with, None if it has no such tag, or is gone."""
    try:
        return await element.get_tag(OWNER_TAG)
    except ServerError:
        return None


async def _release_if_dead(endpoint: WebRtcEndpoint, living: Sequence[str]) -> None:
    owner = await owner_of(endpoint)
    if owner is not None and owner not in living:
        await let_go(endpoint)


async def _hold(node: Node, row: LiveMedia) -> None:
    """Make our session an owner too, so that the objects outlive the session that made them."""
    for object_id in (row.pipeline_id, row.endpoint_id, row.recorder_id):
        if object_id:
            await node.client.request("ref", {"object": object_id})
