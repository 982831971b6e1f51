"""A live sitting: all is well; then faults planted for real, one after the other, each named by the verdict."""

import asyncio
import io
import os
import signal
import subprocess
import time
import zipfile
from contextlib import contextmanager

import pytest
import pytest_asyncio
from sqlalchemy import text

from appliance.db import unit_of_work
from appliance.diagnostics.path import SITTING_STEPS
from media.checks.bundle import pack
from tests.live import until
from tests.media.record import publish_both

pytestmark = pytest.mark.timeout(150)
needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system of its own needs root")

GOOD = {"camera": "live", "microphone": "live", "screen": "live", "joined": True, "userAgent": "Mozilla/5.0 test"}


@pytest_asyncio.fixture
async def exam(living_worker, browser, sitting, clip, start, record):
    """A sitting that runs, is recorded and watched by the worker; its page."""
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 10, "recorders")
    await until(lambda: any("analysed_until_ms" in part.media for part in rec.parts()), 30, "analysis")
    return page


@pytest.fixture
def reports(session_factory):
    """Says what a browser reports of itself, and waits until it is written down (one in 10 s is)."""

    def read():
        with unit_of_work(session_factory) as session:
            return session.execute(text("SELECT content FROM browser_report")).scalar() or {}

    async def say(page, **device):
        values = {"page": {**GOOD, **device}}
        deadline = time.monotonic() + 15
        while read().get("values") != values:
            assert time.monotonic() < deadline, read()
            await page.say(type="stats", values=values)
            await asyncio.sleep(0.5)

    return say


async def test_all_is_well_then_the_camera_is_muted_and_the_worker_stops(
    check, sitting, exam, reports, collaborators, living_worker
):
    await reports(exam)
    checked = await check(sitting.id)
    assert checked.troubles == []
    seen = {step.key for step in checked.report.steps if step.state.value == "passed"}
    assert set(SITTING_STEPS) - seen == {"viewers"}
    assert checked.of("flow", "camera").figures["video_kbps"] > 10
    assert checked.of("file", "screen").figures["bytes_grown"] > 0
    assert "host" in checked.of("ice", "camera").figures["pair"]
    judge_bundle(collaborators, checked)

    exam.republishes = False  # a check on a busy machine would meet the moment between two publications
    exam.publications["camera"].publisher.pause()
    await exam.event("media.state", 15, track="camera", state="lost")
    assert (await check(sitting.id)).named == ("flow", "no_flow")
    await reports(exam, camera="muted")
    assert (await check(sitting.id)).named == ("devices", "camera_muted")

    living_worker.signal(signal.SIGKILL)
    exam.publications["camera"].publisher.resume()
    await asyncio.sleep(2.5)  # its heart must be silent for takeover_seconds
    checked = await check(sitting.id)
    assert checked.named == ("workers", "worker_stopped")
    assert checked.of("tap").cause == "worker_stopped"


def judge_bundle(collaborators, checked):
    with zipfile.ZipFile(io.BytesIO(pack(collaborators.settings, checked.report, checked.materials))) as bundle:
        names = set(bundle.namelist())
        content = b"".join(bundle.read(name) for name in names).decode()
    assert {"report.txt", "report.json", "graph.svg", "pipeline.dot", "stats.json", "browser.json"} <= names
    assert {"sdp/camera-local.sdp", "sdp/camera-remote.sdp", "sdp/screen-local.sdp"} <= names
    assert collaborators.settings.secret_key not in content
    assert "a=ice-pwd:[hidden]" in content


async def test_the_gateway_dies_the_node_hangs_and_dies(check, sitting, exam, node, gateway, finish):
    gateway.kill()
    checked = await check(sitting.id)
    assert checked.named == ("gateway", "gateway_silent")
    assert checked.of("flow", "camera").state.value == "passed"  # the node goes on without it
    os.kill(node.pid, signal.SIGSTOP)
    try:
        assert (await check(sitting.id)).of("node").cause == "node_hangs"
    finally:
        os.kill(node.pid, signal.SIGCONT)
    node.kill()
    assert (await check(sitting.id)).of("node").cause == "node_unreachable"
    finish(sitting)
    assert (await check(sitting.id)).of("sitting").cause == "sitting_over"


async def test_a_candidates_clock_that_is_off_and_a_page_that_goes(
    check, sitting, browser, clip, reports, session_factory
):
    page = browser().candidate_of(sitting)
    await page.open()
    await publish_both(page, clip)
    await reports(page)

    def offset():
        with unit_of_work(session_factory) as session:
            return session.execute(text("SELECT clock_offset_ms FROM sitting")).scalar()

    deadline = time.monotonic() + 15
    while abs(offset() - 600_000) > 2000:  # presence is written at most every 5 s
        assert time.monotonic() < deadline
        await page.say(type="ping", at=(time.time() + 600) * 1000, rtt_ms=5)
        await asyncio.sleep(0.5)
    checked = await check(sitting.id)
    step = checked.of("candidate_clock")
    assert (step.state.value, step.cause) == ("warning", "candidate_clock_off")
    assert [trouble[0] for trouble in checked.troubles] == ["workers", "candidate_clock"]  # no worker was started
    await page.leave()
    with unit_of_work(session_factory) as session:
        session.execute(text("UPDATE sitting SET last_seen_at = last_seen_at - interval '1 minute'"))
    assert (await check(sitting.id)).of("socket").cause == "socket_lost"


@contextmanager
def tmpfs(folder, option):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file):
    with pytest.raises(OSError), file.open("wb", buffering=0) as target:
        while True:
            target.write(bytes(4096))


@needs_mount
@pytest.mark.parametrize(("option", "cause"), [("ro", "recordings_readonly"), ("size=1m", "disk_full")])
async def test_a_recordings_folder_that_is_read_only_or_full(
    check, sitting, browser, clip, start, collaborators, option, cause, record
):
    with tmpfs(collaborators.settings.recordings, option):
        if cause == "disk_full":
            fill(collaborators.settings.recordings / "filler")
        page, rec = browser().candidate_of(sitting), record(sitting)
        await page.open()
        await publish_both(page, clip)
        start(sitting)
        await until(lambda: rec.gaps() if cause == "disk_full" else rec.sitting().started_at, 20, "the fault")
        checked = await check(sitting.id)
        assert checked.named == ("recordings_folder", cause)
        assert checked.of("recorder", "camera").state.value == "failed"
        await page.end()
