"""Fixtures shared with the node's tests."""

from tests.media.node.fixtures import h264_clip

__all__ = ["h264_clip"]
