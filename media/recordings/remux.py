"""Writes a recording anew so that a player can seek, packet by packet: no picture is decoded, none changed.

VP8 goes into WebM, H.264 into MP4: what every browser plays with its ``<video>``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from appliance.errors import ApplianceError

OPTIONS = {
    "webm": {"cues_to_front": "1"},  # a player finds its way with the first range it asks for
    "mp4": {"movflags": "+faststart", "video_track_timescale": "90000"},  # so here: the index comes first
}
ZERO = {"avoid_negative_ts": "disabled"}
"""The file's zero is the part's start; it must stay where it is."""


class Unplayable(ApplianceError):
    """There is nothing in this file that a player could show."""


@dataclass(frozen=True, slots=True)
class Remuxed:
    """What came out of a file."""

    duration_ms: int
    """From the file's zero to the end of its last packet."""
    media: dict[str, Any]
    """``{"container": "webm"|"mp4", "video": {"codec", "packets", "keyframes", "first_ms", "width", "height"},
    "audio": {…}, "damaged"}``"""


def remux(source: Path, target: Path) -> Remuxed:
    """Copy all packets of ``source`` into ``target`` (overwritten); what a killed writer left unfinished is dropped.

    Raises ``Unplayable``: no file, no packets, or no key frame to begin with.
    """
    try:
        size = source.stat().st_size
    except OSError as error:
        raise Unplayable(f"The file is not there: {error.strerror}.") from error
    if size == 0:
        raise Unplayable("The file is empty.")
    try:
        with av.open(str(source)) as reader:
            container = _container(reader)
            with av.open(str(target), "w", format=container, options={**OPTIONS[container], **ZERO}) as writer:
                found = _Copy(reader, writer).run()
        return Remuxed(found.duration_ms, {"container": container, **found.media})
    except (av.error.FFmpegError, ValueError) as error:
        raise Unplayable(f"The file cannot be read: {error}") from error


def _container(reader: InputContainer) -> str:
    pictures = reader.streams.video[:1]
    return "mp4" if pictures and pictures[0].codec_context.name == "h264" else "webm"


class _Copy:
    def __init__(self, reader: InputContainer, writer: OutputContainer) -> None:
        self._reader, self._writer = reader, writer
        self._outputs: dict[int, Any] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._last_dts: dict[int, int] = {}
        self._end_ms = 0.0
        self._damage = ""

    def run(self) -> Remuxed:
        for stream in (*self._reader.streams.video[:1], *self._reader.streams.audio[:1]):
            self._outputs[stream.index] = self._writer.add_stream_from_template(stream)
            facts: dict[str, Any] = {"codec": stream.codec_context.name, "packets": 0, "keyframes": 0}
            if isinstance(stream, VideoStream):
                facts |= {"width": stream.width, "height": stream.height}
            self._found[stream.type] = facts
        for packet in self._packets():
            self._write(packet)
        video = self._found.get("video")
        if video is None or not video["keyframes"]:
            raise Unplayable("The file has no picture to begin with.")
        return Remuxed(round(self._end_ms), {**self._found, **({"damaged": self._damage} if self._damage else {})})

    def _packets(self) -> Iterator[Any]:
        try:
            for packet in self._reader.demux():
                if packet.pts is None or packet.stream.index not in self._outputs:
                    continue
                if packet.dts is None:  # H.264 in a torn file; live pictures are decoded in the order they are shown
                    packet.dts = packet.pts
                yield packet
        except av.error.FFmpegError as error:  # the torn end of a killed writer
            self._damage = str(error)

    def _write(self, packet: Any) -> None:
        facts = self._found[packet.stream.type]
        if packet.stream.type == "video" and not facts["keyframes"] and not packet.is_keyframe:
            return  # cannot be shown without what came before the recording
        index = packet.stream.index
        if index in self._last_dts and packet.dts <= self._last_dts[index]:
            self._damage = "times went back"
            return
        self._last_dts[index] = packet.dts
        at_ms = float(packet.pts * packet.time_base) * 1000
        facts.setdefault("first_ms", round(at_ms))
        facts["packets"] += 1
        facts["keyframes"] += bool(packet.is_keyframe)
        self._end_ms = max(self._end_ms, at_ms + float((packet.duration or 0) * packet.time_base) * 1000)
        packet.stream = self._outputs[index]
        self._writer.mux(packet)
