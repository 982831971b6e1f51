"""Which port of a hub gives which other port its media, untouched."""

from media.node.encoding import relay
from media.node.graph import Branch, Graph, Outlet

Key = tuple[str, str]
"""Name of a port, kind."""


class Routes:
    """Inputs and outputs of ports by name, and the way between them. All calls block for some ms: threads only."""

    def __init__(self, graph: Graph) -> None:
        """No ways yet."""
        self._graph = graph
        self._inputs: dict[Key, Outlet] = {}
        self._outputs: dict[Key, Outlet] = {}
        self._sources: dict[Key, str] = {}
        self._branches: dict[Key, Branch] = {}

    def open_input(self, name: str, outlet: Outlet) -> Branch:
        """Take what is connected to a port."""
        inlet = self._input(name, outlet.kind)
        branch = Branch(outlet, [], inlet.tee.get_static_pad("sink"))
        inlet.feed_from_outlet(outlet)
        inlet.ask_keyframe()
        return branch

    def close_input(self, name: str, outlet: Outlet, branch: Branch) -> None:
        """Take it no more; the ways from that port stay and lie empty."""
        self._input(name, outlet.kind).feed_from_outlet(None)
        branch.close()

    def make_outlet(self, name: str, kind: str) -> Outlet:
        """What a port gives."""
        outlet = self._outputs[name, kind] = Outlet(self._graph, kind)
        self._lay(name, kind)
        return outlet

    def source(self, name: str, kind: str) -> str | None:
        """The port that feeds a port."""
        return self._sources.get((name, kind))

    def set(self, name: str, kind: str, source: str | None) -> None:
        """Have a port fed by another, or by none."""
        if self._sources.get((name, kind)) == source:
            return
        self._lift(name, kind)
        if source is not None:
            self._sources[name, kind] = source
            self._lay(name, kind)

    def close_port(self, name: str) -> None:
        """Forget a port and all ways from it and to it; nothing is connected to it any more."""
        for (sink, kind), source in list(self._sources.items()):
            if name in (sink, source):
                self._lift(sink, kind)
        for ends in (self._inputs, self._outputs):
            for key in [key for key in ends if key[0] == name]:
                ends.pop(key).close()

    def _input(self, name: str, kind: str) -> Outlet:
        if (name, kind) not in self._inputs:
            self._inputs[name, kind] = Outlet(self._graph, kind)
        return self._inputs[name, kind]

    def _lay(self, name: str, kind: str) -> None:
        source, outlet = self._sources.get((name, kind)), self._outputs.get((name, kind))
        if source is not None and outlet is not None:
            self._branches[name, kind] = relay(self._input(source, kind), outlet)

    def _lift(self, name: str, kind: str) -> None:
        self._sources.pop((name, kind), None)
        branch = self._branches.pop((name, kind), None)
        if branch is not None:
            self._outputs[name, kind].feed_from_outlet(None)
            branch.close()
