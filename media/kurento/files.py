"""Endpoints of files and addresses: recording and playing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from media.kurento.objects import MediaElement, MediaPipeline


class MediaProfile(StrEnum):
    """Container and tracks of a recording."""

    WEBM = "WEBM"
    WEBM_VIDEO_ONLY = "WEBM_VIDEO_ONLY"
    WEBM_AUDIO_ONLY = "WEBM_AUDIO_ONLY"


class UriState(StrEnum):
    """What a recorder or player does."""

    STOP = "STOP"
    START = "START"
    PAUSE = "PAUSE"


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Of what is played; ms. All 0 while that is unknown."""

    seekable: bool
    seekable_from: int
    seekable_until: int
    duration: int


class UriEndpoint(MediaElement):
    """What both have."""

    kind: ClassVar[str] = "UriEndpoint"

    async def get_uri(self) -> str:
        """What it records or plays."""
        return str(await self.invoke("getUri"))

    async def get_state(self) -> UriState:
        """What it does now."""
        return UriState(await self.invoke("getState"))


class RecorderEndpoint(UriEndpoint):
    """Writes what is connected to it into a file of the node's host."""

    kind = "RecorderEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline, uri: str, profile: MediaProfile = MediaProfile.WEBM) -> Self:
        """``uri`` is ``file:///absolute/path.webm`` as the node sees it."""
        client = pipeline.client
        return cls(client, await client.create(cls.kind, mediaPipeline=pipeline.id, uri=uri, mediaProfile=profile))

    async def record(self) -> None:
        """Start; the file begins at this moment, the first picture comes with the next key frame (asked for)."""
        await self.invoke("record")

    async def pause(self) -> None:
        """Write nothing until the next ``record``."""
        await self.invoke("pause")

    async def stop(self) -> None:
        """Stop; the event Stopped tells when the file is complete."""
        await self.invoke("stop")

    async def stop_and_wait(self) -> None:
        """Stop, and return when the file is complete. Call it before ``release``."""
        await self.invoke("stopAndWait")


class PlayerEndpoint(UriEndpoint):
    """Plays a file or stream into what it is connected to. Events: EndOfStream, UriEndpointStateChanged, Error."""

    kind = "PlayerEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline, uri: str, *, encoded: bool = False) -> Self:
        """``uri``: file:///path as the node sees it, http(s):// or rtsp://.

        ``encoded`` gives VP8 and Opus on as they are: cheap, but who connects later waits for the next key frame.
        """
        flag = {"useEncodedMedia": True} if encoded else {}
        return cls(
            pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id, uri=uri, **flag)
        )

    async def play(self) -> None:
        """Begin, or go on after a pause; what is wrong with the URI comes as event Error."""
        await self.invoke("play")

    async def pause(self) -> None:
        """Stand still."""
        await self.invoke("pause")

    async def stop(self) -> None:
        """The next ``play`` begins at the beginning."""
        await self.invoke("stop")

    async def get_position(self) -> int:
        """ms since the beginning."""
        return int(await self.invoke("getPosition"))

    async def set_position(self, milliseconds: int) -> None:
        """Go on from there; SeekFailed when it is stopped or a live stream."""
        await self.invoke("setPosition", position=milliseconds)

    async def get_video_info(self) -> VideoInfo:
        """Duration and where one can seek; while it plays."""
        found = await self.invoke("getVideoInfo")
        return VideoInfo(
            bool(found["isSeekable"]), int(found["seekableInit"]), int(found["seekableEnd"]), int(found["duration"])
        )
