"""The box's own checks against real faults: full and read-only disks, a wrong clock, an old certificate, TURN."""

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from appliance import jobs
from appliance.collaborators import assemble
from appliance.db import unit_of_work, utcnow
from appliance.diagnostics import clock, host, processes, relays, turn
from appliance.diagnostics.host import Host
from appliance.diagnostics.report import StepState
from appliance.models import Gateway
from appliance.services import disk_guard
from appliance.standalone import certificate
from appliance.vocabulary import SittingState
from tests.live import WorkerProcess, free_port, until

pytestmark = pytest.mark.timeout(60)
needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system of its own needs root")


@pytest.fixture
def box(settings, session_factory):
    settings.recordings.mkdir(parents=True)
    return Host(replace(settings, disk_reserve_mb=1), session_factory)


def states(steps):
    return [(step.key, step.state.value, step.cause) for step in steps]


@contextmanager
def mounted(folder, *options):
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_database_at_the_right_revision_and_at_an_older_one(box, session_factory):
    assert states(host.check_database(box)) == [("database", "passed", ""), ("migrations", "passed", "")]
    with unit_of_work(session_factory) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert states(host.check_database(box))[1] == ("migrations", "failed", "database_outdated")


def test_a_database_that_is_away_is_named_and_nothing_is_raised(box, session_factory):
    away = replace(box.settings, database_url="postgresql+psycopg://nobody@/none?host=/nonexistent")
    nowhere = Host(away, assemble(away).session_factory)
    assert states(host.check_database(nowhere))[0] == ("database", "failed", "database_unreachable")
    assert states(processes.check_workers(nowhere))[0] == ("workers", "skipped", "not_looked_at")


@needs_mount
def test_a_full_disk_and_a_read_only_one_are_told_apart(box):
    folder = box.settings.recordings
    assert states(host.check_recordings_folder(box)) == [("recordings_folder", "passed", "")]
    with mounted(folder, "-t", "tmpfs", "-o", "size=32m", "tmpfs"):
        assert host.check_disk(box)[0].state is StepState.PASSED
        (folder / "recording").write_bytes(bytes(20 * 2**20))
        assert states(host.check_disk(box))[0] == ("disk", "failed", "disk_full")
        with pytest.raises(OSError), (folder / "rest").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(2**20))
        assert states(host.check_recordings_folder(box)) == [("recordings_folder", "failed", "disk_full")]
    with mounted(folder, "-t", "tmpfs", "-o", "ro", "tmpfs"):
        assert states(host.check_recordings_folder(box)) == [("recordings_folder", "failed", "recordings_readonly")]
    shutil.rmtree(folder)
    folder.write_text("no folder")
    assert states(host.check_recordings_folder(box)) == [("recordings_folder", "failed", "recordings_missing")]


GB = 10**9


@pytest.mark.parametrize(
    ("free", "recorded_per_second", "cause"),
    [(900 * GB, 100_000, ""), (3 * GB, 100_000, "disk_tight"), (2 * GB, 10**6, "disk_will_be_full")],
)
def test_the_forecast_of_the_disks(box, make, session, session_factory, free, recorded_per_second, cause):
    assert states(host.check_forecast(box)) == [("disk", "skipped", "no_forecast")]
    make.sitting(SittingState.RUNNING, deadline_at=utcnow() + timedelta(hours=1))
    session.commit()
    measured = disk_guard.Measured(free, None, 0, 0, recorded_per_second, 1, steady=True)
    with unit_of_work(session_factory) as work:
        disk_guard.update(work, "gateway", measured, GB)
    [step] = host.check_forecast(box)
    assert (step.scope, step.cause) == ("forecast", cause), step


class TimeServer(threading.Thread):
    """Answers SNTP with its own idea of the time."""

    def __init__(self, ahead_seconds):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self._ahead = ahead_seconds
        self.start()

    def run(self):
        asked, peer = self.socket.recvfrom(512)
        now = time.time() + self._ahead + clock.NTP_EPOCH
        stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
        head = struct.pack("!BBbb", 0b00_100_100, 2, 0, -20) + bytes(12) + stamp
        self.socket.sendto(head + asked[40:48] + stamp + stamp, peer)


@pytest.mark.parametrize(
    ("ahead", "state", "cause"), [(0, "passed", ""), (300, "failed", "clock_off"), (-300, "failed", "clock_off")]
)
def test_the_clock_is_compared_with_a_time_server(box, ahead, state, cause):
    server = TimeServer(ahead)
    kept = Host(replace(box.settings, time_server=server.address), box.session_factory)
    [step] = host.check_clock(kept)
    assert (step.state.value, step.cause) == (state, cause)
    assert abs(step.figures["clock_offset_ms"] + ahead * 1000) < 500


def test_a_time_server_that_is_silent_is_a_warning(box):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        kept = replace(box.settings, time_server=f"127.0.0.1:{silent.getsockname()[1]}")
        [step] = host.check_clock(Host(kept, box.session_factory))
    assert (step.state.value, step.cause) == ("warning", "time_server_silent")


def write_certificate(file, begins, ends):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kustos.example.org")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utcnow() + begins)
        .not_valid_after(utcnow() + ends)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(
    ("begins", "ends", "state", "cause"),
    [
        (-30, -1, "failed", "certificate_expired"),
        (-30, 5, "warning", "certificate_expires_soon"),
        (1, 30, "failed", "certificate_not_yet_valid"),
        (-1, 90, "passed", ""),
    ],
)
def test_certificates_dates(box, begins, ends, state, cause):
    keys = box.settings.data_dir / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    write_certificate(keys / "lan.crt", timedelta(days=begins), timedelta(days=ends))
    assert states(host.check_certificate(box)) == [("certificate", state, cause)]


def test_the_certificate_of_kustos_up_passes_and_rubbish_is_said(box):
    assert states(host.check_certificate(box)) == [("certificate", "skipped", "no_certificate")]
    keys = box.settings.data_dir / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    certificate.ensure_certificate(keys)
    assert states(host.check_certificate(box)) == [("certificate", "passed", "")]
    (keys / "lan.crt").write_text("rubbish")
    assert states(host.check_certificate(box)) == [("certificate", "failed", "certificate_unreadable")]


@pytest.fixture(scope="module")
def turn_port(tmp_path_factory):
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed: run .ci/packages test")
    port, folder = free_port(), tmp_path_factory.mktemp("turn")
    arguments = ["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}", "--no-cli"]
    arguments += ["--use-auth-secret", "--static-auth-secret=right", "--realm=kustos", "--no-tls", "--no-dtls"]
    arguments += ["--allow-loopback-peers", f"--log-file={folder}/turn.log", f"--pidfile={folder}/pid"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output, cwd=folder)
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < deadline, (folder / "output").read_text()
        time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("secret", "state", "cause"), [("right", "passed", ""), ("wrong", "failed", "turn_password")]
)
def test_a_turn_server_with_the_right_and_with_another_password(box, turn_port, transport, secret, state, cause):
    url = f"turn:127.0.0.1:{turn_port}?transport={transport}"
    told = replace(box.settings, turn_urls=(url,), turn_secret=secret)
    [step] = relays.check_turn(Host(told, box.session_factory))
    assert (step.state.value, step.cause, step.scope) == (state, cause, url), step
    if state == "passed":
        assert step.figures["relay"].startswith("127.0.0.1:")


def test_a_turn_server_that_is_not_there(box):
    told = replace(box.settings, turn_urls=(f"turn:127.0.0.1:{free_port()}",), turn_secret="any")
    [step] = relays.check_turn(Host(told, box.session_factory))
    assert (step.state.value, step.cause) == ("failed", "turn_unreachable")


def test_turn_addresses():
    assert turn.parse("turn:turn.example.org") == turn.Server("turn.example.org", 3478, False, False)
    assert turn.parse("turns:turn.example.org:443?transport=tcp") == turn.Server("turn.example.org", 443, True, True)
    with pytest.raises(ValueError, match="looks like"):
        turn.parse("stun:turn.example.org")


async def test_a_worker_that_lives_one_that_is_stopped_and_a_queue_that_waits(box, tmp_path, session_factory):
    assert states(processes.check_workers(box))[0] == ("workers", "failed", "worker_stopped")
    worker = WorkerProcess(tmp_path, box.settings)
    await worker.start()
    try:
        await until(lambda: processes.check_workers(box)[0].state is StepState.PASSED, 20, "worker")
    finally:
        worker.ends()
    with unit_of_work(session_factory) as session:
        jobs.defer(session, "media.analyse_live", queue="analysis", sitting_id=0)
        session.execute(text("UPDATE procrastinate_events SET at = now() - interval '20 seconds'"))
    await until(lambda: states(processes.check_workers(box))[0][1] == "failed", 10, "the dead worker's silence")
    assert ("queues", "failed", "worker_stopped") in states(processes.check_workers(box))


def test_a_gateway_that_is_not_there(box):
    gone = replace(box.settings, gateway_listen=f"127.0.0.1:{free_port()}")
    assert states(processes.check_gateway(Host(gone, box.session_factory))) == [
        ("gateway", "failed", "gateway_silent")
    ]


@contextmanager
def answering():
    """A gateway's health address, as far as this check asks it."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"media_nodes": 1, "sockets": 3}')

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_of_several_gateways_the_one_that_is_gone_or_silent_is_named(box, session_factory):
    here, now = socket.gethostname(), utcnow()
    with answering() as listen, unit_of_work(session_factory) as session:
        silent = f"{here} 127.0.0.1:{free_port()}"
        session.add_all(
            [
                Gateway(id="a", address=f"{here} {listen}", started_at=now - timedelta(minutes=5)),
                Gateway(id="b", address=silent, started_at=now - timedelta(minutes=4)),
                Gateway(id="c", address="far 127.0.0.1:1", started_at=now - timedelta(minutes=3)),
                Gateway(
                    id="d",
                    address="gone 127.0.0.1:1",
                    started_at=now - timedelta(minutes=2),
                    beat_at=now - timedelta(seconds=30),
                ),
                Gateway(id="e", address="ended 127.0.0.1:1", ended_at=now),
            ]
        )
        session.commit()
        steps = processes.check_gateway(box)
    assert [(step.scope, step.state.value, step.cause) for step in steps] == [
        (f"{here} {listen}", "passed", ""),
        (silent, "failed", "gateway_silent"),
        ("far 127.0.0.1:1", "passed", ""),
        ("gone 127.0.0.1:1", "warning", "gateway_gone"),
    ]
    assert steps[0].figures["sockets"] == 3
    assert steps[3].figures["silent_s"] >= 30


def test_a_lone_gateway_without_heartbeat_that_does_not_answer_is_no_warning_but_a_fault(box, session_factory):
    long_ago = utcnow() - timedelta(minutes=1)
    with unit_of_work(session_factory) as session:
        session.add(Gateway(id="a", address=f"{socket.gethostname()} 127.0.0.1:{free_port()}", beat_at=long_ago))
    assert states(processes.check_gateway(box)) == [("gateway", "failed", "gateway_silent")]
