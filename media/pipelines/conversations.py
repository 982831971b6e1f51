"""The media of calls, broadcasts and conferences: one pipeline each, an endpoint for each who sends or hears.

Nothing is mixed and nothing transcoded: in a commission of four everybody sends once and receives three times.
Several gateways may serve one conversation: where its media live, and who sends to which endpoint, stands in the
database.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import MediaUnavailable, TooMany
from appliance.models import Conversation, Seat
from appliance.services import conversations as service
from appliance.vocabulary import GapCause
from media.kurento import IceCandidate, KurentoError, MediaPipeline, ServerError, WebRtcEndpoint
from media.pipelines.ice import EarlyCandidates
from media.pipelines.live_track import OnCandidate, let_go, tell_candidates
from media.pipelines.nodes import Node, Nodes
from media.pipelines.store import Store

LEGS = 1000
"""Connections of one gateway: four broadcasts to everybody."""

OnEnded = Callable[[str], None]

log = structlog.get_logger(__name__)


@dataclass
class Leg:
    """One connection of one browser: it sends, or it hears another."""

    conversation_id: int
    seat_id: int
    """Of who sends."""
    sends: bool
    node: Node
    pipeline: MediaPipeline
    endpoint: WebRtcEndpoint
    on_ended: OnEnded


class Conversations:
    """The connections of this gateway's browsers in conversations, by a name that is unique over all sockets."""

    def __init__(self, store: Store, nodes: Callable[[], Nodes]) -> None:
        """Nobody speaks yet."""
        self._store, self._nodes = store, nodes
        self._legs: dict[str, Leg] = {}
        self._early = EarlyCandidates()
        self._locks: dict[int, asyncio.Lock] = {}

    def has(self, key: str) -> bool:
        """Whether this connection is one of a conversation."""
        return key in self._legs

    async def speak(
        self, key: str, conversation_id: int, seat_id: int, sdp: str, on_candidate: OnCandidate, on_ended: OnEnded
    ) -> str:
        """Answer a sendonly offer; who hears is told that this person sends.

        Raises ``MediaUnavailable`` without a node, ``ImpossibleStep`` when the conversation is over, ``ServerError``
        for an offer that cannot be used.
        """
        async with self._alone(conversation_id):
            await self._make_room(key)
            for other, leg in list(self._legs.items()):
                if leg.sends and leg.seat_id == seat_id:
                    await self._end(other, "replaced")
            node, pipeline = await self._pipeline(conversation_id)
            endpoint = await self._endpoint(conversation_id, pipeline)
            leg = Leg(conversation_id, seat_id, True, node, pipeline, endpoint, on_ended)
            answer = await self._answer(key, leg, sdp, on_candidate)
            await self._store.run(service.sends, conversation_id, seat_id, endpoint.id)
        log.info("speaks", conversation=conversation_id, seat=seat_id)
        return answer

    async def listen(
        self, key: str, conversation_id: int, seat_id: int, sdp: str, on_candidate: OnCandidate, on_ended: OnEnded
    ) -> str:
        """Answer a recvonly offer with what the person of a seat sends; ``MediaUnavailable`` when they do not."""
        async with self._alone(conversation_id):
            await self._make_room(key)
            node_url, pipeline_id, source = await self._store.run(_where, conversation_id, seat_id)
            node = self._nodes().get(node_url)
            if node is None or not node.healthy or not source:
                self._early.forget(key)
                raise MediaUnavailable("This person is not sending just now.")
            pipeline = MediaPipeline(node.client, pipeline_id)
            endpoint = await self._endpoint(conversation_id, pipeline)
            leg = Leg(conversation_id, seat_id, False, node, pipeline, endpoint, on_ended)
            # before the offer: so the node agrees on the codec of what is sent
            return await self._answer(key, leg, sdp, on_candidate, WebRtcEndpoint(node.client, source))

    async def add_candidate(self, key: str, candidate: IceCandidate) -> None:
        """Take a browser's candidate, also before its endpoint is there."""
        leg = self._legs.get(key)
        if leg is None:
            self._early.keep(key, candidate)
        else:
            await leg.endpoint.add_ice_candidate(candidate)

    async def stop(self, key: str) -> None:
        """This connection ends."""
        self._early.forget(key)
        if key in self._legs:
            await self._end(key, "")

    async def leave(self, conversation_id: int, seat_id: int) -> None:
        """A person left: end what they send and who hears it here."""
        for key, leg in list(self._legs.items()):
            if leg.conversation_id == conversation_id and leg.seat_id == seat_id:
                await self._end(key, "left")

    async def over(self, conversation_id: int) -> None:
        """The conversation ended: nothing of it stays in the node."""
        async with self._alone(conversation_id):
            for key, leg in list(self._legs.items()):
                if leg.conversation_id == conversation_id:
                    del self._legs[key]
                    leg.on_ended("over")
            node_url, pipeline_id = await self._store.insist(_place, conversation_id)
            node = self._nodes().get(node_url) if pipeline_id else None
            if node is not None and node.healthy:  # every gateway tries: the one that made it may be gone
                await let_go(MediaPipeline(node.client, pipeline_id))
        self._locks.pop(conversation_id, None)

    async def node_lost(self, node: Node) -> None:
        """All that lived in a node is gone; the pages are told, and who spoke begins anew elsewhere."""
        gone = {key: leg for key, leg in self._legs.items() if leg.node is node}
        for key, leg in gone.items():
            del self._legs[key]
            leg.on_ended(GapCause.NODE_LOST)
        for conversation_id, pipeline_id in {(leg.conversation_id, leg.pipeline.id) for leg in gone.values()}:
            await self._store.insist(service.pipeline_gone, conversation_id, pipeline_id)

    # ---- inside

    def _alone(self, conversation_id: int) -> asyncio.Lock:
        return self._locks.setdefault(conversation_id, asyncio.Lock())

    async def _make_room(self, key: str) -> None:
        if key in self._legs:
            await self._end(key, "")
        if len(self._legs) >= LEGS:
            raise TooMany("Too many conversations at once; try again later.")

    async def _pipeline(self, conversation_id: int) -> tuple[Node, MediaPipeline]:
        """Return where the conversation's media live, made if this is the first who sends."""
        node_url, pipeline_id = await self._store.run(_place, conversation_id)
        node = self._nodes().get(node_url) if pipeline_id else None
        if node is not None and node.healthy:
            return node, MediaPipeline(node.client, pipeline_id)
        if pipeline_id:
            await self._store.run(service.pipeline_gone, conversation_id, pipeline_id)
        node = self._nodes().place()
        pipeline = await node.make_pipeline()
        node_url, pipeline_id = await self._store.run(service.lives_in, conversation_id, node.url, pipeline.id)
        if pipeline_id == pipeline.id:
            return node, pipeline
        await let_go(pipeline)  # another gateway was quicker
        quicker = self._nodes().get(node_url)
        if quicker is None:
            raise MediaUnavailable
        return quicker, MediaPipeline(quicker.client, pipeline_id)

    async def _endpoint(self, conversation_id: int, pipeline: MediaPipeline) -> WebRtcEndpoint:
        try:
            return await WebRtcEndpoint.create(pipeline)
        except ServerError as error:  # the gateway that made the pipeline is gone, and its objects with it
            await self._store.run(service.pipeline_gone, conversation_id, pipeline.id)
            raise MediaUnavailable("The conversation's media are gone; try again.") from error

    async def _answer(
        self, key: str, leg: Leg, sdp: str, on_candidate: OnCandidate, source: WebRtcEndpoint | None = None
    ) -> str:
        try:
            await tell_candidates(leg.endpoint, on_candidate)
            if source is not None:
                await source.connect(leg.endpoint)
            answer = await leg.endpoint.process_offer(sdp)
            await leg.endpoint.gather_candidates()
        except BaseException:
            await let_go(leg.endpoint)
            raise
        self._legs[key] = leg
        await self._early.hand_over(key, leg.endpoint)
        return answer

    async def _end(self, key: str, cause: str) -> None:
        leg = self._legs.pop(key)
        if cause:
            leg.on_ended(cause)
        await let_go(leg.endpoint)
        if leg.sends:
            await self._store.insist(service.stopped_sending, leg.conversation_id, leg.seat_id, leg.endpoint.id)
            for other, hears in list(self._legs.items()):
                if not hears.sends and hears.seat_id == leg.seat_id and other in self._legs:
                    with contextlib.suppress(KurentoError):
                        await self._end(other, "stopped")


def pipelines(session: Session, node_url: str) -> frozenset[str]:
    """Return the pipelines of open conversations in a node: they are nobody's orphans."""
    query = select(Conversation.pipeline_id).where(Conversation.node_url == node_url, Conversation.ended_at.is_(None))
    return frozenset(session.scalars(query))


def _place(session: Session, conversation_id: int) -> tuple[str, str]:
    row = service.get(session, conversation_id)
    return row.node_url, row.pipeline_id


def _where(session: Session, conversation_id: int, seat_id: int) -> tuple[str, str, str]:
    row = service.get(session, conversation_id)
    seat = session.get(Seat, seat_id)
    return row.node_url, row.pipeline_id, seat.endpoint_id if seat is not None else ""
