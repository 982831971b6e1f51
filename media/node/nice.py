"""What only libnice itself tells and takes: candidates, the pair in use, addresses of interfaces. By ctypes: its
introspection data is a package of its own, and these few calls need no more than pointers and numbers."""

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

STREAM, COMPONENT = 1, 1
"""webrtcbin has one bundled stream, whose RTP and RTCP share the one component."""
IPV6 = Path("/proc/net/if_inet6")


class _List(ctypes.Structure):
    """GSList."""


_List._fields_ = [("data", ctypes.c_void_p), ("next", ctypes.POINTER(_List))]


@functools.cache
def _library() -> Any:
    nice = ctypes.CDLL("libnice.so.10")
    for name in ("nice_agent_get_local_candidates", "nice_agent_get_remote_candidates"):
        function = getattr(nice, name)
        function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], ctypes.POINTER(_List)
    nice.nice_agent_generate_local_candidate_sdp.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    nice.nice_agent_generate_local_candidate_sdp.restype = ctypes.c_void_p
    pointer = ctypes.POINTER(ctypes.c_void_p)
    nice.nice_agent_get_selected_pair.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, pointer, pointer]
    nice.nice_interfaces_get_ip_for_interface.argtypes = [ctypes.c_char_p]
    nice.nice_interfaces_get_ip_for_interface.restype = ctypes.c_void_p
    nice.nice_candidate_free.argtypes = [ctypes.c_void_p]
    return nice


@functools.cache
def _glib() -> Any:
    glib = ctypes.CDLL("libglib-2.0.so.0")
    glib.g_free.argtypes = [ctypes.c_void_p]
    glib.g_slist_free.argtypes = [ctypes.c_void_p]
    return glib


def _text(pointer: int | None) -> str:
    """A string that is ours now."""
    if not pointer:
        return ""
    found = ctypes.string_at(pointer).decode()
    _glib().g_free(pointer)
    return found


def _line(agent: Any, candidate: int) -> str:
    return _text(_library().nice_agent_generate_local_candidate_sdp(hash(agent), candidate)).removeprefix("a=")


def _lines(agent: Any, function: Callable[..., Any]) -> list[str]:
    first = function(hash(agent), STREAM, COMPONENT)
    found, item = [], first
    while item:
        found.append(_line(agent, item.contents.data))
        _library().nice_candidate_free(item.contents.data)
        item = item.contents.next
    _glib().g_slist_free(first)
    return found


def local_candidates(agent: Any) -> list[str]:
    """Lines as ``candidate:1 1 UDP 2015363327 192.0.2.1 40000 typ host``; ``agent`` is a NiceAgent."""
    return _lines(agent, _library().nice_agent_get_local_candidates)


def remote_candidates(agent: Any) -> list[str]:
    """What the peer told, and what was found out by its checks (``typ prflx``)."""
    return _lines(agent, _library().nice_agent_get_remote_candidates)


def selected_pair(agent: Any) -> tuple[str, str] | None:
    """The pair in use: our candidate and the peer's."""
    local, remote = ctypes.c_void_p(), ctypes.c_void_p()
    selected = _library().nice_agent_get_selected_pair(
        hash(agent), STREAM, COMPONENT, ctypes.byref(local), ctypes.byref(remote)
    )
    if not selected or not local.value or not remote.value:
        return None
    return _line(agent, local.value), _line(agent, remote.value)


def interface_addresses(name: str) -> list[str]:
    """The addresses of a network interface, IPv4 first; none if there is no such interface."""
    found = _text(_library().nice_interfaces_get_ip_for_interface(name.encode()))
    entries = [line.split() for line in IPV6.read_text().splitlines()] if IPV6.exists() else []
    six = [entry[0] for entry in entries if entry[5] == name and entry[3] != "20"]  # 20: link-local
    return [found] * bool(found) + [":".join(item[at : at + 4] for at in range(0, 32, 4)) for item in six]
