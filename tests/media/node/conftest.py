"""Fixtures: a real node in a process of its own."""

from tests.media.node.fixtures import client, clip, node, own_node, pipeline

__all__ = ["client", "clip", "node", "own_node", "pipeline"]
