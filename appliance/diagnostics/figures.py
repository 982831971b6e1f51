"""Names of what is measured, for people; the unit is the end of the name.

``_ms`` milliseconds, ``_s`` seconds, ``_mb`` MiB, ``_percent``, ``_kbps`` kbit/s; others are counts or words.
"""

from typing import Any, Final

FIGURES: Final[dict[str, str]] = {
    "state": "State",
    "ice_state": "ICE",
    "dtls_state": "DTLS",
    "pair": "Pair in use",
    "lost_percent": "Lost",
    "jitter_ms": "Jitter",
    "round_trip_ms": "Round trip",
    "video_kbps": "Pictures received",
    "audio_kbps": "Sound received",
    "first_ms": "First picture after",
    "answer_ms": "Time to answer",
    "burst_ms": "Time to answer 200 questions at once",
    "cpu_percent": "Processor",
    "memory_mb": "Memory",
    "bytes_grown": "Bytes more",
    "size_mb": "Size",
    "age_s": "Age",
    "camera": "Camera",
    "screen": "Screen",
    "microphone": "Microphone",
    "firewall_rule": "Firewall must let through",
    "ice_errors": "ICE errors",
    "free_mb": "Free",
    "address": "Address",
    "browser": "Browser",
    "check_in": "Ways out at the check-in",
    "clock_offset_ms": "Clock off by",
    "connected_for_s": "Connected for",
    "connection_state": "Connection",
    "days_left": "Days left",
    "file": "File",
    "forecast_hours": "Hours until full",
    "frames_sent": "Frames sent",
    "free_at_end_mb": "Free after the running exams",
    "gaps": "Gaps",
    "job": "Job",
    "limited_by": "Quality limited by",
    "local_types": "Addresses the browser found",
    "nacks": "Packets asked for again",
    "nodes": "Media nodes",
    "pairs_tried": "Pairs tried",
    "pictures": "Pictures",
    "pipelines": "Pipelines",
    "plis": "Key frames asked for",
    "reconnects": "Reconnections",
    "relay": "Relayed address",
    "remote_types": "Addresses the node told",
    "reserve_mb": "Reserve",
    "revision": "Revision",
    "revision_wanted": "Revision needed",
    "silent_s": "Silent for",
    "sockets": "Sockets",
    "source": "Source",
    "synchronised": "Synchronised",
    "valid_until": "Valid until",
    "version": "Version",
    "viewers": "Viewers",
    "age_hours": "Hours old",
    "archived": "Archived",
    "at": "At",
    "behind_mb": "Behind",
    "connections": "Connections",
    "connections_most": "Connections at most",
    "free_inodes_percent": "Files that can still be made",
    "ports": "Ports",
    "processes": "Processes",
    "restarts": "Restarts",
    "units": "Units",
    "waiting": "Waiting jobs",
    "waiting_s": "Longest wait",
    "workers": "Workers alive",
}
"""Every figure a step may have, what says most before the rest: they are shown in this order."""

UNITS: Final = {"_ms": "ms", "_s": "s", "_mb": "MB", "_percent": "%", "_kbps": "kbit/s"}


def unit_of(name: str) -> str:
    """Return the unit that a figure's name ends with, or nothing."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def shown(name: str, value: Any) -> str:
    """Return a value with its unit."""
    if isinstance(value, list):
        return "; ".join(str(item) for item in value) or "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if value is None or value == "":
        return "–"
    text = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
    unit = unit_of(name)
    return f"{text} {unit}" if unit else text
