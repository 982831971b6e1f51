"""A restarted gateway takes over the media objects that the former one left running in a node."""

from collections.abc import Callable, Sequence

import structlog

from appliance.models import LiveMedia
from media.kurento import KurentoError, MediaPipeline, RecorderEndpoint, ServerError, WebRtcEndpoint
from media.pipelines.live_track import LiveTrack, let_go
from media.pipelines.nodes import Node

OURS = (WebRtcEndpoint.kind, RecorderEndpoint.kind)
"""Kinds that only gateways make; an RtpEndpoint in a pipeline is a worker's tap and stays."""

log = structlog.get_logger(__name__)


async def adopt(node: Node, row: LiveMedia, changed: Callable[[], None]) -> LiveTrack | None:
    """Return the live track of a ledger row, its recorder running on; None if the node does not have it any more."""
    client = node.client
    kept = node.kept_session and row.session_id == client.session_id
    live = LiveTrack(
        track=row.track,
        connection=row.connection,
        node=node,
        pipeline=MediaPipeline(client, row.pipeline_id),
        endpoint=WebRtcEndpoint(client, row.endpoint_id),
        changed=changed,
    )
    try:
        if not kept:
            await _hold(node, row)
        await live.listen(None, adopt=kept)
        if row.recorder_id and row.part_id is not None:
            await live.adopt_recorder(row.recorder_id, row.part_id, kept)
        await live.look()
    except ServerError as error:
        log.warning("nothing to adopt", sitting=row.sitting_id, track=row.track.value, error=error.message)
        return None
    except KurentoError as error:
        log.warning("node went away", sitting=row.sitting_id, track=row.track.value, error=error.message)
        return None
    log.info("adopted", sitting=row.sitting_id, track=row.track.value, recorder=bool(row.recorder_id))
    return live


async def release_strays(pipeline: MediaPipeline, rows: Sequence[LiveMedia]) -> None:
    """Release what the former gateway had not yet written down, or what only its own sockets used (viewers)."""
    known = {row.endpoint_id for row in rows} | {row.recorder_id for row in rows}
    try:
        for object_id in await pipeline.get_children():
            if object_id not in known and any(object_id.endswith(f".{kind}") for kind in OURS):
                await let_go(WebRtcEndpoint(pipeline.client, object_id))
    except KurentoError as error:
        log.warning("strays not released", pipeline=pipeline.id, error=error.message)


async def _hold(node: Node, row: LiveMedia) -> None:
    """Make our session an owner too, so that the objects outlive the session that made them."""
    for object_id in (row.pipeline_id, row.endpoint_id, row.recorder_id):
        if object_id:
            await node.client.request("ref", {"object": object_id})
