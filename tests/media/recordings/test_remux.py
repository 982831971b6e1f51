"""A recorded file, written anew so that it can be sought in."""

import av
import pytest

from media.recordings.remux import Unplayable, remux
from tests.media.recordings.conftest import seconds_and_seek, webm


def packets(path):
    with av.open(str(path)) as container:
        return [
            (p.stream.type, round(float(p.pts * p.time_base), 3), bytes(p))
            for p in container.demux()
            if p.dts is not None
        ]


def test_duration_and_cues_are_there_and_every_packet_is_the_same(recorded, tmp_path):
    target = tmp_path / "out.webm"
    with av.open(str(recorded)) as before:
        assert not before.duration
    found = remux(recorded, target)
    assert abs(found.duration_ms - 3000) < 60
    duration, first = seconds_and_seek(str(target), 2.2)
    assert abs(duration - 3.0) < 0.06
    assert 1.9 <= first <= 2.2
    assert sorted(packets(target)) == sorted(packets(recorded))
    assert found.media["video"] == {
        "codec": "vp8", "packets": 45, "keyframes": 3, "width": 160, "height": 120, "first_ms": 0,
    }  # fmt: skip
    assert found.media["audio"]["codec"] == "opus"
    head = target.read_bytes()
    assert head.index(b"\x1c\x53\xbb\x6b") < head.index(b"\x1f\x43\xb6\x75"), "cues before the first cluster"


def test_a_torn_file_keeps_what_was_written(recorded, tmp_path):
    whole = recorded.read_bytes()
    torn = tmp_path / "torn.webm"
    torn.write_bytes(whole[: int(len(whole) * 0.6)])
    found = remux(torn, tmp_path / "out.webm")
    assert 1200 < found.duration_ms < 2400
    with av.open(str(tmp_path / "out.webm")) as container:
        assert sum(1 for _ in container.decode(video=0)) == found.media["video"]["packets"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"not a film at all " * 200])
def test_what_cannot_be_played_is_said(tmp_path, content):
    path = tmp_path / "bad.webm"
    path.write_bytes(content)
    with pytest.raises(Unplayable):
        remux(path, tmp_path / "out.webm")


def test_a_missing_file_and_a_mere_header_are_unplayable(recorded, tmp_path):
    with pytest.raises(Unplayable, match="not there"):
        remux(tmp_path / "none.webm", tmp_path / "out.webm")
    head = tmp_path / "head.webm"
    whole = recorded.read_bytes()
    head.write_bytes(whole[: whole.index(b"\x1f\x43\xb6\x75")])
    with pytest.raises(Unplayable):
        remux(head, tmp_path / "out.webm")


def test_a_screen_without_sound(tmp_path):
    source = webm(tmp_path / "screen.webm", seconds=2, audio=False)
    assert "audio" not in remux(source, tmp_path / "out.webm").media


def test_the_files_zero_stays_where_it_was(recorded, tmp_path):
    """The first picture came 0.7 s after the recorder's start: it must still be at 0.7 s."""
    late = tmp_path / "late.webm"
    with av.open(str(recorded)) as reader, av.open(str(late), "w", format="webm") as writer:
        source = reader.streams.video[0]
        sink = writer.add_stream_from_template(source)
        for packet in reader.demux(source):
            if packet.dts is not None:
                packet.pts += 700
                packet.dts += 700
                packet.stream = sink
                writer.mux(packet)
    found = remux(late, tmp_path / "out.webm")
    assert found.media["video"]["first_ms"] == 700
    assert packets(tmp_path / "out.webm")[0][1] == 0.7
