"""The one door to GStreamer: everything typed Any because of the missing stubs comes through here."""

import ctypes
import functools
import logging
import threading
from typing import Any

# GStreamer brings libunwind, whose _Unwind_Resume would take the place of the compiler's own: onnxruntime in the same
# process would crash on a file that is no network, instead of raising. Who is global first is found first.
ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)

import gi  # type: ignore[import-untyped]  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")

from gi.repository import Gio as _Gio  # type: ignore[import-untyped]  # noqa: E402 - versions are required first
from gi.repository import GLib as _GLib  # noqa: E402
from gi.repository import Gst as _Gst  # noqa: E402
from gi.repository import GstApp as _GstApp  # noqa: E402
from gi.repository import GstSdp as _GstSdp  # noqa: E402
from gi.repository import GstWebRTC as _GstWebRTC  # noqa: E402

Gio: Any = _Gio
GLib: Any = _GLib
Gst: Any = _Gst
GstApp: Any = _GstApp
GstSdp: Any = _GstSdp
GstWebRTC: Any = _GstWebRTC

log = logging.getLogger(__name__)

CALL_SECONDS = 8.0
"""What webrtcbin may take for an answer; a loaded machine needs some 100 ms. Less than clients wait for theirs."""
NEEDED = ("webrtcbin", "nicesrc", "dtlssrtpdec", "rtpvp8depay", "rtpopusdepay", "errorignore", "appsink", "udpsink")
"""One element of each package that the node needs."""


class GStreamerMissing(RuntimeError):
    """A GStreamer plugin is missing; the message names the packages."""


_starting = threading.Lock()


def start() -> None:
    """Initialise GStreamer once; GStreamerMissing when a needed plugin is not installed. Of any thread."""
    with _starting:  # the cache alone would let two threads that come at once both begin
        _start()


@functools.cache
def _start() -> None:
    Gst.init(None)
    _load_types()
    missing = [name for name in NEEDED if Gst.ElementFactory.find(name) is None]
    if missing:
        raise GStreamerMissing(
            f"GStreamer lacks {', '.join(missing)}: install gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, "
            "gstreamer1.0-plugins-bad and gstreamer1.0-nice"
        )


def _load_types() -> None:
    """PyGObject makes a type when it is first named; two threads at once get two that do not know each other."""
    for module in (Gst, GstApp, GstSdp, GstWebRTC):
        for name in dir(module):
            getattr(module, name)


def make(factory: str, **properties: Any) -> Any:
    """An element with properties; underscores in names stand for dashes."""
    element = Gst.ElementFactory.make(factory)
    if element is None:
        raise GStreamerMissing(f"GStreamer has no element {factory}")
    for name, value in properties.items():
        element.set_property(name.rstrip("_").replace("_", "-"), value)
    return element


def caps(text: str) -> Any:
    """Caps from their text form."""
    return Gst.Caps.from_string(text)


def ask_keyframe(sink_pad: Any) -> None:
    """Ask what feeds ``sink_pad`` for a key frame (becomes a PLI at an RTP session)."""
    structure = Gst.Structure.new_from_string("GstForceKeyUnit, all-headers=(boolean)true;")
    sink_pad.push_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, structure))


def session_description(kind: str, text: str) -> Any:
    """A WebRTC session description; ValueError for what is no SDP. ``kind``: offer or answer."""
    outcome, message = GstSdp.SDPMessage.new_from_text(text)
    if outcome != GstSdp.SDPResult.OK or message.medias_len() == 0:
        raise ValueError("no SDP")
    types = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}
    return GstWebRTC.WebRTCSessionDescription.new(types[kind], message)


def call(webrtcbin: Any, signal: str, *arguments: Any) -> Any:
    """Emit one of webrtcbin's asynchronous actions and wait; its reply. ValueError with the reason when refused.

    Blocks: never in an event loop. The reply must be read before it is dropped, it owns what it holds. One that
    never comes is given up, or the pipeline would be locked for ever.
    """
    answered = threading.Event()
    promise = Gst.Promise.new_with_change_func(lambda *_changed: answered.set())
    webrtcbin.emit(signal, *arguments, promise)
    if not answered.wait(CALL_SECONDS):
        log.error("webrtcbin did not answer %s within %s s", signal, CALL_SECONDS)
        raise ValueError(f"{signal} was not answered")
    if promise.wait() != Gst.PromiseResult.REPLIED:
        raise ValueError(f"{signal} was interrupted")
    reply = promise.get_reply()
    if reply is not None and reply.has_field("error"):
        raise ValueError(f"{signal}: {reply.get_value('error').message}")
    return promise, reply


def described(webrtcbin: Any, what: str) -> str:
    """The text of the answer or offer that webrtcbin makes."""
    _promise, reply = call(webrtcbin, f"create-{what}", None)
    return str(reply.get_value(what).sdp.as_text())


_gobject = ctypes.CDLL("libgobject-2.0.so.0")
_gobject.g_object_ref.argtypes = [ctypes.c_void_p]
_gobject.g_object_ref.restype = ctypes.c_void_p


def held_ice_agent(webrtcbin: Any) -> Any:
    """webrtcbin's ICE agent. Keep it as long as the webrtcbin.

    PyGObject takes the floating reference that webrtcbin counts on, and would free the agent under it: the one added
    here makes up for that.
    """
    agent = webrtcbin.get_property("ice-agent")
    _gobject.g_object_ref(hash(agent))
    return agent


def enum_nick(value: Any) -> str:
    """``checking`` of ``GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING``."""
    return str(value.value_nick)
