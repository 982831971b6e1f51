"""Timestamped pictures from a live tap or from a file."""

from media.frames.file_source import FileSource
from media.frames.frame import Frame, FrameSource, NoPicture, Sound
from media.frames.rtp_tap import RtpTap

__all__ = ["FileSource", "Frame", "FrameSource", "NoPicture", "RtpTap", "Sound"]
