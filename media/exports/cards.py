"""Plain cards: what a film shows where nothing was recorded, so that no frozen face passes for evidence."""

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from PIL import Image, ImageDraw, ImageFont

FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",  # fonts-dejavu-core: knows Cyrillic
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
)
PAPER: Final = (16, 24, 28)
INK: Final = (236, 241, 242)
FAINT: Final = (160, 176, 182)
ENCODERS: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs a card can be encoded in, to stand among a track's own packets."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=16)
def font(size: int) -> Font:
    """Return the face to write with; Pillow's own, which has Latin letters only, where the distribution has none."""
    for path in FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def card(width: int, height: int, lines: tuple[str, ...]) -> Image.Image:
    """Draw lines in the middle of a plain picture, the first one as title; long ones are broken."""
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    size = max(9, height // 14)
    placed: list[tuple[str, Font, tuple[int, int, int]]] = []
    for number, line in enumerate(lines):
        face = font(round(size * 1.4) if number == 0 else size)
        placed += [(piece, face, INK if number == 0 else FAINT) for piece in _broken(draw, line, face, width * 0.9)]
    step = round(size * 1.7)
    top = (height - step * len(placed)) // 2
    for number, (text, face, colour) in enumerate(placed):
        draw.text(((width - draw.textlength(text, face)) / 2, top + number * step), text, colour, face)
    return picture


def write_lines(
    picture: Image.Image, lines: list[tuple[str, int, tuple[int, int, int]]], margin: int = 12
) -> Image.Image:
    """Write lines of (text, size, colour) from the top left; what is too wide is cut with an ellipsis."""
    draw, top = ImageDraw.Draw(picture), margin
    for text, size, colour in lines:
        draw.text((margin, top), _fitting(draw, text, font(size), picture.width - 2 * margin), colour, font(size))
        top += round(size * 1.45)
    return picture


def encoded(picture: Image.Image, codec: str) -> "Packet[Any]":
    """Return a picture as one key frame of VP8 or VP9."""
    encoder = cast(VideoCodecContext, av.CodecContext.create(ENCODERS[codec], "w"))
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuv420p"
    encoder.time_base = Fraction(1, 1000)
    encoder.framerate = Fraction(10)
    encoder.bit_rate = 1_000_000
    # without alternate references, which would come as a packet of their own that shows nothing
    encoder.options = {"deadline": "realtime", "cpu-used": "4", "auto-alt-ref": "0", "lag-in-frames": "0"}
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = 0, encoder.time_base
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    if len(packets) != 1 or not packets[0].is_keyframe:
        raise RuntimeError("one picture makes one packet")
    return packets[0]


def _broken(draw: ImageDraw.ImageDraw, line: str, face: Font, width: float) -> list[str]:
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, face) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _fitting(draw: ImageDraw.ImageDraw, text: str, face: Font, width: float) -> str:
    if draw.textlength(text, face) <= width:
        return text
    while text and draw.textlength(text + "…", face) > width:
        text = text[:-1]
    return text + "…"
