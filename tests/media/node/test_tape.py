"""A tape whose disk hung: what its buffer dropped must not be shown as damaged pictures."""

import av
import pytest

from media.node import gst
from media.node.graph import Graph, Outlet
from media.node.gst import Gst, make
from media.node.tape import MAX_BUFFERS, Tape
from tests.running import wait_for


class Source(Outlet):
    """An outlet that is fed here, and counts who asks for a key frame."""

    def __init__(self, graph):
        super().__init__(graph, "video")
        self.asked = 0
        self.source = make("appsrc", format=Gst.Format.TIME, do_timestamp=True, is_live=True, max_bytes=0)
        graph.add(self.source)
        self.source.link(self.tee)

    def ask_keyframe(self):
        self.asked += 1

    def push(self, branch, *frames):
        """Give frames and wait until all of them went where the tape pulls them."""
        sink = branch.elements[-1]
        wanted = arrived(sink) + len(frames)
        for frame in frames:
            assert self.source.emit("push-buffer", Gst.Buffer.new_wrapped(frame)) is Gst.FlowReturn.OK
        wait_for(lambda: arrived(sink) == wanted, 10, "frames at the tape")


def arrived(sink):
    return sink.get_property("stats").get_uint64("rendered")[1]


@pytest.fixture
def graph():
    gst.start()
    graph = Graph("tape")
    yield graph
    graph.close()


def test_after_dropped_frames_nothing_is_written_until_a_key_frame(graph, clip, tmp_path):
    errors = []
    tape = Tape(tmp_path / "a.webm", ("video",), graph.running_time, lambda: None, errors.append)
    key, inter, *_ = [packet.data for packet in clip.packets if packet.kind == "video"]
    source = Source(graph)
    branch = tape.thread(source)
    assert tape.start() is None
    source.push(branch, key, inter, inter)
    tape.tick()
    asked = source.asked
    source.push(branch, *[inter] * (MAX_BUFFERS + 50))  # while the disk hangs
    tape.tick()
    assert source.asked == asked + 1
    source.push(branch, inter, key, inter)
    tape.tick()
    source.push(branch, *[inter] * (MAX_BUFFERS - 50))  # a shorter hang: nothing is missing
    tape.tick()
    tape.unthread(source, branch)
    tape.stop()
    with av.open(str(tmp_path / "a.webm")) as film:
        kinds = [packet.is_keyframe for packet in film.demux(video=0) if packet.size]
    assert kinds == [True, False, False, True, False] + [False] * (MAX_BUFFERS - 50)
    assert errors == []
