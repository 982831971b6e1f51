"""PlayerEndpoint: a file or stream as a source of media."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

from media.kurento.errors import SeekFailed
from media.node.element import KINDS, MediaElement
from media.node.encoding import DELTA, EncodedOutlet
from media.node.graph import Outlet
from media.node.gst import Gst
from media.node.playback import Outcome, Playback
from media.node.values import Operation, Param, getter, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

log = logging.getLogger(__name__)

SCHEMES = ("file", "http", "https", "rtsp")


class PlayedOutlet(EncodedOutlet):
    """An outlet whose key frames are made in the playback."""

    playback: Playback | None = None

    def ask_keyframe(self) -> None:
        """Ask the playback's encoder; a file played as it is has its own."""
        if self.kind == "video" and (playback := self.playback) is not None:
            playback.ask_keyframe()


class PlayerEndpoint(MediaElement):
    """Plays ``uri``: file:///path, http(s):// or rtsp://.

    As in Kurento everything is decoded and encoded again, so that whoever connects later gets a key frame at once;
    with ``useEncodedMedia`` VP8 and Opus are given as they are, and who comes later waits for the file's next one.
    """

    kind = "PlayerEndpoint"
    hierarchy = ("UriEndpoint", "Endpoint", "MediaElement", "MediaObject")
    events = MediaElement.events | {"EndOfStream", "UriEndpointStateChanged"}
    takes = frozenset()

    def __init__(self, node: "Node", parent: "MediaPipeline", uri: str, encoded: bool) -> None:
        """Stopped."""
        super().__init__(node, parent)
        self.uri, self.state, self._encoded = uri, "STOP", encoded
        self._playback: Playback | None = None
        self._entries: dict[str, Any] = {}

    operations: ClassVar[dict[str, Operation]] = {"getUri": getter("uri"), "getState": getter("state")}

    # ---- in threads

    def make_outlet(self, kind: str) -> Outlet:
        """Fed by the playback, now or later."""
        outlet = PlayedOutlet(self.graph, kind)
        outlet.playback = self._playback
        self._entries[kind] = outlet.feed_encoded()
        return outlet

    def _frame(self, kind: str, data: bytes, keyframe: bool) -> None:
        """In GStreamer's thread."""
        entry = self._entries.get(kind)
        if entry is not None:
            buffer = Gst.Buffer.new_wrapped(data)
            if not keyframe:
                buffer.set_flags(DELTA)
            entry.emit("push-buffer", buffer)

    def _start(self) -> None:
        playback = self._playback
        if playback is None:
            for kind in KINDS.values():
                self.outlet(kind)
            self.transcoding.clear()
            playback = self._playback = Playback(self.uri, self._encoded, self._frame, self.transcoding.add)
            self._lend(playback)
            self.node.pulse.add(self._watch)
        playback.play()

    def _stop(self) -> None:
        playback, self._playback = self._playback, None
        self.node.pulse.discard(self._watch)
        if playback is not None:
            self._lend(None)
            playback.close()

    def _lend(self, playback: Playback | None) -> None:
        for outlet in self.outlets.values():
            if isinstance(outlet, PlayedOutlet):
                outlet.playback = playback

    def _watch(self) -> None:
        """In the pulse's thread."""
        playback = self._playback
        if playback is None:
            return
        outcome = playback.look()
        if outcome is not None:
            self.node.soon(lambda: self.node.spawn(self._over(playback, outcome)))

    def close_graph(self) -> None:
        """Playing first, then what it fed."""
        self._stop()
        self._entries.clear()
        super().close_graph()

    # ---- event loop

    async def _over(self, playback: Playback, outcome: Outcome) -> None:
        async with self.node.lock(self.id):
            if self.released or self._playback is not playback:
                return
            await self.node.run(self._stop)
            if outcome.error:
                log.warning("%s: %s", self.id, outcome.description)
                self.fail(outcome.error, outcome.description)
            else:
                self.tell("EndOfStream")
            self._enter("STOP")

    def _enter(self, state: str) -> None:
        if self.state != state:
            self.state = state
            self.tell("UriEndpointStateChanged", state=state)

    @operation()
    async def play(self) -> None:
        """Begin, or go on after a pause."""
        if not playable(self.uri):
            self.fail("INVALID_URI", "Invalid URI")
            return
        await self.node.run(self._start)
        self._enter("START")

    @operation()
    async def pause(self) -> None:
        """Stand still."""
        if self._playback is not None:
            await self.node.run(self._playback.pause)
            self._enter("PAUSE")

    @operation()
    async def stop(self) -> None:
        """The next play begins at the beginning."""
        await self.node.run(self._stop)
        self._enter("STOP")

    @operation()
    async def getVideoInfo(self) -> dict[str, Any]:
        """Duration and where one can seek; ms."""
        playback = self._playback
        can, start, end, duration = await self.node.run(playback.seekable) if playback else (False, 0, 0, 0)
        return {
            "__module__": "kurento",
            "__type__": "VideoInfo",
            "isSeekable": can,
            "seekableInit": start,
            "seekableEnd": end,
            "duration": duration,
        }

    @operation()
    async def getPosition(self) -> int:
        """ms."""
        return await self.node.run(self._playback.position_ms) if self._playback else 0

    @operation(Param("position", int))
    async def setPosition(self, position: int) -> None:
        """Go on from ``position`` ms."""
        if self._playback is None or not await self.node.run(self._playback.seek, position):
            raise SeekFailed()

    @operation()
    async def getElementGstreamerDot(self) -> str:
        """The whole pipeline's graph."""
        return await self.node.run(self.graph.dot, None)


def playable(uri: str) -> bool:
    """Whether a URI is of a kind we play and, if it is a file's, the file is there."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return parts.netloc in ("", "localhost") and Path(unquote(parts.path)).is_file()
    return parts.scheme in SCHEMES and bool(parts.netloc)
