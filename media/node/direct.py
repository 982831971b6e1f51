"""GStreamer's functions that are called for every frame and packet, by ctypes: PyGObject takes 20 µs a frame, this 5.

Nothing here blocks, so the calls keep the GIL: handing it over costs more. Objects go by address, ``hash(object)`` of
a GObject of PyGObject's. Structures whose fields are read are public ones, fixed for 64-bit machines by GStreamer.
"""

import ctypes
from typing import Any

NONE = 2**64 - 1
"""GST_CLOCK_TIME_NONE."""
_FORMAT_TIME = 3
_PTS_AT, _DTS_AT = 72, 80
"""In a GstBuffer, behind its GstMiniObject (64 bytes) and a pointer."""

_Address, _Size, _Text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
_Time = ctypes.c_uint64


def _function(library: ctypes.PyDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


_gst = ctypes.PyDLL("libgstreamer-1.0.so.0")
_app = ctypes.PyDLL("libgstapp-1.0.so.0")
_gobject = ctypes.PyDLL("libgobject-2.0.so.0")
_try_pull_sample = _function(_app, "gst_app_sink_try_pull_sample", _Address, _Address, ctypes.c_uint64)
_sample_buffer = _function(_gst, "gst_sample_get_buffer", _Address, _Address)
_sample_segment = _function(_gst, "gst_sample_get_segment", _Address, _Address)
_running_time = _function(_gst, "gst_segment_to_running_time", _Time, _Address, ctypes.c_int, _Time)
_buffer_size = _function(_gst, "gst_buffer_get_size", _Size, _Address)
_extract = _function(_gst, "gst_buffer_extract", _Size, _Address, _Size, _Address, _Size)
_copy = _function(_gst, "gst_buffer_new_memdup", _Address, _Address, _Size)
_unref = _function(_gst, "gst_mini_object_unref", None, _Address)
_structure_uint = _function(_gst, "gst_structure_get_uint", ctypes.c_int, _Address, _Text, _Address)
_structure_free = _function(_gst, "gst_structure_free", None, _Address)
_get = _function(_gobject, "g_object_get", None)
_get.argtypes = None  # variadic


def pull(appsink: int) -> tuple[int, bytes] | None:
    """The next frame of an appsink: (running time in ns or NONE, data); None when there is none now."""
    sample = _try_pull_sample(appsink, 0)
    if not sample:
        return None
    buffer = _sample_buffer(sample)
    size = _buffer_size(buffer)
    data = ctypes.create_string_buffer(size)
    _extract(buffer, 0, data, size)
    pts = _Time.from_address(buffer + _PTS_AT).value
    at = NONE if pts == NONE else _running_time(_sample_segment(sample), _FORMAT_TIME, pts)
    _unref(sample)
    return at, data.raw


def copied(data: int, length: int) -> int:
    """A new buffer of a copy of some memory; who takes it owns it."""
    return int(_copy(data, length))


def stamp(buffer: int, at_ns: int) -> None:
    """Set the time of a buffer that nobody else holds."""
    _Time.from_address(buffer + _PTS_AT).value = at_ns
    _Time.from_address(buffer + _DTS_AT).value = at_ns


def drop(buffer: int) -> None:
    """Give a buffer up."""
    _unref(buffer)


def last_packet(depayloader: int) -> tuple[int, int]:
    """Sequence number and RTP timestamp of the last packet that a depayloader took."""
    stats, sequence, timestamp = ctypes.c_void_p(), ctypes.c_uint(), ctypes.c_uint()
    _get(_Address(depayloader), _Text(b"stats"), ctypes.byref(stats), None)
    if not stats:
        return (0, 0)
    _structure_uint(stats, b"seqnum", ctypes.byref(sequence))
    _structure_uint(stats, b"timestamp", ctypes.byref(timestamp))
    _structure_free(stats)
    return sequence.value, timestamp.value
