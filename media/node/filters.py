"""GStreamerFilter: one GStreamer element between decoding and encoding."""

import contextlib
from typing import TYPE_CHECKING, Any

from media.kurento.errors import MarshallError
from media.node.element import MediaElement
from media.node.encoding import EncodedOutlet, decoder, encoder
from media.node.graph import Branch, Outlet
from media.node.gst import GLib, Gst
from media.node.values import Param, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline


class GStreamerFilter(MediaElement):
    """Sends pictures or sound through an element; the other kind passes as it came."""

    kind = "GStreamerFilter"
    hierarchy = ("Filter", "MediaElement", "MediaObject")

    def __init__(self, node: "Node", parent: "MediaPipeline", command: str, filter_type: str | None) -> None:
        """``command`` as of gst-launch; MarshallError unless it is exactly one known element."""
        self.command = command
        self._element = parsed(command)
        self._kind = "audio" if filter_type == "AUDIO" or is_audio(self._element) else "video"
        super().__init__(node, parent)
        self.transcoding = {self._kind}

    def make_outlet(self, kind: str) -> Outlet:
        """Of what is filtered a counted one, with an encoder before it."""
        return EncodedOutlet(self.graph, kind) if kind == self._kind else Outlet(self.graph, kind)

    def open_branch(self, outlet: Outlet) -> Branch:
        """Decode, filter, encode; or just on."""
        own = self.outlet(outlet.kind)
        if isinstance(own, EncodedOutlet):
            if self._element is None:
                self._element = parsed(self.command)
            chain = [*decoder(outlet.codec), self._element, *encoder(outlet.kind)]
            return Branch(outlet, chain, own.entry)
        own.feed_from_outlet(outlet)
        return Branch(outlet, [], own.tee.get_static_pad("sink"))

    def close_branch(self, outlet: Outlet, branch: Branch) -> None:
        """The element is made anew for the next source, with the properties of the command."""
        own = self.outlet(outlet.kind)
        if isinstance(own, EncodedOutlet):
            self._element = None
        else:
            own.feed_from_outlet(None)
        branch.close()

    @operation(Param("propertyName"), Param("propertyValue"))
    def setElementProperty(self, name: str, value: str) -> None:
        """Set a property of the element while it works, from its text."""
        if self._element is None or self._element.find_property(name) is None:
            raise MarshallError(f"The element of '{self.command}' has no property '{name}'")
        Gst.util_set_object_arg(self._element, name, value)


def parsed(command: str) -> Any:
    """The one element of a command; MarshallError in Kurento's words."""
    try:
        element = Gst.parse_launch(command)
    except GLib.Error as error:
        raise MarshallError(f"GStreamer element cannot be created: {error.message}") from error
    if isinstance(element, Gst.Bin):
        raise MarshallError("Given command is not valid, only one element can be created")
    return element


def is_audio(element: Any) -> bool:
    """Whether an element takes raw sound, and no pictures."""
    with contextlib.suppress(AttributeError):
        accepted = element.get_static_pad("sink").query_caps(None)
        return accepted.can_intersect(Gst.Caps.from_string("audio/x-raw")) and not accepted.can_intersect(
            Gst.Caps.from_string("video/x-raw")
        )
    return False
