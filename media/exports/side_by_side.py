"""Camera and screen in one picture, with the clock and, where nothing was recorded, the reason. Encoded anew.

1280 x 480, 10 pictures a second: on the left the camera (426 x 320) above a panel with time and names, on the right
the screen (854 x 480). Sound is the camera's, packet by packet.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from PIL import Image

from appliance.vocabulary import ExportContainer, PartSource, Track
from media.exports.cards import FAINT, INK, PAPER, card, write_lines
from media.exports.film import OPTIONS, OpenPiece, Progress, Written, packets
from media.exports.pictures import Pictures, Shown
from media.exports.plan import Hole, Piece
from media.exports.words import cause_words, clock, phrase

WIDTH: Final = 1280
HEIGHT: Final = 480
STEP_MS: Final = 100
KEY_EVERY: Final = 100
"""Pictures between two key frames: a jump in a player costs at most 10 s of decoding."""

THREADS: Final = 2
"""The box has other work; a second thread is what a picture of this height can use."""

CODEC: Final = "libvpx-vp9"
"""Both containers take it. At these settings it costs a quarter of the processor time of VP8 for the same quality
(measured: 10 s of film in a second of one core), and no library under the GPL encodes it."""

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Panel:
    """Where something stands in the picture; all even, as 4:2:0 wants it."""

    left: int
    top: int
    width: int
    height: int


CAMERA: Final = Panel(0, 0, 426, 320)
FACTS: Final = Panel(0, 320, 426, 160)
SCREEN: Final = Panel(426, 0, 854, 480)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the panel of words says."""

    lines: tuple[str, ...]
    """Candidate, exam, number of the sitting."""
    zero_ms: int
    whole_ms: int
    language: str


@dataclass(frozen=True, slots=True)
class Source:
    """One track's pieces and holes."""

    pieces: list[Piece]
    holes: list[Hole]


class Canvas:
    """The picture in planes of 4:2:0, into which panels are put."""

    def __init__(self) -> None:
        """Start black."""
        self._data = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        self._planes = _planes(self._data, WIDTH, HEIGHT)
        self._planes[0][:] = 16

    def put(self, panel: Panel, frame: VideoFrame) -> None:
        """Fit a picture into a panel, with bars where its shape is another."""
        scale = min(panel.width / frame.width, panel.height / frame.height)
        width, height = (max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
        width, height = min(width, panel.width), min(height, panel.height)
        small = frame.reformat(width=width, height=height, format="yuv420p").to_ndarray()
        left, top = panel.left + (panel.width - width) // 4 * 2, panel.top + (panel.height - height) // 4 * 2
        for number, (plane, piece) in enumerate(
            zip(self._planes, _planes(small.astype(np.uint8, copy=False), width, height), strict=True)
        ):
            by = 1 if number == 0 else 2
            if (width, height) != (panel.width, panel.height):
                rows = slice(panel.top // by, (panel.top + panel.height) // by)
                plane[rows, panel.left // by : (panel.left + panel.width) // by] = 16 if number == 0 else 128
            plane[top // by : (top + height) // by, left // by : (left + width) // by] = piece

    def draw(self, panel: Panel, picture: Image.Image) -> None:
        """Put a drawn picture into a panel."""
        self.put(panel, VideoFrame.from_ndarray(np.asarray(picture), format="rgb24"))

    def frame(self, at_ms: int) -> VideoFrame:
        """Return the picture, to be shown from a moment on."""
        frame = VideoFrame.from_ndarray(self._data, format="yuv420p")
        frame.pts, frame.time_base, frame.duration = at_ms, Fraction(1, 1000), STEP_MS
        return frame


def write_side_by_side(
    camera: Source,
    screen: Source,
    subject: Subject,
    container: ExportContainer,
    target: Path,
    open_piece: OpenPiece,
    progress: Progress,
) -> Written:
    """Write the film; memory does not grow with its length."""
    with (
        ExitStack() as opened,
        av.open(str(target), "w", format=container.value, options=OPTIONS[container.value]) as writer,
    ):
        tracks = {Track.CAMERA: camera, Track.SCREEN: screen}
        pictures = {name: Pictures(source.pieces, source.holes, open_piece) for name, source in tracks.items()}
        for track in pictures.values():
            opened.callback(track.close)
        stream = _video_stream(writer)
        sound = _Sound(writer, camera.pieces, open_piece, opened)
        composer = _Composer(pictures, subject)
        written = Written(duration_ms=subject.whole_ms)
        for at_ms in range(0, subject.whole_ms, STEP_MS):
            sound.write_until(at_ms)
            frame = composer.at(at_ms, always=at_ms + STEP_MS >= subject.whole_ms)
            if frame is not None:
                written.packets += 1
                writer.mux(stream.encode(frame))
            if at_ms % 1000 == 0:
                progress(at_ms / subject.whole_ms)
        sound.write_until(None)
        writer.mux(stream.encode(None))
    return written


class _Composer:
    """Makes a new picture where something in it has changed."""

    def __init__(self, pictures: dict[Track, Pictures], subject: Subject) -> None:
        self._pictures, self._subject = pictures, subject
        self._canvas = Canvas()
        self._shown: dict[Track, Shown] = {}
        self._facts: tuple[int, frozenset[Track]] | None = None

    def at(self, at_ms: int, always: bool) -> VideoFrame | None:
        shown = {track: pictures.at(at_ms) for track, pictures in self._pictures.items()}
        changed = [self._place(track, shown[track]) for track in shown]
        supplied = frozenset(
            track for track, now in shown.items() if now.piece and now.piece.source is PartSource.CANDIDATE
        )
        if (at_ms // 1000, supplied) != self._facts:
            self._facts = (at_ms // 1000, supplied)
            self._canvas.draw(FACTS, self._words(at_ms, supplied))
            changed.append(True)
        return self._canvas.frame(at_ms) if always or any(changed) else None

    def _place(self, track: Track, now: Shown) -> bool:
        before = self._shown.get(track)
        if before is not None and before.frame is now.frame and before.hole == now.hole:
            return False
        self._shown[track] = now
        panel = CAMERA if track is Track.CAMERA else SCREEN
        if now.frame is not None:
            self._canvas.put(panel, now.frame)
        else:
            self._canvas.draw(panel, card(panel.width, panel.height, self._card_lines(track, now.hole)))
        return True

    def _card_lines(self, track: Track, hole: Hole | None) -> tuple[str, ...]:
        language = self._subject.language
        if hole is None:  # the recorder waits for its first picture
            return (phrase(language, track.value),)
        return (
            f"{phrase(language, track.value)}: {phrase(language, 'nothing').lower()}",
            cause_words(language, hole.cause),
            f"{clock(hole.start_ms)} - {clock(hole.end_ms)}",
        )

    def _words(self, at_ms: int, supplied: frozenset[Track]) -> Image.Image:
        subject = self._subject
        now = datetime.fromtimestamp((subject.zero_ms + at_ms) / 1000, UTC)
        lines = [
            (now.strftime("%Y-%m-%d %H:%M:%S UTC"), 21, INK),
            (f"{clock(at_ms)} / {clock(subject.whole_ms)}", 15, FAINT),
            *((line, 15, INK if number == 0 else FAINT) for number, line in enumerate(subject.lines)),
        ]
        for track in sorted(supplied):
            words = f"{phrase(subject.language, track)}: {phrase(subject.language, 'candidate_source')}"
            lines.append((words, 14, (250, 200, 90)))
        return write_lines(Image.new("RGB", (FACTS.width, FACTS.height), PAPER), lines)


class _Sound:
    """The camera's sound, copied up to the moment that the picture has reached."""

    def __init__(
        self, writer: OutputContainer, pieces: list[Piece], open_piece: OpenPiece, opened: ExitStack
    ) -> None:
        with_sound = [piece for piece in pieces if piece.audio == "opus"]
        self._writer = writer
        self._packets = self._read(with_sound, open_piece)
        opened.callback(self._packets.close)  # type: ignore[attr-defined] # it is a generator
        self._last_ms = -1.0
        self._waiting: Packet[Any] | None = None
        if with_sound:
            template = opened.enter_context(open_piece(with_sound[0]))
            self._stream = writer.add_stream_from_template(template.streams.audio[0])
            self._waiting = next(self._packets, None)

    def write_until(self, at_ms: int | None) -> None:
        while self._waiting is not None and (at_ms is None or _ms(self._waiting) < at_ms):
            packet, self._waiting = self._waiting, next(self._packets, None)
            if _ms(packet) <= self._last_ms:
                continue  # two parts meet within a packet
            self._last_ms = _ms(packet)
            packet.stream = self._stream
            self._writer.mux(packet)

    @staticmethod
    def _read(pieces: list[Piece], open_piece: OpenPiece) -> "Iterator[Packet[Any]]":
        for piece in pieces:
            with open_piece(piece) as reader:
                for kind, packet in packets(reader, piece):
                    if kind == "audio":
                        yield packet


def _video_stream(writer: OutputContainer) -> Any:
    stream: Any = writer.add_stream(CODEC, rate=1000 // STEP_MS)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = 700_000
    stream.codec_context.time_base = Fraction(1, 1000)
    stream.codec_context.gop_size = KEY_EVERY
    stream.codec_context.thread_count = THREADS
    stream.options = {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "crf": "30", "lag-in-frames": "0"}
    return stream


def _ms(packet: "Packet[Any]") -> float:
    return float((packet.pts or 0) * packet.time_base * 1000)


def _planes(data: Plane, width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """Return the three planes of a packed 4:2:0 picture, as views."""
    flat = data.reshape(-1)
    luma, chroma = width * height, width * height // 4
    return (
        flat[:luma].reshape(height, width),
        flat[luma : luma + chroma].reshape(height // 2, width // 2),
        flat[luma + chroma : luma + 2 * chroma].reshape(height // 2, width // 2),
    )
