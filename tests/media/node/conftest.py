"""Fixtures: a real node in a process of its own."""

from tests.media.node.chromium import browser
from tests.media.node.fixtures import client, clip, h264_clip, node, own_node, pipeline

__all__ = ["browser", "client", "clip", "h264_clip", "node", "own_node", "pipeline"]
