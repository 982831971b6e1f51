"""Figures and health of the real processes, as Prometheus and a load balancer see them."""

import json
import os
import re
import socket
import subprocess
import sys

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.running import ROOT, RunningAppliance, ask_socket, wait_for

pytestmark = pytest.mark.timeout(300)

PROCESSES = ("gateway_0", "node_0", "web_0", "worker_analysis_0", "worker_analysis_1", "worker_background_0")
ELSEWHERE = {"kustos_certificate_end_timestamp_seconds", "kustos_clock_offset_seconds"}
"""Only with https and with a time server: tests/appliance/monitoring/test_host.py."""
GUIDE = (ROOT / "docs/operating/monitoring.md").read_text()


@pytest.fixture(scope="module")
def appliance(tmp_path_factory):
    started = RunningAppliance(tmp_path_factory.mktemp("a") / "d", {"KUSTOS_SIEM_URL": "udp://127.0.0.1:9"})
    started.start()
    stamp = {"full_at": 1, "full_bytes": 1, "full_seconds": 1, "streamed_at": 1, "files_waiting": 0}
    (started.data / "backup.json").write_text(json.dumps(stamp))
    yield started
    assert started.stop() == 0


def socket_of(appliance, name):
    return appliance.data / "run/metrics" / f"{name}.sock"


@pytest.fixture(scope="module")
def told(appliance):
    """What each process tells: name -> text."""
    wait_for(lambda: "audit_checkpoint_age" in scrape(appliance, "web_0"), 90, "a first checkpoint")
    return {file.stem: scrape(appliance, file.stem) for file in (appliance.data / "run/metrics").glob("*.sock")}


def scrape(appliance, name):
    answer = ask_socket(socket_of(appliance, name), "/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text


def families(text):
    """Return the metrics' names as rules write them."""
    found = set()
    for family in text_string_to_metric_families(text):
        found.add(family.name + ("_total" if family.type == "counter" else ""))
    return found


def test_every_process_tells_of_itself(told):
    assert {*PROCESSES, "worker_default_0"} == set(told)
    for name, text in told.items():
        found = families(text)
        assert "kustos_process_cpu_seconds_total" in found, name
        assert all(one.startswith("kustos_") for one in found), name
        assert len(text) < 100_000, "a scrape stays small"


def test_every_figure_is_explained_and_every_rule_has_its_figures(told):
    exported = set().union(*map(families, told.values()))
    explained = set(re.findall(r"`(kustos_\w+)`", GUIDE))
    assert exported - explained - {"kustos_database_pool_connections_max"} == set()
    rules = yaml.safe_load((ROOT / "ansible/roles/monitoring/files/kustos.rules.yml").read_text())
    expressions = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    wanted = {name.removesuffix("_bucket") for name in re.findall(r"kustos_\w+", expressions)}
    assert wanted - exported == ELSEWHERE


def test_nobody_is_named(told, appliance):
    text = "\n".join(told.values())
    names = appliance.rows('SELECT name, email FROM "user" UNION SELECT last_name, email FROM candidate')
    assert names
    for row in names:
        for word in filter(None, row):
            assert word not in text


def test_all_of_them_are_well(appliance):
    done = appliance_health(appliance)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one["name"] for one in json.loads(done.stdout)} >= set(PROCESSES)


def appliance_health(appliance):
    command = [sys.executable, "-m", "appliance.cli", "health", "--json"]
    command += ["--sockets", str(appliance.data / "run/metrics")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_gateway_without_a_node_says_so(appliance):
    for process in appliance.processes("node"):
        process.suspend()
    try:
        problem = wait_for(lambda: gateway_problems(appliance).get("media_nodes"), 30, "the node's loss")
        assert problem == "no media node answers"
        assert ask_socket(socket_of(appliance, "gateway_0"), "/health/live").status_code == 200
        done = appliance_health(appliance)
        assert done.returncode == 1
        said = {one["name"]: one for one in json.loads(done.stdout)}
        assert (said["gateway_0"]["alive"], said["gateway_0"]["ready"]) == (True, False)
        assert said["node_0"]["alive"] is False
    finally:
        for process in appliance.processes("node"):
            process.resume()
    wait_for(lambda: not gateway_problems(appliance), 30, "the node again")


def gateway_problems(appliance):
    return ask_socket(socket_of(appliance, "gateway_0"), "/health/ready").json()["problems"]


def test_several_processes_of_gunicorn_tell_one_sum(appliance, tmp_path):
    """Whichever of them answers at the shared door; and what a process counted that was killed is not forgotten."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    door, shared = tmp_path / "w.sock", tmp_path / "shared"
    shared.mkdir()
    environment = os.environ | {
        "KUSTOS_SETTINGS": str(appliance.data / "kustos.toml"),
        "KUSTOS_METRICS_LISTEN": f"unix:{door}",
        "PROMETHEUS_MULTIPROC_DIR": str(shared),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:web.serving", "--bind", listen, "--workers", "2"]
    command += ["--no-control-socket", "web.app:make_wsgi()"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(f"http://{listen}/healthz"), 60, "gunicorn")
        before = asked(door)
        for _ in range(20):
            assert httpx.get(f"http://{listen}/login", trust_env=False).status_code == 200
        assert {asked(door) for _ in range(6)} == {before + 20}
        victims = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=True)
        os.kill(int(victims.stdout.split()[0]), 9)
        wait_for(lambda: answers(f"http://{listen}/healthz"), 30, "its successor")
        assert asked(door) == before + 20
    finally:
        server.terminate()
        server.wait(30)
    assert not door.exists()
    assert not shared.exists()


def asked(door):
    text = ask_socket(door, "/metrics").text
    found = re.search(r'kustos_http_requests_total\{method="GET",route="/login",status="200"\} ([0-9.]+)', text)
    return float(found[1]) if found else 0


def answers(url):
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
