"""The WebM writer with plain bytes."""

import av
import pytest

from media.node.synthetic import Clip
from media.node.webm import Frame, WebmWriter
from tests.media.node.playing import decoded, probed


def frames(clip, shift_ms=0):
    return [Frame(packet.kind, int(packet.at * 1000) + shift_ms, packet.data) for packet in clip.packets]


def begun(path, kinds=("video", "audio"), picture=(640, 480)):
    writer = WebmWriter(path)
    writer.open()
    writer.begin(kinds, picture)
    return writer


def test_a_finished_file_has_duration_and_index(clip, tmp_path):
    writer = begun(tmp_path / "a.webm")
    whole = frames(clip)
    for start in range(0, len(whole), 13):
        writer.write(whole[start : start + 13])
    writer.finish(4000)
    found = probed(tmp_path / "a.webm")
    assert float(found["format"]["duration"]) == pytest.approx(4.0, abs=0.1)
    assert {stream["codec_name"] for stream in found["streams"]} == {"vp8", "opus"}
    assert decoded(tmp_path / "a.webm")["video"]["count"] == 60
    with av.open(str(tmp_path / "a.webm")) as container:
        container.seek(2_000_000)
        assert next(container.decode(video=0)).key_frame


def test_every_cut_of_the_file_is_playable(clip, tmp_path):
    writer = begun(tmp_path / "a.webm")
    whole = frames(clip)
    for start in range(0, len(whole), 13):
        writer.write(whole[start : start + 13])
    content = (tmp_path / "a.webm").read_bytes()
    cut = tmp_path / "cut.webm"
    counts = []
    for share in (0.3, 0.6, 0.9):
        cut.write_bytes(content[: int(len(content) * share)])
        counts.append(decoded(cut)["video"]["count"])
    assert 5 < counts[0] < counts[1] < counts[2] < 60


def test_times_never_run_backwards_in_a_track(clip, tmp_path):
    writer = begun(tmp_path / "a.webm", ("audio",))
    packets = [packet.data for packet in clip.packets if packet.kind == "audio"][:4]
    writer.write([Frame("audio", at, data) for at, data in zip((100, 120), packets, strict=False)])
    writer.write([Frame("audio", at, data) for at, data in zip((90, 121), packets[2:], strict=False)])
    writer.finish(200)
    with av.open(str(tmp_path / "a.webm")) as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]
    assert times == [100, 120, 122, 124]


def test_the_size_of_pictures_is_put_right_when_it_comes_late(clip, tmp_path):
    writer = begun(tmp_path / "a.webm", picture=None)
    writer.write([frame for frame in frames(clip) if frame.kind == "audio"][:20])
    small = frames(Clip.made(1.0, 320, 240), 500)
    writer.write([frame for frame in small if frame.kind == "video"])
    writer.finish(1500)
    with av.open(str(tmp_path / "a.webm")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (320, 240)


def test_a_long_silence_makes_a_new_cluster(clip, tmp_path):
    writer = begun(tmp_path / "a.webm", ("audio",))
    data = next(packet.data for packet in clip.packets if packet.kind == "audio")
    writer.write([Frame("audio", at, data) for at in (0, 20, 100_000, 100_020)])
    writer.finish(100_040)
    with av.open(str(tmp_path / "a.webm")) as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]
    assert times == [0, 20, 100_000, 100_020]


def test_a_full_disk_is_an_error():
    writer = WebmWriter(__import__("pathlib").Path("/dev/full"))
    writer.open()
    with pytest.raises(OSError, match="No space left"):
        writer.begin(("video",), (640, 480))
