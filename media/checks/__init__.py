"""Walks along the media of a sitting, or sends a synthetic candidate through every node."""
