"""Fixtures of the media tests."""

import pytest

from media.kurento import KurentoClient, MediaPipeline
from media.node.synthetic import Clip
from tests.media.node.playing import NodeProcess, drawn_h264


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """One node for the tests of a module."""
    process = NodeProcess(tmp_path_factory.mktemp("node") / "log")
    yield process
    process.stop()
    log = process.log.read_text()
    assert "CRITICAL" not in log, log
    assert "Traceback" not in log, log


@pytest.fixture
def own_node(tmp_path):
    """A node that the test may kill."""
    process = NodeProcess(tmp_path / "node.log")
    yield process
    if process.process.poll() is None:
        process.stop()


@pytest.fixture(scope="session")
def clip():
    return Clip.made()


@pytest.fixture(scope="session")
def h264_clip(tmp_path_factory):
    """What Safari would send, by x264."""
    path = tmp_path_factory.mktemp("h264") / "clip.mkv"
    drawn_h264(path)
    return Clip.load(path)


@pytest.fixture
async def client(node):
    async with KurentoClient(node.url) as client:
        yield client


@pytest.fixture
async def pipeline(client):
    pipeline = await MediaPipeline.create(client)
    yield pipeline
    await pipeline.release()
