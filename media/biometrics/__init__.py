"""Faces: found, measured, described, compared. No rules and no incidents: see ``media.detectors``."""
