"""Two hosts of one inventory: pages, gateway and workers on one, media node and database on the other.

Ansible comes from the first to the second by SSH, as at a customer's; the folder of recordings is one file system
that both see; this machine is the third address in their network, which no firewall lets to anything inner.
"""

import json
import os
import re
import subprocess
import time

import psutil
import pytest

from tests.e2e.people import CandidatePerson, StaffPerson
from tests.install import machine as machines
from tests.install.conftest import HOST_NAME
from tests.install.machine import Machine, Network
from tests.install.seen import seen
from tests.install.test_sat_exam import ORIGIN, InstalledAppliance, browsing, sees_recording, sits_exam
from tests.running import wait_for

RECORDINGS = "/var/lib/kustos/recordings"
PYTHON = "/opt/kustos/current/venv/bin/python"
INVENTORY = """
kustos:
  vars:
    kustos_host_name: {name}
    kustos_public_url: https://{name}
    kustos_turn_secret: only-of-this-test-3b9f
    kustos_turn_urls: ["turn:{front}:3478?transport=udp", "turn:{front}:3478?transport=tcp"]
  children:
    web: {{hosts: {{front.test: {{ansible_connection: local, kustos_address: {front}}}}}}}
    gateway: {{hosts: {{front.test: }}}}
    worker: {{hosts: {{front.test: }}}}
    turn: {{hosts: {{front.test: }}}}
    media: {{hosts: {{back.test: {{ansible_host: {back}, ansible_user: root, kustos_address: {back}{mounted}}}}}}}
    database: {{hosts: {{back.test: }}}}
"""
MOUNTED = ", base_shared_recordings: {source: /srv/shared, type: none, options: bind}"
"""As from a server of files, on the host that has it elsewhere; the first has it in its place before."""
INSTALL = ("/bundle/install.sh", "-i", "/root/inventory.yml")


def give_ssh(machine):
    """Put the distribution's SSH into its files, before it runs: whoever orders a server has it."""
    install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "openssh-server", "openssh-client"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["chroot", machine.root, *install], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


def let_in(administrator, other):
    """Let root of one machine administer the other, each knowing the other by its key."""
    home, there = (machine.root / "root/.ssh" for machine in (administrator, other))
    for folder in (home, there):
        folder.mkdir(mode=0o700, exist_ok=True)  # systemd makes it, too, when it boots
    administrator.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
    (there / "authorized_keys").write_text((home / "id_ed25519.pub").read_text())
    kind, key, *_ = (other.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    (home / "known_hosts").write_text(f"{other.address} {kind} {key}\n")


def kill_half_way(front, back):
    """Install until the other host makes the program's environment; then end the command as a lack of memory does."""
    with front.start(*INSTALL) as run:
        site_packages = "opt/kustos/releases/*/venv/lib/*/site-packages/pip"
        wait_for(lambda: run.poll() is not None or list(back.root.glob(site_packages)), 1800, "the environment")
        below = psutil.Process(run.pid).children(recursive=True)
        [command] = [one for one in below if "/opt/kustos/installer/bin/kustos" in one.cmdline()]
        command.kill()


@pytest.fixture(scope="module")
def hosts(unpacked, tmp_path_factory):
    """The two after one command on the first, killed once and given again; ``hosts[0].said``: what it said then."""
    machines.demand()
    top = tmp_path_factory.mktemp("two-hosts")
    (top / "recordings").mkdir()
    (top / "nothing").mkdir()
    network = Network()
    front = Machine(top / "front", unpacked, network, {top / "recordings": RECORDINGS})
    back = Machine(top / "back", top / "nothing", network, {top / "recordings": "/srv/shared"})
    try:
        for machine in (front, back):
            give_ssh(machine)
            machine.boot()
        back.run("umount", "/bundle")  # it is given what it needs by the installation, at the same place
        let_in(front, back)
        for name, mounted in (("inventory", MOUNTED), ("not-shared", "")):
            text = INVENTORY.format(name=HOST_NAME, front=front.address, back=back.address, mounted=mounted)
            (front.root / f"root/{name}.yml").write_text(text)
        kill_half_way(front, back)
        front.said = front.run(*INSTALL, seconds=1800)
        yield front, back
    finally:
        for machine in (front, back):
            machine.remove()
        network.remove()


@pytest.fixture(scope="module")
def front(hosts):
    return hosts[0]


@pytest.fixture(scope="module")
def back(hosts):
    return hosts[1]


def test_each_host_runs_its_part_and_nothing_else(front, back):
    here = {
        "kustos-web",
        "kustos-gateway",
        "kustos-worker",
        "kustos-background",
        "kustos-analysis@1",
        "nginx",
        "coturn",
    }
    there = {"kustos-media-node", "postgresql"}
    for machine, running, not_running in ((front, here, there), (back, there, here)):
        host = seen(machine)
        assert {name for name in running if host.service(name).is_running} == running
        assert {name for name in not_running if host.service(name).is_running} == set()


def test_the_run_that_was_killed_is_known_and_its_work_was_not_done_twice(front, back):
    assert "ended killed; this one goes on where it ended." in front.said
    assert re.search(r" ok +back.test  base: Make the users", front.said)
    assert "changed  back.test  postgresql: Make the database" not in front.said
    runs = sorted((front.root / "var/log/kustos/runs").glob("*-install"))
    summaries = [json.loads((folder / "run.json").read_text()) for folder in runs]
    assert [one["state"] for one in summaries] == ["killed", "done"]
    for folder in runs:
        tasks = [json.loads(line) for line in (folder / "tasks.jsonl").read_text().splitlines()]
        assert {task["host"] for task in tasks} == {"front.test", "back.test"}
        assert [path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())] == [0, 0, 0]
    assert [path.name for path in runs[0].parent.iterdir() if path.is_dir()] == [folder.name for folder in runs]


def test_the_audit_log_knows_both_runs(front, back):
    query = "SELECT json_agg(details ORDER BY id) FROM audit_entry WHERE action = 'install.run'"
    said = back.run("sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", query)
    told = [json.loads(one)["said"] if isinstance(one, str) else one["said"] for one in json.loads(said)]
    assert [(one["kind"], one["state"], one["hosts"]) for one in told] == [
        ("install", "killed", "back.test, front.test"),
        ("install", "done", "back.test, front.test"),
    ]
    assert "back.test postgresql: Make the database" in told[0]["changed_tasks"]
    assert "entries" in front.run("kustos", "audit", "verify")


def test_preflight_looks_at_both_and_names_a_way_that_is_closed(front, back):
    def looked():
        done = front.call("/bundle/install.sh", "preflight", "-i", "/root/inventory.yml", "--json", seconds=600)
        report = json.loads(done.stdout)["preflight"]
        assert report["hosts"] == sorted(report["seen"]) == ["back.test", "front.test"]
        refused = [one for one in report["findings"] if one["severity"] == "refused"]
        assert done.returncode == (3 if refused else 0)
        return {(one["host"], one["key"], one["said"].partition(" is not reached")[0]) for one in refused}

    assert looked() == set()
    back.run("nft", "insert", "rule", "inet", "kustos", "input", "tcp", "dport", "5432", "drop")
    closed = looked()
    opened = back.call("systemctl", "reload", "nftables")
    assert opened.returncode == 0, back.run("journalctl", "--no-pager", "-u", "nftables", "-n", "30")
    assert closed == {("front.test", "way", f"TCP 5432 of back.test ({back.address})")}


def test_people_have_the_same_numbers_everywhere(front, back):
    for name, number in (("kustos", 643), ("kustos-node", 644)):
        for machine in (front, back):
            user = seen(machine).user(name)
            assert (user.uid, user.gid) == (number, number)


def test_secrets_are_where_they_are_needed_and_in_no_log(front, back):
    password = (back.root / "etc/kustos/database.password").read_text().strip()
    secret = (front.root / "var/lib/kustos/keys/secret.key").read_text().strip()
    mine, other = ((machine.root / "etc/kustos/kustos.toml").read_text() for machine in (front, back))
    assert secret in mine
    assert f":{password}@{back.address}/kustos?sslmode=verify-full" in mine
    assert secret not in other
    assert password not in other
    for machine in (front, back):
        logs = [machine.root / place for place in ("var/log", "tmp", "root", "var/tmp", "var/lib/kustos/installs")]
        for word in (password, secret):
            assert word not in front.said
            found = subprocess.run(
                ["grep", "-rlF", word, *[path for path in logs if path.exists()]],
                capture_output=True,
                text=True,
                check=False,
            )
            assert found.stdout == ""


@pytest.mark.parametrize(
    ("port", "from_front", "from_back"),
    [(443, True, True), (6543, True, False), (6544, True, False)],
    ids=["pages", "web", "gateway"],
)
def test_who_reaches_the_first(front, back, port, from_front, from_back):
    assert front.reaches(front, port) == from_front
    assert back.reaches(front, port) == from_back
    assert front.listens_outside(port) == (port == 443)


@pytest.mark.parametrize("port", [8888, 5432], ids=["control of the node", "database"])
def test_only_the_first_reaches_the_second(front, back, port):
    assert front.reaches(back, port)
    assert not back.listens_outside(port)
    back.run("nft", "delete", "table", "inet", "kustos")
    assert back.listens_outside(port)  # the probe itself can tell
    back.run("systemctl", "reload", "nftables")
    assert not back.listens_outside(port)


def test_taps_of_workers_hear_media_hosts_alone(front, back):
    """Three datagrams to the same port: of the media host, of this machine, of the media host again."""
    listen = (
        "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 51998));"
        " print('up', flush=True)\nwhile True: print(s.recvfrom(99)[0].decode(), flush=True)"
    )
    send = (
        "import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        " s.sendto(sys.argv[1].encode(), (sys.argv[2], 51998))"
    )
    front.run("systemd-run", "--unit=tap", "python3", "-c", listen)

    def heard():
        return front.run("journalctl", "--unit=tap", "--output=cat").split()

    wait_for(lambda: "up" in heard(), 10, "the tap")
    back.run("python3", "-c", send, "first", front.address)
    subprocess.run(["python3", "-c", send, "stranger", front.address], check=True)
    back.run("python3", "-c", send, "last", front.address)
    wait_for(lambda: "last" in heard(), 10, "the last datagram")
    front.run("systemctl", "stop", "tap")
    assert "first" in heard()
    assert "stranger" not in heard()


def test_the_database_takes_nothing_in_the_clear(front, back):
    connect = (
        "import psycopg,sys,tomllib; u=tomllib.load(open('/etc/kustos/kustos.toml','rb'))['database_url'];"
        "u=u.replace('+psycopg','').replace(*sys.argv[1:3]);"
        "print(psycopg.connect(u, connect_timeout=5).execute('SELECT 41+1').fetchone()[0])"
    )
    assert front.run(PYTHON, "-c", connect, "kustos:", "kustos:").strip() == "42"
    for old, new in (("verify-full", "disable"), ("kustos:", "kustos:x")):
        refused = front.call(PYTHON, "-c", connect, old, new)
        assert refused.returncode != 0
        assert "no encryption" in refused.stderr or "password authentication failed" in refused.stderr
    query = (
        "SELECT count(*), count(*) FILTER (WHERE NOT ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        " WHERE client_addr IS NOT NULL"
    )
    said = back.run("sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", query)
    count, in_the_clear = map(int, said.strip().split("|"))
    assert count > 0
    assert in_the_clear == 0


def test_a_candidate_sits_an_exam_over_both_hosts(front, back, tmp_path_factory, capsys):
    appliance = InstalledAppliance(front, database=back)
    with browsing(front.address, tmp_path_factory.mktemp("webcam")) as browser:
        candidate = CandidatePerson(browser, appliance, "two-hosts-candidate", origin=ORIGIN)
        try:
            sits_exam(candidate, appliance, "two-hosts-exam")
        except Exception:
            candidate.shoot("failed-two-hosts-candidate")
            raise
        candidate.context.close()
        reviewer = StaffPerson(browser, appliance, "two-hosts-reviewer", origin=ORIGIN)
        sees_recording(reviewer, appliance, "two-hosts-review")
        reviewer.context.close()
    assert appliance.ask("SELECT DISTINCT node_url FROM part") == f"ws://{back.address}:8888/kurento"
    wait_for(
        lambda: not list((back.root.parent / "recordings").rglob("*.webm")), 30, "what was sealed to be taken away"
    )


def test_the_appliance_finds_nothing_wrong_with_itself(front):
    """With a candidate of its own: pictures come from the node on the other host to the analysis on this one."""
    begun = time.monotonic()
    done = front.call("kustos", "check", seconds=300)
    assert done.returncode == 0, f"after {time.monotonic() - begun:.0f} s: {done.stdout}{done.stderr}"


def test_a_second_run_changes_nothing(front):
    said = front.run(*INSTALL, seconds=1800)
    assert re.search(r"Done: \d+ tasks, 0 changed something", said), said


def test_both_come_back_by_themselves_after_a_power_cut(front, back):
    """The one that needs the other's database is there first, and its processes wait for it."""
    for machine in (front, back):
        machine.cut_off()
    front.boot(("starting", *machines.STATES))
    wait_for(
        lambda: said_of(front, "kustos-gateway", "ExecMainStartTimestampMonotonic") not in {"", "0"}, 120, "a try"
    )
    back.boot()
    back.run("umount", "/bundle")
    wait_for(lambda: front.call("kustos", "check", "--quick").returncode == 0, 180, "all to be well again")
    assert back.run("systemctl", "is-system-running").strip() == "running"
    assert front.reaches(back, 5432)
    done = front.call("kustos", "check", seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr


def said_of(machine, unit, name):
    """A property of a unit."""
    return machine.call("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()


def test_a_node_waits_for_the_shared_folder(back):
    """Without it, it would record into the empty folder below: a power cut brings the server of files back last."""
    mark = back.root.parent / "recordings/.shared"
    away = mark.rename(mark.with_name(".away"))
    back.run("systemctl", "restart", "--no-block", "kustos-media-node")
    wait_for(lambda: said_of(back, "kustos-media-node", "SubState") == "auto-restart", 60, "it to be refused")
    away.rename(mark)
    wait_for(lambda: said_of(back, "kustos-media-node", "ActiveState") == "active", 60, "it to be there")


def test_a_folder_that_is_not_shared_is_told_by_name(front, back):
    assert seen(back).mount_point(RECORDINGS).exists
    back.run("systemctl", "disable", "--now", "var-lib-kustos-recordings.mount")
    done = front.call("/bundle/install.sh", "-i", "/root/not-shared.yml", "--tags", "base", seconds=900)
    assert done.returncode != 0
    assert f"{RECORDINGS} on back.test is not that of front.test" in done.stdout + done.stderr
