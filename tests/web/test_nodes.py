"""The page of media nodes and what its buttons do."""

from sqlalchemy import select

from appliance.models import AuditEntry, Node
from appliance.services import disk_guard, nodes
from appliance.vocabulary import NodeState, Role

ONE = "ws://127.0.0.1:8888/kurento"


def test_support_sees_the_nodes_and_drains_one(staff, session):
    nodes.enter_settings(session, [ONE])
    session.commit()
    browser = staff(Role.SUPPORT)
    assert "Media nodes" in browser.get("/nodes").text
    told = browser.get("/api/v1/nodes").json
    (node,) = told["nodes"]
    assert (node["url"], node["state"], node["answers"], node["sittings"]) == (ONE, "active", False, 0)
    assert told["gateways"] == []
    assert told["stray_files"] == {"count": 0, "size_bytes": 0, "files": []}
    path = f"/api/v1/nodes/{node['id']}"
    assert browser.code_of(f"{path}/drain", {"moves": True}, status=409) == "impossible_step"
    assert browser.post_ok(f"{path}/drain", {"moves": False})["node"]["state"] == "draining"
    assert browser.get("/api/v1/nodes").json["nodes"][0]["empty"]
    assert browser.post_ok(f"{path}/resume")["node"]["state"] == "active"
    assert browser.code_of(f"{path}/resume", status=409) == "impossible_step"
    assert browser.code_of("/api/v1/nodes/999999/resume", status=404) == "not_found"
    assert browser.code_of(f"{path}/drain", {"moves": "now"}, status=400) == "bad_input"
    session.expire_all()
    assert session.scalars(select(Node.state)).one() is NodeState.ACTIVE
    audited = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("node."))).all()
    assert [(entry.action, entry.actor_kind) for entry in audited] == [
        ("node.drain", "user"),
        ("node.resume", "user"),
    ]


def test_all_pages_tell_the_worst_forecast_of_the_disk(staff, session):
    support, proctor = staff(Role.SUPPORT), staff(Role.PROCTOR)
    paths = [(support, "/api/v1/nodes"), (support, "/api/v1/support/sittings"), (proctor, "/api/v1/room")]
    assert [browser.get(path).json["disk"] for browser, path in paths] == [None] * 3
    gigabyte = 1024**3
    for gateway, free in (("one", 40 * gigabyte), ("two", gigabyte)):
        measured = disk_guard.Measured(free, None, 0, 0, 0.0, 0, True)
        disk_guard.update(session, gateway, measured, 5 * gigabyte)
    session.commit()
    for browser, path in paths:
        disk = browser.get(path).json["disk"]
        assert (disk["state"], disk["free_mb"], disk["full_ms"]) == ("closed", 1024, None), path
        page = path.removeprefix("/api/v1").removesuffix("/sittings")
        assert 'id="disk"' in browser.get(page).text
