"""Films of what browsers other than Chromium record, and parts that overlap."""

import av
import pytest

from appliance.vocabulary import PartSource, Track
from media.exports.film import write_film
from media.exports.plan import Film, Piece
from media.recordings.remux import remux
from tests.media.recordings.conftest import webm


def piece(start, end, cut=0, video="vp8"):
    return Piece(start, Track.CAMERA, 1, PartSource.NODE, 0, start, end, cut, video, "")


def times(path):
    with av.open(str(path)) as container:
        return [round(frame.time * 1000) for frame in container.decode(video=0)]


def open_always(path):
    return lambda piece: av.open(str(path))


@pytest.fixture
def h264(tmp_path):
    """Two seconds of H.264 in MP4, as sealing leaves what Safari sends."""
    path = tmp_path / "h264.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number in range(20):
            frame = av.VideoFrame(160, 120, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_h264_goes_into_mp4_at_its_place_in_time(h264, tmp_path):
    film = Film("camera-2.mp4", (piece(7000, 9000, video="h264"),))
    target = tmp_path / film.name
    written = write_film(film, [], target, open_always(h264), "en", lambda done: None)
    assert times(target) == list(range(7000, 9000, 100))
    assert written.packets == 20
    assert written.cards == []


def test_what_is_cut_is_cut_at_its_end_only(tmp_path):
    source = tmp_path / "sealed.webm"
    remux(webm(tmp_path / "raw.webm", 2.0, fps=10, audio=False), source)
    film = Film("camera.webm", (piece(0, 1500, cut=500), piece(1500, 3500)))
    target = tmp_path / film.name
    write_film(film, [], target, open_always(source), "en", lambda done: None)
    assert times(target) == list(range(0, 3500, 100))


def test_a_change_of_the_picture_size_stays_one_film(tmp_path):
    """VP8 says its size in each key frame."""
    sources = {0: tmp_path / "small.webm", 1000: tmp_path / "large.webm"}
    for source, size in zip(sources.values(), ((160, 120), (320, 240)), strict=True):
        with av.open(str(source), "w") as container:
            stream = container.add_stream("libvpx", rate=10)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for number in range(10):
                frame = av.VideoFrame(*size, "yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    film = Film("camera.webm", (piece(0, 1000), piece(1000, 2000)))
    target = tmp_path / film.name
    write_film(film, [], target, lambda it: av.open(str(sources[it.start_ms])), "en", lambda done: None)
    with av.open(str(target)) as container:
        widths = [frame.width for frame in container.decode(video=0)]
    assert widths == [160] * 10 + [320] * 10
