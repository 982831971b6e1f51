"""Media nodes and gateways, for who keeps the appliance running."""

from typing import Any

from appliance.services import disk_guard, nodes
from web import contexts
from web.services import Request


def listing(context: object, request: Request) -> dict[str, Any]:
    """Give all nodes and gateways, the files that no sitting knows, and what is expected of the disk."""
    return {
        "nodes": nodes.listing(request.db),
        "gateways": nodes.gateways(request.db),
        "stray_files": nodes.stray_files(request.db),
        "disk": disk_guard.told(request.db),
    }


def drain(context: object, request: Request) -> dict[str, Any]:
    """Have a node take no new sittings."""
    node = nodes.by_id(request.db, contexts.number(request, "id"))
    nodes.drain(request.db, request.actor, node, request.body_struct.moves)
    return {"node": {"id": node.id, "state": node.state.value, "moves": node.moves}}


def resume(context: object, request: Request) -> dict[str, Any]:
    """Have a drained node take sittings again."""
    node = nodes.by_id(request.db, contexts.number(request, "id"))
    nodes.resume(request.db, request.actor, node)
    return {"node": {"id": node.id, "state": node.state.value, "moves": node.moves}}
