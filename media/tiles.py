"""Makes the small pictures of the wall out of what a tap decodes anyway; taps a screen while somebody wants it."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import cv2
import structlog
from sqlalchemy.orm import Session

from appliance.db import from_ms, utcnow
from appliance.errors import ApplianceError
from appliance.models import LiveMedia
from appliance.services import tiles
from appliance.services.tiles import TilePicture
from appliance.vocabulary import Track
from media.frames.frame import Frame, Pace
from media.frames.rtp_tap import RtpTap
from media.kurento import KurentoError
from media.pipelines.store import Store
from media.pipelines.tap import Place, tapped

RATE = 1.0
"""Pictures a second: a wall of 30 is then some 300 KB/s for a browser, instead of 60 videos with a decoder each."""
WIDTHS = {Track.CAMERA: 320, Track.SCREEN: 480}
"""Pixels: a tile of a wall of 12 is about that wide; letters on a screen are to be guessed, not read."""
QUALITY = 60
LOOK_SECONDS = 1.0
"""How soon a new wish is met, and a track that went live tapped."""

log = structlog.get_logger(__name__)


def shrink(frame: Frame, width: int) -> bytes:
    """Return the picture as JPEG, at most ``width`` pixels wide."""
    height, full = frame.image.shape[:2]
    scale = min(1.0, width / full)
    size = (max(1, round(full * scale)), max(1, round(height * scale)))
    image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("this picture cannot be made a JPEG")
    return encoded.tobytes()


class TileMaker:
    """One track's pictures, made in the thread that reads its tap."""

    def __init__(self, sitting_id: int, track: Track, put: Callable[[TilePicture], object]) -> None:
        """``put`` stores a picture; it may fail with ``ApplianceError``: the next picture is due in a second."""
        self.wanted = False
        self._sitting_id, self._track, self._put = sitting_id, track, put
        self._pace = Pace(RATE)

    def feed(self, frame: Frame) -> None:
        """Make a picture of the frame if one is wanted and due."""
        if not self.wanted or not self._pace.takes(frame.at_ms):
            return
        picture = TilePicture(
            self._sitting_id, self._track, from_ms(frame.at_ms), shrink(frame, WIDTHS.get(self._track, 320))
        )
        with contextlib.suppress(ApplianceError):  # the database is away: a wall may miss a second
            self._put(picture)


class ScreenTiles:
    """The screen has no other use for a tap, so it is tapped only while a wall wants its pictures."""

    def __init__(self, store: Store, sitting_id: int, place: Place) -> None:
        """``place``: where taps of this worker listen."""
        self._id, self._place = sitting_id, place
        self._maker = TileMaker(sitting_id, Track.SCREEN, lambda picture: store.run_here(tiles.put, picture))
        self._row: LiveMedia | None = None
        self._changed = asyncio.Event()

    def wants(self, row: LiveMedia | None) -> None:
        """Tell which connection of the screen a wall wants to see now, if any. Not from another thread."""
        before, self._row = self._row, row
        if (row and row.endpoint_id) != (before and before.endpoint_id):
            self._changed.set()

    async def run(self) -> None:
        """Look after it until cancelled."""
        while True:
            self._changed.clear()
            if self._row is None:
                await self._changed.wait()
                continue
            try:
                await self._tap(self._row)
            except (KurentoError, OSError) as error:
                log.warning("screen not tapped", sitting=self._id, error=str(error))
            if not self._changed.is_set():
                await asyncio.sleep(LOOK_SECONDS)  # its node is lost, maybe: the next look tells

    async def _tap(self, row: LiveMedia) -> None:
        """Until another is wanted, or none, or its node is lost."""
        lost = self._changed
        async with tapped(row, self._place, lost, RATE) as tap:
            self._maker.wanted = True
            watching = asyncio.ensure_future(asyncio.to_thread(self._watch, tap))
            ended = asyncio.ensure_future(lost.wait())
            try:
                await asyncio.wait({watching, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                self._maker.wanted = False
                tap.close()
                await asyncio.shield(watching)

    def _watch(self, tap: RtpTap) -> None:
        for picture in tap.frames():
            if isinstance(picture, Frame):
                self._maker.feed(picture)


def sweep(session: Session) -> int:
    """Delete what nobody wants any more; the second of grace lets a wall's late wish find its picture."""
    return tiles.sweep(session, utcnow() - timedelta(seconds=1))
