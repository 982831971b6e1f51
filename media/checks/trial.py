"""A synthetic candidate through one node, over real WebRTC: publish, record, watch, tap, seal; and the time of each.

A viewer is a second endpoint of the node itself, in a pipeline of its own: what it gets went out encrypted and came
in again. So the trial needs nothing that a Kurento does not have.
"""

import asyncio
import contextlib
import hashlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from appliance.collaborators import Collaborators
from appliance.diagnostics.report import Step, failed, passed, skipped
from appliance.errors import ApplianceError
from media.checks.ice_exchange import Exchange
from media.frames.frame import Frame
from media.frames.rtp_tap import RtpTap
from media.kurento import (
    KurentoClient,
    KurentoError,
    MediaPipeline,
    MediaProfile,
    MediaType,
    RecorderEndpoint,
    RtpEndpoint,
    WebRtcEndpoint,
)
from media.kurento.events import Error
from media.pipelines.tap import Place
from media.recordings.remux import remux

SECONDS: Final = 10.0
"""For each step; on an idle machine the slowest takes one."""
WRITTEN_BYTES: Final = 8 * 1024
"""More than a header: pictures."""
LOOK_SECONDS: Final = 0.1


class TrialFailed(ApplianceError):
    """The trial came no further."""


class Trial:
    """One run on one node; ``steps`` yields each as it is done."""

    def __init__(self, collaborators: Collaborators, url: str) -> None:
        """Nothing is made yet."""
        self._collaborators, self._url = collaborators, url
        self._client = KurentoClient(url)
        self._source: WebRtcEndpoint | None = None
        self._pipeline: MediaPipeline | None = None
        self._recorder: RecorderEndpoint | None = None
        self._publisher: Any = None
        self._exchanges: list[Exchange] = []
        self._file = collaborators.settings.recordings.absolute() / f".check-{secrets.token_hex(6)}.webm"
        self._recorder_failure = ""

    async def steps(self) -> AsyncIterator[Step]:
        """Yield the five steps; after one that failed the others are skipped, all where the node is not there."""
        try:
            await self._client.open()
        except KurentoError:
            for key, _, _ in self._ways():
                yield skipped(key, "not_looked_at", self._url)
            await self._client.close()
            return
        try:
            broken = False
            for key, cause, way in self._ways():
                step = skipped(key, "not_looked_at", self._url) if broken else await self._take(key, cause, way)
                broken = broken or step.state.value == "failed"
                yield step
        finally:
            await asyncio.shield(self._clear())

    def _ways(self) -> list[tuple[str, str, Callable[[], Awaitable[dict[str, Any]]]]]:
        return [
            ("try_publish", "trial_publish_failed", self._publish),
            ("try_record", "trial_record_failed", self._record),
            ("try_view", "trial_view_failed", self._view),
            ("try_tap", "trial_tap_failed", self._tap),
            ("try_seal", "trial_seal_failed", self._seal),
        ]

    async def _take(self, key: str, cause: str, way: Callable[[], Awaitable[dict[str, Any]]]) -> Step:
        begin = time.monotonic()
        try:
            figures = await way()
        except ImportError as error:
            return skipped(key, "media_missing", self._url, {"state": str(error)})
        except (ApplianceError, OSError, ValueError) as error:
            took = round((time.monotonic() - begin) * 1000)
            why = error.message if isinstance(error, ApplianceError) else str(error)
            step = failed(key, cause, self._url, why)
            return Step(step.key, step.state, step.scope, step.cause, step.figures, step.detail, took)
        took = round((time.monotonic() - begin) * 1000)
        step = passed(key, self._url, figures)
        return Step(step.key, step.state, step.scope, figures=step.figures, took_ms=took)

    async def _publish(self) -> dict[str, Any]:
        from media.node.synthetic import Clip, SyntheticPublisher  # noqa: PLC0415 - loads GStreamer

        begin = time.monotonic()
        clip = await asyncio.to_thread(Clip.made, 2.0, 320, 240, 15)
        self._pipeline = await MediaPipeline.create(self._client)
        self._source = await WebRtcEndpoint.create(self._pipeline)
        exchange = self._exchange(self._source)
        self._publisher = await asyncio.to_thread(SyntheticPublisher, clip, exchange.from_publisher)
        offer = await asyncio.to_thread(self._publisher.create_offer)
        await exchange.listen(self._publisher.add_ice_candidate)
        answer = await self._source.process_offer(offer)
        answered = time.monotonic()
        await asyncio.to_thread(self._publisher.set_answer, answer)
        exchange.go()
        await self._source.gather_candidates()
        await self._flows(self._source, "no pictures arrived")
        return {"answer_ms": _ms(begin, answered), "first_ms": _ms(answered)}

    async def _record(self) -> dict[str, Any]:
        assert self._pipeline is not None  # noqa: S101 - publish came before
        assert self._source is not None  # noqa: S101
        begin = time.monotonic()
        self._recorder = await RecorderEndpoint.create(self._pipeline, self._file.as_uri(), MediaProfile.WEBM)
        await self._recorder.subscribe(Error, self._note)
        await self._source.connect(self._recorder)
        await self._recorder.record()
        await _until(lambda: self._recorder_failure or self._size() > WRITTEN_BYTES, "nothing was written")
        if self._recorder_failure:
            raise TrialFailed(self._recorder_failure)
        return {"first_ms": _ms(begin)}

    async def _view(self) -> dict[str, Any]:
        assert self._pipeline is not None  # noqa: S101 - publish came before
        assert self._source is not None  # noqa: S101
        begin = time.monotonic()
        apart = await MediaPipeline.create(self._client)
        try:
            viewer = await WebRtcEndpoint.create(apart, recvonly=True)
            sender = await WebRtcEndpoint.create(self._pipeline)
            to_sender, to_viewer = self._exchange(sender), self._exchange(viewer)
            await to_sender.relay_to(to_viewer)
            await to_viewer.relay_to(to_sender)
            answer = await sender.process_offer(await viewer.generate_offer())
            await viewer.process_answer(answer)
            to_sender.go()
            to_viewer.go()
            await self._source.connect(sender)
            await sender.gather_candidates()
            await viewer.gather_candidates()
            await self._flows(viewer, "no pictures came out")
            await sender.release()
        finally:
            with contextlib.suppress(KurentoError):
                await apart.release()
        return {"first_ms": _ms(begin)}

    async def _tap(self) -> dict[str, Any]:
        assert self._pipeline is not None  # noqa: S101 - publish came before
        assert self._source is not None  # noqa: S101
        begin = time.monotonic()
        place = Place.of(self._collaborators.settings)
        tap = RtpTap("check", place.host, ports=place.ports)
        watching = asyncio.create_task(asyncio.to_thread(_first_picture, tap))
        try:
            endpoint = await RtpEndpoint.create(self._pipeline)
            tap.accept(await endpoint.process_offer(tap.offer))
            await self._source.connect(endpoint, MediaType.VIDEO)
            size = await asyncio.wait_for(asyncio.shield(watching), SECONDS)
            await endpoint.release()
        except TimeoutError as error:
            raise TrialFailed(f"no picture within {SECONDS:.0f} s") from error
        finally:
            tap.close()
            await asyncio.gather(watching, return_exceptions=True)
        return {"first_ms": _ms(begin), "pictures": size}

    async def _seal(self) -> dict[str, Any]:
        assert self._recorder is not None  # noqa: S101 - record came before
        await self._recorder.stop_and_wait()
        size = await asyncio.to_thread(self._sealed_and_destroyed)
        return {"size_mb": round(size / 2**20, 2)}

    def _sealed_and_destroyed(self) -> int:
        """Seal the recording, read it back, and leave neither row nor file."""
        vault = self._collaborators.vault
        with tempfile.TemporaryDirectory() as folder, self._collaborators.session_factory() as session:
            whole = Path(folder) / "trial.webm"
            remux(self._file, whole)
            sealed = vault.seal(session, f"check:{self._file.stem}", "trial", whole)
            path = vault.folder / sealed.path
            try:
                with vault.open(session, sealed) as reader:
                    same = hashlib.sha256(reader.read()).digest() == hashlib.sha256(whole.read_bytes()).digest()
            finally:
                session.rollback()
                path.unlink(missing_ok=True)
            if not same:
                raise TrialFailed("the vault gave back something else than was sealed")
            return whole.stat().st_size

    def _exchange(self, endpoint: WebRtcEndpoint) -> Exchange:
        self._exchanges.append(Exchange(endpoint))
        return self._exchanges[-1]

    async def _flows(self, endpoint: WebRtcEndpoint, otherwise: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not await endpoint.is_media_flowing_out(MediaType.VIDEO):
            if time.monotonic() > deadline:
                raise TrialFailed(f"{otherwise} within {SECONDS:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)

    def _note(self, event: Error) -> None:
        self._recorder_failure = f"{event.kind}: {event.description}"

    def _size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0

    async def _clear(self) -> None:
        for exchange in self._exchanges:
            exchange.close()
        if self._publisher is not None:
            await asyncio.to_thread(self._publisher.close)
        with contextlib.suppress(KurentoError):
            if self._pipeline is not None:
                await self._pipeline.release()
        await self._client.close(end_session=True)
        self._file.unlink(missing_ok=True)


def _first_picture(tap: RtpTap) -> str:
    for picture in tap.frames():
        if isinstance(picture, Frame):
            height, width = picture.image.shape[:2]
            return f"{width}x{height}"
    return ""


async def _until(look: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise TrialFailed(f"{otherwise} within {SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)


def _ms(begin: float, end: float | None = None) -> int:
    return round(((time.monotonic() if end is None else end) - begin) * 1000)
