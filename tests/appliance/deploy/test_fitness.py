"""Every problem of a host is named, with a fix; a fit one has none."""

import base64
import copy
import json
import runpy
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.deploy import fitness
from appliance.deploy.fitness import Severity, Wanted, judge
from appliance.deploy.inventory import GROUPS
from tests.running import wait_for

PROBE = Path(__file__).parents[3] / "ansible" / "files" / "preflight_probe.py"
WANTED = Wanted("web-1", frozenset(GROUPS), "exam.example.org", "10.0.0.2", 2, numbers={"kustos": 643})
FIT = {
    "system": {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"},
    "machine": "x86_64",
    "kernel": "6.1.0-28-amd64",
    "python": "3.11.2",
    "user": 0,
    "init": "systemd",
    "cores": 8,
    "memory_mb": 16000,
    "features": {"cgroup2": True, "user_namespaces": True, "seccomp": True, "nftables": True, "ipv6": True},
    "disks": [
        {"folder": folder, "on": 1, "free_mb": 200_000, "size_mb": 300_000, "write_mb_s": 400.0, "fsync_ms": 2.0}
        for folder in fitness.FOLDERS
    ],
    "ports": [{"protocol": "tcp", "port": 22, "address": "10.0.0.2", "program": "sshd", "unit": "ssh.service"}],
    "names": {"exam.example.org": ["10.0.0.2"]},
    "addresses": ["10.0.0.2", "127.0.0.1"],
    "clock": {"synchronised": True, "now": 0, "servers": {}},
    "numbers": {"kustos": {"uid_of": None, "gid_of": None, "uid": None, "gid": None}},
    "sites": [],
    "clusters": [],
    "packages": {"dpkg": True, "cut_off": False},
    "ours": False,
}
PORT = {"protocol": "tcp", "port": 443, "address": "10.0.0.2", "program": "apache2", "unit": "apache2.service"}
STOP, WARN = Severity.REFUSED, Severity.WARNING


def found(changes, wanted=WANTED):
    """Key and severity of what is found when a fit host is changed in these places."""
    probe = copy.deepcopy(FIT)
    for path, value in changes.items():
        *way, last = path.split("/")
        place = probe
        for name in way:
            place = place[int(name) if name.isdigit() else name]
        place[last] = value
    return [(one.key, one.severity) for one in judge(wanted, probe)]


def test_a_fit_host_has_no_problem():
    assert found({}) == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"system": {"ID": "debian", "VERSION_ID": "11"}}, ("system", STOP)),
        ({"system": {"ID": "fedora", "VERSION_ID": "40"}}, ("system", STOP)),
        ({"machine": "riscv64"}, ("system", STOP)),
        ({"init": "tini"}, ("init", STOP)),
        ({"user": 1000}, ("root", STOP)),
        ({"packages": {"dpkg": False}}, ("packages", STOP)),
        ({"kernel": "4.19.0"}, ("kernel", STOP)),
        ({"features/nftables": False}, ("kernel", STOP)),
        ({"features/seccomp": False}, ("kernel", STOP)),
        ({"features/cgroup2": False}, ("kernel", WARN)),
        ({"cores": 1}, ("cores", STOP)),
        ({"cores": 2}, ("cores", WARN)),
        ({"memory_mb": 1500}, ("memory", STOP)),
        ({"memory_mb": 4000}, ("memory", WARN)),
        ({"disks/0/free_mb": 2000}, ("disk", STOP)),
        ({"disks/1/free_mb": 3000}, ("disk", STOP)),
        ({"disks/1/free_mb": 30_000}, ("disk", WARN)),
        ({"disks/1/error": "Read-only file system"}, ("disk", STOP)),
        ({"disks/1/write_mb_s": 5.0}, ("disk speed", STOP)),
        ({"disks/1/write_mb_s": 30.0}, ("disk speed", WARN)),
        ({"disks/1/fsync_ms": 400.0}, ("disk speed", STOP)),
        ({"disks/1/fsync_ms": 60.0}, ("disk speed", WARN)),
        ({"ports": [PORT]}, ("port", STOP)),
        ({"sites": ["/etc/nginx/sites-enabled/wiki"]}, ("nginx", WARN)),
        ({"clusters": ["15/main"]}, ("postgresql", WARN)),
        ({"clusters": ["15/main", "15/other"]}, ("postgresql", STOP)),
        ({"numbers/kustos/uid_of": "backup"}, ("user", STOP)),
        ({"numbers/kustos/gid": 1001}, ("user", STOP)),
        ({"names/exam.example.org": []}, ("dns", WARN)),
        ({"names/exam.example.org": ["192.0.2.7"]}, ("dns", WARN)),
        ({"names/exam.example.org": ["127.0.0.1"]}, ("dns", WARN)),
        ({"addresses": ["10.0.0.9"], "names/exam.example.org": ["10.0.0.9"]}, ("address", STOP)),
        ({"clock/synchronised": False}, ("clock", WARN)),
        ({"clock/servers": {"ntp": None}}, ("clock", WARN)),
        ({"clock/servers": {"ntp": 7.5}}, ("clock", STOP)),
        ({"clock/servers": {"ntp": -0.9}}, ("clock", WARN)),
    ],
)
def test_a_problem_is_found_alone(changes, wanted):
    assert found(changes) == [wanted]


def test_all_problems_are_named_at_once():
    keys = {key for key, _ in found({"cores": 1, "memory_mb": 900, "ports": [PORT], "kernel": "4.4", "init": "sh"})}
    assert keys == {"cores", "memory", "port", "kernel", "init"}


def test_what_an_earlier_run_installed_is_no_problem():
    ours = {**PORT, "unit": "nginx.service"}
    assert found({"ports": [ours], "ours": True, "clusters": ["15/main"]}) == []
    assert found({"ports": [ours]}) == [("port", STOP)]


@pytest.mark.parametrize("left", ["etc/kustos/kustos.toml", "opt/kustos/current", "opt/kustos/releases"])
def test_a_host_knows_that_an_installation_began_there(tmp_path, left):
    """One that was killed has its database, and no program and no settings yet."""
    ours = runpy.run_path(str(PROBE))["_ours"]
    (tmp_path / "opt/kustos/installer").mkdir(parents=True)  # which comes before preflight
    assert not ours(tmp_path)
    (tmp_path / left).mkdir(parents=True)
    assert ours(tmp_path)


def test_a_bundle_for_another_distribution_is_refused():
    wanted = Wanted("web-1", frozenset(GROUPS), "exam.example.org", "10.0.0.2", bundle_system="ubuntu 24.04")
    assert found({}, wanted) == [("system", STOP)]


def test_the_probe_tells_what_is_judged(tmp_path):
    """It runs by the plain python3 of a host, with nothing installed."""
    order = {"folders": [str(tmp_path)], "names": ["localhost"], "time_servers": [], "numbers": {"root": 0}}
    packed = base64.b64encode(json.dumps(order).encode()).decode()
    done = subprocess.run([sys.executable, "-I", PROBE, "look", packed], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert set(told) == set(FIT)
    assert told["cores"] >= 1
    assert told["memory_mb"] > 100
    assert told["disks"][0]["fsync_ms"] > 0
    assert told["disks"][0]["write_mb_s"] > 0
    assert told["names"]["localhost"]
    assert told["numbers"]["root"]["uid_of"] == "root"
    assert list(tmp_path.iterdir()) == []
    assert isinstance(judge(WANTED, told), list)


def test_the_listener_ends_when_it_is_taken_away(tmp_path):
    """The next preflight would find its ports taken."""
    probe = tmp_path / "probe.py"
    shutil.copy(PROBE, probe)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    order = {"address": "127.0.0.1", "ports": [["tcp", port]], "seconds": 60}
    packed = base64.b64encode(json.dumps(order).encode()).decode()
    with subprocess.Popen([sys.executable, "-I", probe, "listen", packed], stdout=subprocess.PIPE) as listening:

        def answers():
            with socket.socket() as asking:
                return asking.connect_ex(("127.0.0.1", port)) == 0

        wait_for(answers, 10, "the listener")
        probe.unlink()
        said, _ = listening.communicate(timeout=10)
    assert json.loads(said) == {"taken": []}
