"""The wall's small pictures: asks for those that sockets want, and passes each new one on once."""

import asyncio
import struct
from collections.abc import Iterable
from typing import Protocol

import structlog

from appliance.db import to_ms, utcnow
from appliance.errors import ApplianceError
from appliance.services import tiles
from appliance.services.tiles import TileKey, TilePicture
from appliance.vocabulary import Track
from media.pipelines.store import Store

LOOK_SECONDS = 0.5
"""A picture is made each second; looking twice as often makes it half a second older at most."""
WISH_SECONDS = 2.0
"""Well within ``tiles.WANTED_FOR``, so that one late round does not stop the pictures."""
TRACKS = (Track.CAMERA, Track.SCREEN)
HEADER = struct.Struct(">BB6xdd")
"""Version, track (0 camera, 1 screen), padding to 8 bytes, sitting's id, time it was taken (UTC ms); a JPEG follows.
Numbers are doubles, because JavaScript has no other."""
VERSION = 1

log = structlog.get_logger(__name__)


class Onlooker(Protocol):
    """A socket that may want pictures."""

    tiles: frozenset[int]

    def post_picture(self, key: TileKey, frame: bytes) -> None:
        """Queue a picture; an older one of the same key that still waits gives way."""


def encode(picture: TilePicture) -> bytes:
    """Return the binary frame that carries a picture."""
    number = TRACKS.index(picture.track)
    return HEADER.pack(VERSION, number, float(picture.sitting_id), float(to_ms(picture.taken_at))) + picture.jpeg


class TileFeed:
    """The pictures of all walls of this gateway; costs one query each half second while there is a wall."""

    def __init__(self, store: Store) -> None:
        """Nobody wants any yet."""
        self._store = store
        self._newest: dict[TileKey, TilePicture] = {}
        self._wished_at = 0.0
        self._sweep_at: float | None = None

    def greet(self, onlooker: Onlooker) -> None:
        """Give a socket that just said what it wants the pictures that are here already; the wish is due at once."""
        self._wished_at = 0.0
        for key, picture in self._newest.items():
            if key[0] in onlooker.tiles:
                onlooker.post_picture(key, encode(picture))

    async def run(self, onlookers: Iterable[Onlooker]) -> None:
        """Look after the pictures until cancelled; ``onlookers`` is iterated anew each time."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(tuple(onlooker for onlooker in onlookers if onlooker.tiles))
            except ApplianceError as error:
                log.warning("tiles wait", error=error.message)

    async def look(self, onlookers: tuple[Onlooker, ...]) -> None:
        """Repeat the wishes when due, pass on what is new."""
        keys = {(number, track) for onlooker in onlookers for number in onlooker.tiles for track in TRACKS}
        for key in [key for key in self._newest if key not in keys]:
            del self._newest[key]  # faces stay no longer than somebody looks
        now = asyncio.get_running_loop().time()
        if not keys:
            await self._sweep(now)
            return
        self._sweep_at = now + tiles.WANTED_FOR.total_seconds()
        if now - self._wished_at >= WISH_SECONDS:
            self._wished_at = now
            await self._store.run(tiles.want, keys, utcnow())
        seen = {key: self._newest[key].taken_at if key in self._newest else None for key in keys}
        for picture in await self._store.run(tiles.newer, seen):
            self._pass_on((picture.sitting_id, picture.track), picture, onlookers)

    def _pass_on(self, key: TileKey, picture: TilePicture, onlookers: tuple[Onlooker, ...]) -> None:
        self._newest[key] = picture
        frame = encode(picture)
        for onlooker in onlookers:
            if key[0] in onlooker.tiles:
                onlooker.post_picture(key, frame)

    async def _sweep(self, now: float) -> None:
        """Nobody looks any more: pictures go when the last wish has run out, not with the next minute's task."""
        if self._sweep_at is not None and now > self._sweep_at:
            self._sweep_at = None
            await self._store.run(tiles.sweep, utcnow())
