"""Untrusted photos."""

import io
import struct
import zlib

import pytest
from PIL import Image

from appliance.errors import PhotoRefused, TooLarge
from appliance.services import pictures
from tests.appliance.services.conftest import picture

LIMIT = 8 * 1024 * 1024


@pytest.mark.parametrize("format", pictures.FORMATS)
def test_what_is_accepted_becomes_jpeg(format: str) -> None:
    photo = pictures.clean(picture(format=format), LIMIT)
    with Image.open(io.BytesIO(photo.content)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (640, 480), "RGB")
    assert (photo.width, photo.height) == (640, 480)


def test_metadata_is_stripped_and_the_photo_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "home of the candidate"
    photo = pictures.clean(picture(640, 480, exif=exif), LIMIT)
    assert (photo.width, photo.height) == (480, 640)
    with Image.open(io.BytesIO(photo.content)) as image:
        assert not image.getexif() and "exif" not in image.info
    assert b"home of the candidate" not in photo.content


def test_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(pictures.clean(out.getvalue(), LIMIT).content)) as image:
        assert image.getpixel((150, 150)) == (255, 255, 255)


def test_a_large_photo_is_scaled_down() -> None:
    photo = pictures.clean(picture(6000, 3000), LIMIT)
    assert max(photo.width, photo.height) <= pictures.KEPT_SIDE and photo.width == 2 * photo.height


def test_too_many_bytes() -> None:
    with pytest.raises(TooLarge):
        pictures.clean(b"x" * 101, 100)


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims this size and has no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a is none", "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (picture(format="GIF"), "format"),
        (picture(format="TIFF"), "format"),
        (picture(199, 400), "too_small"),
        (picture()[:400], "damaged"),
        (bomb(8000, 8000), "too_many_pixels"),
        (bomb(60_000, 60_000), "too_many_pixels"),
        (bomb(640, 480), "damaged"),
    ],
)
def test_what_is_refused_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(PhotoRefused) as refused:
        pictures.clean(content, LIMIT)
    assert refused.value.details["reason"] == reason
