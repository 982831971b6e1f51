"""What the first bytes of a growing file say, whoever wrote it."""

import pytest

from media.node.synthetic import Clip
from media.node.webm import Frame, WebmWriter
from media.recordings.opening import Opening, opening_of, read_opening


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file as our node leaves it when it is killed, and where its first picture's first byte lies."""
    clip = Clip.made(seconds=1.0, width=160, height=120, fps=5)
    path = tmp_path_factory.mktemp("opening") / "a.webm"
    writer = WebmWriter(path)
    writer.open()
    writer.begin(("video", "audio"), (160, 120))
    writer.write([Frame(packet.kind, int(packet.at * 1000), packet.data) for packet in clip.packets])
    first = next(packet.data for packet in clip.packets if packet.kind == "video")
    return path, path.read_bytes().index(first)


def test_of_our_node(written):
    path, at = written
    assert opening_of(path) == Opening("Kustos", True)
    content = path.read_bytes()
    assert read_opening(content[:at]).keyframe
    assert read_opening(content[: at - 200]) == Opening("Kustos", False)
    assert read_opening(content[:40]) == read_opening(b"") == Opening()


def test_of_another_writer(recorded):
    found = opening_of(recorded)
    assert found.keyframe
    assert found.writer.startswith("Lavf")


def test_sound_alone_is_no_picture(tmp_path):
    writer = WebmWriter(tmp_path / "a.webm")
    writer.open()
    writer.begin(("video", "audio"), (160, 120))
    writer.write([Frame("audio", at, b"\xfc" * 30) for at in range(0, 100, 20)])
    assert opening_of(tmp_path / "a.webm") == Opening("Kustos", False)
    writer.write([Frame("video", 200, b"\x31" + bytes(50))])
    assert not opening_of(tmp_path / "a.webm").keyframe, "a picture that builds on others shows nothing"
    writer.write([Frame("video", 300, b"\x30" + bytes(50))])
    assert opening_of(tmp_path / "a.webm").keyframe


@pytest.mark.parametrize("content", [b"\x00" * 100, b"\xff" * 100, b"\x1a\x45\xdf\xa3\xff", bytes(range(256)) * 8])
def test_what_is_no_webm_says_nothing(content):
    assert read_opening(content) == Opening()
