"""Timestamped pictures and sound from a live tap or from a file."""

from media.frames.file_source import FileSource
from media.frames.frame import Frame, FrameSource, Item, NoPicture, NoSound, Sound
from media.frames.rtp_tap import RtpTap

__all__ = ["FileSource", "Frame", "FrameSource", "Item", "NoPicture", "NoSound", "RtpTap", "Sound"]
