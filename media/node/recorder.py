"""RecorderEndpoint: WebM files of what is connected, without transcoding."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from media.node.element import MediaElement
from media.node.graph import Branch, Outlet
from media.node.tape import Tape, WriteError
from media.node.values import Operation, getter, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

log = logging.getLogger(__name__)

PROFILES = {
    "WEBM": ("video", "audio"),
    "WEBM_VIDEO_ONLY": ("video",),
    "WEBM_AUDIO_ONLY": ("audio",),
}


class RecorderEndpoint(MediaElement):
    """Writes ``uri``."""

    kind = "RecorderEndpoint"
    hierarchy = ("UriEndpoint", "Endpoint", "MediaElement", "MediaObject")
    events = MediaElement.events | {"Recording", "Paused", "Stopped", "UriEndpointStateChanged"}

    def __init__(self, node: "Node", parent: "MediaPipeline", uri: str, profile: str) -> None:
        """``uri``: file:///path or a plain path; anything else is an Error when recording starts."""
        super().__init__(node, parent)
        self.uri, self.state, self._profile = uri, "STOP", profile
        self.takes = frozenset(PROFILES.get(profile, ()))  # type: ignore[misc]
        self._path = _path(uri)
        self._tape = self._new_tape()

    operations: ClassVar[dict[str, Operation]] = {"getUri": getter("uri"), "getState": getter("state")}

    def _new_tape(self) -> Tape:
        node = self.node
        return Tape(
            self._path or Path("/dev/null"),
            PROFILES.get(self._profile, ()),
            self.graph.running_time,
            lambda: node.soon(self._begun),
            lambda error: node.soon(self._broke, error),
        )

    def open_branch(self, outlet: Outlet) -> Branch | None:
        """An appsink."""
        if not self._tape.threaded:
            self._tape.threaded = True
            self.node.pulse.add(self._tape.tick)
        return self._tape.thread(outlet)

    def close_branch(self, outlet: Outlet, branch: Branch) -> None:
        """What came is written first."""
        self._tape.unthread(outlet, branch)

    def close_graph(self) -> None:
        """A recording under way is completed, too."""
        self.node.pulse.discard(self._tape.tick)
        self._tape.stop()
        super().close_graph()

    async def close(self) -> None:
        """Complete the file while its sources still give the last frames."""
        await self.node.run(self._tape.stop)
        await super().close()

    def _begun(self) -> None:
        if self.state == "START" and not self.released:
            self.tell("Recording")

    def _broke(self, error: WriteError) -> None:
        log.error("%s: %s", self.id, error.description)
        if not self.released:
            self.fail(error.kind, error.description)
            self._enter("STOP")

    def _enter(self, state: str) -> bool:
        if self.state == state:
            return False
        self.state = state
        self.tell("UriEndpointStateChanged", state=state)
        return True

    @operation()
    async def record(self) -> None:
        """Start at this moment."""
        if self._path is None or not self.takes:
            what = f"'{self.uri}' is no file" if self.takes else f"profile {self._profile} cannot be recorded"
            self.fail("INVALID_URI" if self.takes else "STREAM_ERROR_WRONG_TYPE", f"{what}; use file:///… and WEBM")
            return
        error = await self.node.run(self._tape.start)
        if error is not None:
            self._broke(error)
            return
        self._enter("START")

    @operation()
    async def pause(self) -> None:
        """Write nothing for now."""
        if self.state == "START":
            await self.node.run(self._tape.pause)
            self._enter("PAUSE")
            self.tell("Paused")

    @operation()
    async def stop(self) -> None:
        """Complete the file."""
        await self._stop()

    @operation()
    async def stopAndWait(self) -> None:
        """Complete the file."""
        await self._stop()

    async def _stop(self) -> None:
        if self.state == "STOP":
            return
        await self.node.run(self._tape.stop)
        if self._enter("STOP"):
            self.tell("Stopped")


def _path(uri: str) -> Path | None:
    """The file of a URI; None for what is no absolute file."""
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return Path(unquote(parts.path))
    return Path(uri) if uri.startswith("/") else None
