"""Watches one sitting's camera while it is sat: tap -> Analyser -> observations; the job ``media.analyse_live``.

Survives a node's loss and a republished camera by tapping anew; a killed worker's successor goes on where it ended.
"""

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session

from appliance.collaborators import Collaborators
from appliance.db import to_ms, utcnow
from appliance.errors import ApplianceError, DatabaseUnavailable
from appliance.metrics import gauge, histogram
from appliance.models import LiveMedia
from appliance.services import identity_actions, incidents, tiles
from appliance.services.evidence_pictures import Shot
from appliance.vocabulary import ObservationSource, Track
from media import watch_log
from media.analysis import Analyser, Change, ObservationEvent
from media.evidence_pictures import seal_pictures
from media.frames.frame import Frame, Item, NoPicture
from media.frames.rtp_tap import RtpTap
from media.kurento import KurentoError
from media.lookout import Lookout
from media.pipelines import evidence
from media.pipelines.store import Store
from media.pipelines.tap import Place, tapped
from media.tiles import ScreenTiles, TileMaker
from media.watch_log import Standing

P = ParamSpec("P")
T = TypeVar("T")

AGAIN_SECONDS = 1.0
"""Pause before a tap that failed is tried anew."""

_RUNNING = gauge("live_analyses", "Sittings whose pictures this process watches just now")
_BEHIND = histogram(
    "live_analysis_behind_seconds",
    "How old a picture was when it had been looked at",
    buckets=(0.5, 1, 2, 3, 5, 10, 30),
)

log = structlog.get_logger(__name__)


class _Onlooker:
    """Finds nothing: the exam is analysed after its end, and now there are only small pictures for the wall."""

    def feed(self, piece: Item) -> list[ObservationEvent]:
        return []

    def finish(self, at_ms: int) -> list[ObservationEvent]:
        return []


class LiveAnalysis:
    """One run. A thread of its own looks at the pictures; the loop only follows the ledger."""

    def __init__(
        self, collaborators: Collaborators, store: Store, sitting_id: int, lookout: Lookout | None = None
    ) -> None:
        """``store`` is the process's; the analysis writes from its own thread through it, too.

        ``lookout``: the process's, without it one for this sitting alone.
        """
        self._collaborators, self._store, self._id = collaborators, store, sitting_id
        self._lookout = lookout or Lookout(store)
        self._place = Place.of(collaborators.settings)
        self._ids: dict[str, int] = {}
        self._last_picture_ms = to_ms(utcnow())
        self._ended = threading.Event()
        self._screen = ScreenTiles(store, sitting_id, self._place)
        self._tiles = TileMaker(sitting_id, Track.CAMERA, lambda picture: store.run_here(tiles.put, picture))
        # Not the loop's default executor: it has fewer threads than a worker may have analyses.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"analysis {sitting_id}")

    async def run(self) -> None:
        """Watch until the sitting is over."""
        with _RUNNING.track_inprogress():
            await self._run()

    async def _run(self) -> None:
        standing = await self._lookout.now(self._id)
        if standing.over or not standing.recorded:
            return
        analyser = await self._take_up()
        screen = asyncio.create_task(self._screen.run())
        try:
            while not standing.over:
                if standing.camera is None:
                    await self._apart(self._nothing, analyser)
                    standing = await self._look()
                else:
                    standing = await self._tap(analyser, standing.camera)
            finished_ms = to_ms(standing.finished_at or utcnow())
            await self._apart(self._write, analyser.finish(finished_ms))
        finally:
            screen.cancel()
            await asyncio.gather(screen, return_exceptions=True)
            self._lookout.forget(self._id)
            self._ended.set()
            self._thread.shutdown(wait=False, cancel_futures=True)
        log.info("analysis ends", sitting=self._id)

    async def _take_up(self) -> Analyser | _Onlooker:
        if await self._store.insist(watch_log.waits, self._id):
            log.info("watched for the wall alone", sitting=self._id)
            return _Onlooker()
        assignment = await self._store.insist(watch_log.take_up, self._collaborators.vault, self._id)
        log.info("analysis begins", sitting=self._id, mode=assignment.mode.value)
        return await self._apart(assignment.analyser)

    async def _tap(self, analyser: Analyser | _Onlooker, row: LiveMedia) -> Standing:
        """Watch through one endpoint until it is replaced, lost with its node, or the sitting over: how it stands."""
        lost = asyncio.Event()
        try:
            async with tapped(row, self._place, lost, sound=isinstance(analyser, Analyser)) as tap:
                log.info("tapped", sitting=self._id, node=row.node_url)
                watching = self._apart(self._watch, tap, analyser)
                try:
                    return await self._until_replaced(row, lost, watching)
                finally:
                    tap.close()
                    await asyncio.shield(watching)
        except KurentoError as error:
            log.warning("cannot tap", sitting=self._id, error=error.message)
            await self._apart(self._nothing, analyser)
            await asyncio.sleep(AGAIN_SECONDS)
            return await self._lookout.now(self._id)

    async def _until_replaced(
        self, row: LiveMedia, lost: asyncio.Event, watching: "asyncio.Future[None]"
    ) -> Standing:
        losing, look = asyncio.ensure_future(lost.wait()), asyncio.ensure_future(self._look())
        try:
            while True:
                ends: set[asyncio.Future[Any]] = {losing, watching, look}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if not look.done():
                    return await self._lookout.now(self._id)
                now = look.result()
                if now.over or now.camera is None or now.camera.endpoint_id != row.endpoint_id:
                    return now
                look = asyncio.ensure_future(self._look())
        finally:
            losing.cancel()
            look.cancel()

    async def _look(self) -> Standing:
        """Where the sitting stands after a second; who makes small pictures is told, too."""
        now = await self._lookout.next(self._id)
        self._tiles.wanted = Track.CAMERA in now.wanted
        self._screen.wants(now.screen)
        return now

    def _apart(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, functools.partial(work, *args, **kwargs))

    # ---- in the watching thread

    def _watch(self, tap: RtpTap, analyser: Analyser | _Onlooker) -> None:
        for picture in tap.frames():
            if self._ended.is_set():
                return
            if isinstance(picture, Frame):
                self._last_picture_ms = picture.at_ms
                self._tiles.feed(picture)
            self._write(analyser.feed(picture))
            if isinstance(picture, Frame):
                _BEHIND.observe(max(0.0, time.time() - picture.at_ms / 1000))
            self._lookout.saw(self._id, picture.at_ms)

    def _nothing(self, analyser: Analyser | _Onlooker) -> None:
        """There is no camera to tap: for the analyser that is a missing picture."""
        now = to_ms(utcnow())
        self._write(analyser.feed(NoPicture(now, self._last_picture_ms, "nothing")))
        self._lookout.saw(self._id, now)

    def _write(self, events: Iterable[ObservationEvent]) -> None:
        found = list(events)
        if found:
            self._unit(lambda session: self._put(session, found))

    def _put(self, session: Session, found: list[ObservationEvent]) -> None:
        over = evidence.facts(session, self._id).over
        for event in found:
            known = self._ids.get(event.key)
            details = dict(event.details)
            if event.change is Change.OPENED and not over:
                row = incidents.open_observation(
                    session,
                    self._id,
                    event.type,
                    ObservationSource.DETECTOR,
                    event.start_ms,
                    event.confidence,
                    event.detector,
                    details,
                    pictures=self._sealed(session, event),
                )
                # a take-over ends it where was looked last: never before it began
                watch_log.saw(session, {self._id: event.at_ms})
                session.flush()
                self._ids[event.key] = row.id
                identity_actions.follow_up(session, row)
            elif known is not None and event.change is Change.UPDATED:
                incidents.update_observation(session, known, event.confidence, details)
            elif known is not None and event.change is Change.CLOSED:
                del self._ids[event.key]
                end_ms = event.at_ms if event.end_ms is None else event.end_ms
                pictures = self._sealed(session, event)
                incidents.close_observation(session, known, end_ms, event.confidence, pictures)

    def _sealed(self, session: Session, event: ObservationEvent) -> list[Shot]:
        return seal_pictures(session, self._collaborators.vault, self._id, event)

    def _unit(self, work: Callable[[Session], None]) -> None:
        """Do one unit of work from this thread; wait out a database that is away, as long as there is a reason to."""
        before = dict(self._ids)
        while True:
            try:
                self._store.run_here(work)
                return
            except DatabaseUnavailable:
                self._ids = dict(before)
                if self._ended.wait(0.5):
                    return
            except ApplianceError as error:
                self._ids = dict(before)
                log.error("not written", sitting=self._id, error=error.message)
                return
