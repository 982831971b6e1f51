"""A host's media nodes are left before its release changes, and its processes are judged afterwards."""

import http.server
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.deploy import switching
from appliance.deploy.switching import Process
from appliance.errors import HostNotReady
from appliance.services import nodes
from appliance.vocabulary import NodeState
from tests.appliance.services.test_nodes import live

PERSON = Actor("cli", "root", "root")
HERE, THERE = "ws://10.0.0.2:8888/kurento", "ws://10.0.0.3:8888/kurento"
NEW, OLD = Path("/opt/kustos/releases/2.0"), "/opt/kustos/releases/1.0"


@pytest.fixture
def two(session):
    """A node of this host and one of another."""
    return [nodes.register(session, PERSON, url, name=url[10:13]) for url in (HERE, THERE)]


def test_only_the_hosts_own_nodes_are_left_and_only_those_are_resumed(session, two):
    assert switching.begin_drain(session, PERSON, ["10.0.0.2", "media1"], moves=True) == [two[0].name]
    assert [(node.state, node.moves) for node in two] == [(NodeState.DRAINING, True), (NodeState.ACTIVE, False)]
    assert switching.begin_drain(session, PERSON, ["10.0.0.2"], moves=False) == []  # somebody's drain stays theirs
    switching.end_drain(session, PERSON, [two[0].name, two[1].name, "removed meanwhile"])
    assert [node.state for node in two] == [NodeState.ACTIVE, NodeState.ACTIVE]


def test_who_waits_is_told_how_many_go_on_until_when_and_what_to_do(session, session_factory, make, two):
    end = utcnow() + timedelta(minutes=90)
    for url in (HERE, THERE):
        sitting = make.sitting()
        sitting.deadline_at = end
        row = live(session, sitting, url)
    told = []
    session.commit()
    with pytest.raises(HostNotReady, match=f"1 sittings still go on there, the last until {end:%H:%M} UTC"):
        switching.wait_until_empty(session_factory, ["10.0.0.3"], 0, told.append)
    assert told == ["1 sittings go on."]
    session.delete(row)
    session.commit()
    switching.wait_until_empty(session_factory, ["10.0.0.3"], 0, told.append)


def test_sittings_without_an_end_promise_none(session, make, two):
    live(session, make.sitting(), HERE)
    assert switching.sittings_at(session, ["10.0.0.2"]) == switching.Sittings(1, None)


def test_the_last_backup_is_the_audit_logs(session):
    assert switching.last_backup(session) is None
    audit.record(session, PERSON, "backup.create", ("backup", "20261122T150000Z"))
    session.commit()
    assert utcnow() - switching.last_backup(session) < timedelta(minutes=1)


@pytest.fixture
def door():
    """A server that answers with a status of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(b"not ready: no media node")

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status = 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_processes_that_do_not_work_or_are_of_another_release_are_named(settings, door):
    address = f"127.0.0.1:{door.server_address[1]}"
    settings = replace(settings, web_listen=address, gateway_listen="127.0.0.1:1")
    program = f"{NEW}/venv/bin/python {NEW}/venv/bin/kustos web"
    web = Process("kustos-web.service", "active", 1, program)
    assert switching.faults(settings, NEW, [web]) == []
    door.status = 503
    found = switching.faults(
        settings,
        NEW,
        [
            web,
            replace(web, unit="kustos-gateway.service"),
            replace(web, unit="kustos-worker.service", state="activating"),
            replace(web, unit="kustos-background.service", program=program.replace(str(NEW), OLD)),
            Process("kustos-kurento.service", "active", 2, "/usr/bin/kurento-media-server"),
        ],
    )
    assert [words.split(":")[0] for words in found] == [
        "kustos-web.service is not ready",
        "kustos-gateway.service does not answer at http",
        "kustos-worker.service is activating",
        f"kustos-background.service still runs {OLD}/venv/bin/python",
    ]


def test_what_ends_by_itself_is_no_process_that_has_to_run(monkeypatch):
    units = {
        "kustos-web.service": ["ActiveState=active", "MainPID=1", "Type=notify", "UnitFileState=enabled"],
        "kustos-backup.service": ["ActiveState=failed", "MainPID=0", "Type=oneshot", "UnitFileState=static"],
        "kustos-kurento.service": ["ActiveState=inactive", "MainPID=0", "Type=simple", "UnitFileState=disabled"],
    }

    def systemctl(verb, *words):
        return [f"{name} loaded" for name in units] if verb == "list-units" else units[words[-1]]

    monkeypatch.setattr(switching, "_systemctl", systemctl)
    assert [process.unit for process in switching.processes()] == ["kustos-web.service"]
