"""Ten faults planted for real around a candidate in a browser: each is named rightly, and nothing else is blamed."""

import json
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import zipfile
from contextlib import contextmanager
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from playwright.sync_api import expect
from sqlalchemy import select

from appliance.audit import Actor
from appliance.collaborators import assemble
from appliance.db import unit_of_work, utcnow
from appliance.diagnostics import clock
from appliance.diagnostics.path import SITTING_STEPS, TRIAL_STEPS
from appliance.models import Company
from appliance.services import networks
from appliance.settings import load_settings
from appliance.vocabulary import IcePolicy
from tests import wire
from tests.e2e.people import CHROMIUM, FLAGS, CandidatePerson, ProctorPerson, StaffPerson
from tests.live import free_port
from tests.running import RunningAppliance, wait_for

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(wire.missing()), reason=wire.missing() or "can be run"),
]

OF_THE_MACHINE = {("node", "node_busy"), ("devices", "browser_overloaded"), ("loss", "jitter_high")}
"""Warnings that a machine that runs tests deserves: said rightly, and no fault that was planted."""

INSTRUMENTS = """
  const Real = Date;
  globalThis.clockAhead = 0;
  globalThis.Date = class extends Real {
    constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + clockAhead); }
    static now() { return Real.now() + clockAhead; }
  };
  const devices = navigator.mediaDevices, ask = devices?.getUserMedia.bind(devices);
  if (ask) devices.getUserMedia = async (wanted) => globalThis.webcam = await ask(wanted);
"""
"""A clock that can be set, and a hand on the camera: what a candidate has and a page does not give away."""

ONLY_VP9 = """
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
    const made = add.call(this, kind, init);
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter((codec) => codec.mimeType === "video/VP9");
    if (kind === "video") made.setCodecPreferences(codecs);
    return made;
  };
"""
"""A browser that was built without VP8 and H.264."""


class TimeServer(threading.Thread):
    """Answers SNTP, with a clock that may be set wrong."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ahead = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            asked, peer = self._socket.recvfrom(512)
            now = time.time() + self.ahead + clock.NTP_EPOCH
            stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
            head = struct.pack("!BBbb", 0b00_100_100, 2, 0, -20) + bytes(12) + stamp
            self._socket.sendto(head + asked[40:48] + stamp + stamp, peer)


class Checked:
    """What ``kustos check --json`` printed."""

    def __init__(self, done):
        assert done.returncode in {0, 1}, done.stderr
        self.report = json.loads(done.stdout)
        assert self.report["ok"] == (done.returncode == 0)
        self.steps = self.report["steps"]

    def of(self, key, scope=None):
        return next(s for s in self.steps if s["key"] == key and scope in {None, s["scope"]})

    @property
    def troubles(self):
        return [
            (step["key"], step["scope"], step["state"], step["cause"])
            for step in self.steps
            if step["state"] in {"failed", "warning"} and (step["key"], step["cause"]) not in OF_THE_MACHINE
        ]

    @property
    def named(self):
        """Step and cause to begin with; None when all is well."""
        failed = [trouble for trouble in self.troubles if trouble[2] == "failed"]
        return next(((key, cause) for key, _, _, cause in [*failed, *self.troubles]), None)

    @property
    def blamed(self):
        """All steps that failed."""
        return {key for key, _, state, _ in self.troubles if state == "failed"}

    @property
    def passed(self):
        """All steps that passed, at least once."""
        return {step["key"] for step in self.steps if step["state"] == "passed"}

    @property
    def remedy(self):
        return self.report["verdict"]["remedy"]


@pytest.fixture(scope="module")
def cable(tmp_path_factory):
    with wire.Wire(tmp_path_factory.mktemp("wire")) as made:
        yield made


@pytest.fixture(scope="module")
def time_server():
    return TimeServer()


@contextmanager
def mounted(folder, *options):
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A file system of its own, which the appliance may fill without harm to anybody else."""
    folder = tmp_path_factory.mktemp("recordings")
    with mounted(folder, "-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs"):
        yield folder


PLENTY = "60g"
"""A limit, not memory."""


@pytest.fixture(scope="module")
def appliance(tmp_path_factory, cable, time_server, recordings):
    started = RunningAppliance(tmp_path_factory.mktemp("appliance") / "data")
    started.environment |= {
        "KUSTOS_PUBLIC_URL": f"https://{cable.host}:{started.port + 363}",
        "KUSTOS_TIME_SERVER": time_server.address,
        "KUSTOS_RECORDINGS_DIR": str(recordings),
        "KUSTOS_DISK_RESERVE_MB": "16",
    }
    started.origin = started.environment["KUSTOS_PUBLIC_URL"]
    started.start()
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def browser(playwright, webcam, cable):
    flags = [
        *FLAGS,
        f"--use-file-for-fake-video-capture={webcam[0]}",
        f"--use-file-for-fake-audio-capture={webcam[1]}",
        "--ignore-certificate-errors",
    ]
    with playwright.chromium.launch(executable_path=cable.program(CHROMIUM), args=flags) as started:
        yield started


@pytest.fixture(scope="module")
def people(browser, appliance):
    candidate = CandidatePerson(browser, appliance, "candidate", origin=appliance.origin)
    candidate.context.add_init_script(INSTRUMENTS)
    candidate.page.on("dialog", lambda dialog: dialog.accept())
    yield (candidate,)


@pytest.fixture(scope="module")
def exam(people, appliance):
    candidate = people[0]
    candidate.enter("auto")
    candidate.consent()
    appliance.execute("UPDATE sitting SET duration_minutes = 60")  # the demo's ends after five
    candidate.check_system()
    candidate.photograph("face-photo")
    candidate.sees_exam(60)
    whole(appliance, candidate.sitting_id())
    return candidate


def whole(appliance, sitting_id):
    """Both tracks are recorded and no gap is open."""
    state = (
        "SELECT (SELECT count(*) FROM part WHERE sitting_id = :id AND state = 'recording') = 2"
        " AND NOT EXISTS (SELECT FROM gap WHERE sitting_id = :id AND ended_at IS NULL)"
    )
    wait_for(lambda: appliance.row(state, id=sitting_id)[0], 60, "both tracks recorded, no gap open")


@pytest.fixture
def look(appliance, exam):
    def check(*, appliance_wide=False):
        arguments = () if appliance_wide else ("--sitting", str(exam.sitting_id()))
        return Checked(appliance.kustos("check", "--json", *arguments))

    return check


def until_seen(look, wanted, seconds, what):
    """Check again and again: a fault takes its time to be felt, and to be forgotten."""
    seen = []

    def found():
        seen.append(look())
        return wanted(seen[-1])

    try:
        wait_for(found, seconds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; the last one found {seen[-1].troubles}") from None
    return seen[-1]


@pytest.fixture
def names(look):
    """Check until the verdict is the given one, of so many scopes, and no other steps failed than these."""

    def until(step, cause, *also, failed=True, scopes=1, says=(), seconds=90):
        def named(seen):
            blamed = {step, *also} if failed else set()
            found = [one for one in seen.troubles if (one[0], one[3]) == (step, cause)]
            said = {(one[0], one[3]) for one in seen.troubles}
            right = seen.named == (step, cause) and len(found) >= scopes and seen.blamed <= blamed
            return right and set(says) <= said

        return until_seen(look, named, seconds, f"{step}: {cause}, besides at most {also}")

    return until


@pytest.fixture
def heals(look):
    """Check until nothing is wrong any more."""

    def until(seconds=90):
        return until_seen(look, lambda seen: not seen.troubles, seconds, "healthy again")

    return until


def test_all_is_well(look):
    def all_passed(seen):
        return not seen.troubles and set(SITTING_STEPS) - seen.passed == {"viewers"}

    healthy = until_seen(look, all_passed, 60, "every step but that of viewers passed")
    assert {"database", "migrations", "recordings_folder", "disk", "clock", "certificate"} <= healthy.passed
    assert healthy.of("certificate")["figures"]["days_left"] > 300
    assert healthy.of("ice", "camera")["figures"]["pair"].count("udp") == 2


def test_a_synthetic_candidate_goes_through_the_node_beside_the_real_one(look):
    seen = look(appliance_wide=True)
    assert seen.troubles == []
    assert [step["state"] for step in seen.steps if step["key"] in TRIAL_STEPS] == ["passed"] * len(TRIAL_STEPS)


# ---- the appliance


def test_a_server_whose_clock_is_wrong(names, time_server):
    time_server.ahead = 300
    try:
        seen = names("clock", "clock_off")
    finally:
        time_server.ahead = 0
    assert abs(seen.of("clock")["figures"]["clock_offset_ms"] + 300_000) < 2000
    assert "chrony" in seen.remedy


@contextmanager
def expired(folder):
    """Another certificate with the same key, whose time was over yesterday."""
    file = folder / "lan.crt"
    kept = file.read_bytes()
    good, key = x509.load_pem_x509_certificate(kept), load_pem_private_key((folder / "lan.key").read_bytes(), None)
    made = x509.CertificateBuilder(good.issuer, good.subject, good.public_key(), good.serial_number + 1)
    made = made.not_valid_before(utcnow() - timedelta(days=90)).not_valid_after(utcnow() - timedelta(days=1))
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    try:
        yield
    finally:
        file.write_bytes(kept)


def served_until(appliance):
    """When the certificate that nginx serves ends."""
    pem = ssl.get_server_certificate(("127.0.0.1", appliance.port + 363), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def test_a_certificate_that_has_expired(look, names, appliance):
    nginx = appliance.processes("nginx")[0]
    with expired(appliance.data / "keys"):
        nginx.send_signal(signal.SIGHUP)
        wait_for(lambda: served_until(appliance) < utcnow(), 20, "nginx serves it")
        seen = names("certificate", "certificate_expired")
    assert "Renew it" in seen.remedy
    # The file is right again, but nobody told nginx: candidates' browsers still refuse the pages.
    half_done = look()
    nginx.send_signal(signal.SIGHUP)
    assert half_done.named == ("certificate", "certificate_expired")
    wait_for(lambda: served_until(appliance) > utcnow(), 20, "nginx serves the old one again")
    assert look().of("certificate")["state"] == "passed"


# ---- workers and nodes


@contextmanager
def stopped(processes):
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def test_workers_that_hang(look, heals, appliance):
    hung, behind = {("tap", "worker_stopped"), ("queues", "worker_stopped")}, {"queues", "tap", "analysis"}
    with stopped(appliance.processes("worker_analysis")):
        # Its job hangs, too, until somebody takes it back; then it waits in the queue for nobody.
        seen = until_seen(look, lambda seen: seen.named in hung and seen.blamed <= behind, 60, "the worker is named")
        assert "restart worker" in seen.remedy
    heals()


class Starving(threading.Thread):
    """Leaves a process hardly any processor time, as a host does that has promised it to too many guests."""

    RUNS, WAITS = 0.002, 0.2

    def __init__(self, process):
        super().__init__(daemon=True)
        self._process, self._over = process, threading.Event()

    def run(self):
        while not self._over.is_set():
            self._process.send_signal(signal.SIGSTOP)
            self._over.wait(self.WAITS)
            self._process.send_signal(signal.SIGCONT)
            time.sleep(self.RUNS)

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self._over.set()
        self.join()


def test_a_node_that_is_overloaded(look, heals, appliance, exam):
    node = appliance.processes("node")[0]
    with Starving(node):
        seen = until_seen(look, lambda seen: seen.named == ("node", "node_overloaded"), 60, "overload")
    assert seen.of("node")["figures"]["burst_ms"] >= 800
    assert "kustos node drain" in seen.remedy
    # What comes behind it may fail, too, but none of the box may be blamed.
    assert seen.blamed <= {"node", "gateway", "queues", *SITTING_STEPS}
    whole(appliance, exam.sitting_id())
    heals()


# ---- the recordings' disk


def test_a_disk_that_is_full(names, heals, appliance, exam, recordings):
    used = shutil.disk_usage(recordings).used
    subprocess.run(["mount", "-o", f"remount,size={used + 65536}", str(recordings)], check=True)
    try:
        gap = "SELECT count(*) FROM gap WHERE sitting_id = :id AND ended_at IS NULL"
        wait_for(lambda: appliance.row(gap, id=exam.sitting_id())[0], 20, "nothing is recorded")
        says = [("recorder", "disk_full"), ("disk", "disk_full")]
        seen = names("recordings_folder", "disk_full", "disk", "recorder", "file", says=says)
        assert "Free space" in seen.remedy
    finally:
        subprocess.run(["mount", "-o", f"remount,size={PLENTY}", str(recordings)], check=True)
    whole(appliance, exam.sitting_id())
    heals()


def reload(exam):
    """Load the page anew and go on with the exam."""
    exam.page.reload()
    exam.page.get_by_role("button", name="Continue the exam").click(timeout=20_000)
    exam.sees_exam(30)


def test_a_recordings_folder_that_is_read_only(names, heals, appliance, exam, recordings):
    with mounted(recordings, "--bind", str(recordings)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(recordings)], check=True)
        reload(exam)
        gap = "SELECT count(*) FROM gap WHERE sitting_id = :id AND ended_at IS NULL"
        wait_for(lambda: appliance.row(gap, id=exam.sitting_id())[0] == 2, 20, "nothing is recorded")
        # The gap that the reload began goes on, for no recorder can begin.
        says = [("recorder", "gap_open")]
        seen = names("recordings_folder", "recordings_readonly", "recorder", says=says)
        assert "writable" in seen.remedy
    whole(appliance, exam.sitting_id())
    heals()


# ---- the candidate's browser


def test_a_camera_that_is_muted(names, heals, exam):
    exam.page.evaluate("webcam.getVideoTracks()[0].enabled = false")
    try:
        seen = names("devices", "camera_muted")
        assert "shutter" in seen.remedy
        assert seen.of("devices")["figures"]["camera"] == "disabled"
    finally:
        exam.page.evaluate("webcam.getVideoTracks()[0].enabled = true")
    heals()


def test_a_candidate_whose_clock_is_wrong(names, heals, exam):
    exam.page.evaluate("clockAhead = 600000")
    try:
        seen = names("candidate_clock", "candidate_clock_off", failed=False)
        assert abs(seen.of("candidate_clock")["figures"]["clock_offset_ms"] - 600_000) < 5000
    finally:
        exam.page.evaluate("clockAhead = 0")
    heals()


# ---- the network


def test_udp_that_is_blocked_with_and_without_a_way_by_tcp(names, heals, appliance, exam, cable):
    https = appliance.port + 363
    with cable.firewall("meta l4proto udp drop"):
        reload(exam)
        seen = names("ice", "media_over_tcp", failed=False, scopes=2)
        assert "tcp" in seen.of("ice", "camera")["figures"]["pair"]
        assert seen.of("flow", "camera")["state"] == seen.of("flow", "screen")["state"] == "passed"
        with cable.firewall(f"tcp dport {https} accept", f"tcp sport {https} accept", "meta l4proto tcp drop"):
            reload(exam)
            seen = names("ice", "udp_blocked", "flow", "recorder", "file", "tap", "analysis", scopes=2)
            assert seen.of("socket")["state"] == "passed"
            for track in ("camera", "screen"):
                figures = seen.of("ice", track)["figures"]
                assert any(
                    rule.startswith(f"UDP {cable.far} ↔ {cable.host} (port ") for rule in figures["firewall_rule"]
                )
                assert all(" 0 of " in pair for pair in figures["pairs_tried"])
            assert "Let the rule below through" in seen.remedy
    whole(appliance, exam.sitting_id())
    heals()


class Coturn:
    """A TURN server beside the appliance, with a static-auth-secret of its own."""

    def __init__(self, folder, host, secret):
        self.port = free_port()
        self.url = f"turn:{host}:{self.port}?transport=udp"
        arguments = [
            "-n",
            f"--listening-ip={host}",
            f"--relay-ip={host}",
            f"--listening-port={self.port}",
            "--no-cli",
        ]
        arguments += [
            "--use-auth-secret",
            f"--static-auth-secret={secret}",
            "--realm=kustos",
            "--no-tls",
            "--no-dtls",
        ]
        arguments += [f"--log-file={folder}/turn.log", f"--pidfile={folder}/turn.pid", f"--userdb={folder}/turndb"]
        with (folder / "turn.out").open("wb") as output:
            self._process = subprocess.Popen(["turnserver", *arguments], stdout=output, stderr=output, cwd=folder)
        wait_for(lambda: socket.socket().connect_ex((host, self.port)) == 0, 10, "coturn")

    def stop(self):
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="module")
def coturn(tmp_path_factory, cable):
    if shutil.which("turnserver") is None:
        pytest.skip("coturn is not installed: run .ci/packages test")
    server = Coturn(tmp_path_factory.mktemp("turn"), cable.host, "the right one")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(appliance):
    return load_settings({**appliance.environment, "KUSTOS_SETTINGS": str(appliance.data / "kustos.toml")})


@pytest.fixture
def network(settings):
    """Changes how the company's browsers connect, as its administrator does."""
    house = assemble(settings)

    def change(policy, *urls, secret=None):
        with unit_of_work(house.session_factory) as session:
            company = session.scalars(select(Company)).one()
            networks.change(
                session, Actor.appliance("test"), house.vault, settings, company, policy, (), urls, secret
            )

    yield change
    change(IcePolicy.ALL)


def test_a_turn_password_that_is_wrong(names, heals, network, coturn, exam, appliance):
    network(IcePolicy.RELAY, coturn.url, secret="another one")
    reload(exam)
    seen = names("turn", "turn_password", "ice", "flow", "recorder", "file", "tap", "analysis")
    assert seen.of("turn")["scope"] == coturn.url
    assert {step["cause"] for step in seen.steps if step["key"] == "ice"} == {"turn_password"}
    assert "static-auth-secret" in seen.remedy
    network(IcePolicy.RELAY, coturn.url, secret="the right one")
    reload(exam)
    whole(appliance, exam.sitting_id())
    assert "relay" in heals().of("ice", "camera")["figures"]["pair"]
    network(IcePolicy.ALL)
    reload(exam)
    whole(appliance, exam.sitting_id())


# ---- who watches


def test_a_viewer_without_the_codec(names, heals, appliance, browser, exam):
    """A browser of a proctor that was built without VP8 and H.264."""
    proctor = ProctorPerson(browser, appliance, "viewer", width=1440, origin=appliance.origin)
    try:
        proctor.context.add_init_script(ONLY_VP9)
        proctor.log_in("proctor")
        proctor.page.goto("/room")
        proctor.tile(exam.sitting_id()).locator(".tile-name").click()
        seen = names("viewers", "viewer_codec_missing")
        assert seen.of("viewers")["figures"]["viewers"] > 0
        assert "VP9/90000" in seen.of("viewers")["detail"]
        assert "VP8" not in seen.of("viewers")["detail"]
        assert "current Chrome" in seen.remedy
    finally:
        proctor.context.close()
    heals()


# ---- the page of support


def test_support_checks_on_the_page_and_takes_the_bundle_away(appliance, browser, exam, names, settings, tmp_path):
    exam.page.evaluate("webcam.getVideoTracks()[0].enabled = false")
    support = StaffPerson(browser, appliance, "support", width=1280, origin=appliance.origin)
    try:
        names("devices", "camera_muted")
        support.log_in("support")
        support.page.goto("/support")
        support.page.get_by_role("button", name="Check the pipeline of Ann Example").click()
        support.page.wait_for_url("**/support/checks/*", timeout=30_000)
        found = support.page.locator("#verdict")
        expect(found).to_contain_text("The camera is muted in the browser", timeout=120_000)
        expect(found).to_contain_text("open the camera's shutter")
        expect(support.page.locator("#steps .is-passed")).not_to_have_count(0)
        expect(support.page.locator("#steps .is-failed")).to_have_count(1)
        support.shoot("check-pipeline-1-camera-muted")
        support.page.locator("#steps .is-failed").scroll_into_view_if_needed()
        support.shoot("check-pipeline-2-step")
        link = support.page.get_by_role("link", name="Bundle for the ticket")
        with support.page.expect_download(timeout=30_000) as download:
            link.click()
        download.value.save_as(tmp_path / "bundle.zip")
        judge_bundle(tmp_path / "bundle.zip", settings, appliance, exam)
        exam.page.evaluate("webcam.getVideoTracks()[0].enabled = true")
        assert support.problems == []
    finally:
        exam.page.evaluate("webcam.getVideoTracks()[0].enabled = true")
        support.context.close()


PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"\x1a\x45\xdf\xa3", b"data:image")
"""How JPEG, PNG, WebP and WebM begin, and a picture inside of a text."""


def judge_bundle(file, settings, appliance, exam):
    """All that a ticket needs, no secret of the appliance or of anybody in it, and no picture."""
    with zipfile.ZipFile(file) as bundle:
        names, content = set(bundle.namelist()), {name: bundle.read(name) for name in bundle.namelist()}
    sdp = {f"sdp/{track}-{side}.sdp" for track in ("camera", "screen") for side in ("local", "remote")}
    assert {"report.txt", "report.json", "graph.svg", "pipeline.dot", "stats.json", "browser.json"} | sdp <= names
    assert {name for name in names if name.startswith("logs/")} >= {"logs/gateway_0.log", "logs/node_0.log"}
    assert json.loads(content["report.json"])["verdict"]["cause"] == "camera_muted"
    everything = b"\n".join(content.values())
    keys = [(appliance.data / "keys" / name).read_bytes().strip() for name in ("master.key", "lan.key", "secret.key")]
    staff = json.loads((appliance.data / "demo.json").read_text())["staff"]
    keys += [one[field].encode() for one in staff for field in ("password", "totp_secret")]
    keys += [cookie["value"].encode() for cookie in exam.context.cookies()]
    assert [key for key in keys if key in everything] == []
    for name in ("camera", "screen"):
        assert b"a=ice-pwd:[hidden]" in content[f"sdp/{name}-remote.sdp"]
    assert [sign for sign in PICTURES if sign in everything] == []
