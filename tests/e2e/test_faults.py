"""Bad input and faults, each on a whole running appliance: what people see, and what is on record afterwards."""

import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import make_url
from websockets.exceptions import ConnectionClosed

from media.clips.drawn import portrait_jpeg
from tests.e2e.applicant import START, Applicant, closed_with, hears, start_token
from tests.e2e.people import CHROMIUM, FLAGS, CandidatePerson, Person, ProctorPerson, ReviewerPerson, launch
from tests.running import ROOT, RunningAppliance, free_port_block, wait_for

pytestmark = pytest.mark.timeout(180)

FRESH_FRAMES = """async ([selector, wanted]) => {
  const videos = [...document.querySelectorAll(selector)];
  const shows = (video) => new Promise((done) => {
    let seen = 0;
    const next = () => (++seen >= wanted ? done() : video.requestVideoFrameCallback(next));
    video.requestVideoFrameCallback(next);
  });
  await Promise.all(videos.map(shows));
  return videos.length;
}"""


@pytest.fixture(scope="module")
def browser(playwright, webcam):
    with launch(playwright, webcam) as started:
        yield started


@pytest.fixture(scope="module")
def people(browser, appliance):
    yield CandidatePerson(browser, appliance, "candidate"), ProctorPerson(browser, appliance, "proctor", width=1440)


@pytest.fixture
def person(browser, appliance):
    """Somebody whose window is closed after the test."""
    somebody = CandidatePerson(browser, appliance, "somebody")
    yield somebody
    somebody.context.close()


class Exam:
    """One running exam that a proctor watches: what the faults happen to."""

    def __init__(self, appliance: RunningAppliance, candidate: CandidatePerson, proctor: ProctorPerson) -> None:
        self.appliance, self.candidate, self.proctor = appliance, candidate, proctor
        self.id = candidate.sitting_id()

    def parts(self) -> dict[str, int]:
        """Parts being recorded: track -> id."""
        found = self.appliance.rows(
            "SELECT track, id FROM part WHERE sitting_id = :id AND state = 'recording'", id=self.id
        )
        return dict(map(tuple, found))

    def gaps(self, cause: str = "%") -> list:
        return self.appliance.rows(
            "SELECT track, cause, started_at, ended_at FROM gap WHERE sitting_id = :id AND cause LIKE :cause"
            " ORDER BY started_at",
            id=self.id,
            cause=cause,
        )

    def observations(self, kind: str) -> list:
        return self.appliance.rows(
            "SELECT started_at, ended_at, details FROM observation WHERE sitting_id = :id AND type = :kind"
            " ORDER BY started_at",
            id=self.id,
            kind=kind,
        )

    def state(self) -> str:
        return self.appliance.row("SELECT state FROM sitting WHERE id = :id", id=self.id)[0]

    def extra_ms(self) -> int:
        return self.appliance.row("SELECT extra_ms FROM sitting WHERE id = :id", id=self.id)[0]

    def is_whole(self, seconds: float = 40) -> dict[str, int]:
        """Both tracks are recorded and no gap is open; return the parts."""
        wait_for(
            lambda: set(self.parts()) == {"camera", "screen"} and all(gap.ended_at for gap in self.gaps()),
            seconds,
            "both tracks recorded, all gaps closed",
        )
        return self.parts()

    def is_watched(self, part: int) -> None:
        """Pictures of this moment have been analysed."""
        now_ms = time.time() * 1000
        until = "SELECT 1 FROM part WHERE id = :part AND (media->>'analysed_until_ms')::float > :now"
        wait_for(lambda: self.appliance.row(until, part=part, now=now_ms), 30, "pictures that are looked at")

    def is_seen_by_the_proctor(self, seconds: float = 40) -> None:
        """New pictures of both tracks reach the proctor's page, which nobody has touched."""
        self.proctor.sees_pictures(self.id, seconds)
        selector = f"article.tile[data-id='{self.id}'] video"
        self.proctor.page.set_default_timeout(seconds * 1000)
        assert self.proctor.page.evaluate(FRESH_FRAMES, [selector, 5]) == 2


@pytest.fixture(scope="module")
def exam(people, appliance):
    candidate, proctor = people
    candidate.page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?" during the exam
    # Kept for the test that ends the share: no page gets at a stream it did not ask for itself.
    candidate.context.add_init_script(
        """const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getDisplayMedia = async (wanted) => (window.shared = await real(wanted));"""
    )
    candidate.enter()
    candidate.check_in()
    candidate.wait_in_room()
    proctor.log_in("proctor")
    proctor.sees_pictures(candidate.sitting_id())
    proctor.start(candidate.sitting_id())
    candidate.sees_exam()
    started = Exam(appliance, candidate, proctor)
    started.is_whole()
    proctor.tile(started.id).click()
    return started


# ---- one exam, and all that can happen to it


def test_of_two_tabs_the_newer_wins_and_the_older_can_come_back(exam):
    candidate = exam.candidate
    other = candidate.context.new_page()
    other.on("dialog", lambda dialog: dialog.accept())
    other.goto("/sit")
    candidate.sees("The exam is open in another tab", 20)
    candidate.shoot("fault-older-tab")
    other.get_by_role("button", name="Continue the exam").click(timeout=20_000)
    other.locator("body[data-view=exam]").wait_for(timeout=20_000)
    exam.is_whole()
    candidate.click("Use this tab instead")
    expect(other.get_by_role("heading", name="The exam is open in another tab")).to_be_visible(timeout=20_000)
    candidate.page.get_by_role("button", name="Continue the exam").click(timeout=20_000)
    candidate.sees_exam()
    assert candidate.sitting_id() == exam.id
    exam.is_whole()
    other.close()
    exam.is_seen_by_the_proctor()


def test_a_stopped_share_is_told_and_taken_up_again(exam):
    former = exam.is_whole()
    known = len(exam.observations("desktop_request_pending"))
    # What the browser does when "Stop sharing" is clicked; headless it has no such button.
    exam.candidate.page.evaluate(
        "shared.getTracks().forEach((track) => { track.stop(); track.dispatchEvent(new Event('ended')); })"
    )
    dialog = exam.candidate.page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Your screen is no longer shared", timeout=10_000)
    exam.candidate.shoot("fault-share-stopped-candidate")
    wait_for(lambda: len(exam.observations("desktop_request_pending")) > known, 15, "the observation")
    gap = wait_for(lambda: exam.gaps("share_stopped"), 15, "the gap with its cause")[-1]
    assert (gap.track, gap.ended_at) == ("screen", None)
    expect(exam.proctor.seen("creen").first).to_be_visible(timeout=15_000)
    exam.proctor.shoot("fault-share-stopped-proctor")
    dialog.get_by_role("button", name="Share the screen again").click()
    expect(dialog).to_have_count(0, timeout=15_000)
    parts = exam.is_whole()
    assert parts["screen"] != former["screen"]
    assert parts["camera"] == former["camera"], "the camera went on all the time"
    wait_for(lambda: exam.observations("desktop_request_pending")[-1].ended_at, 15, "the observation's end")
    exam.is_seen_by_the_proctor()


def test_a_killed_gateway_loses_nothing(exam):
    parts, gaps = exam.is_whole(), exam.gaps()
    exam.appliance.kill("gateway")
    exam.candidate.page.get_by_placeholder("Message to the proctor").fill("Are you there?")
    exam.candidate.page.keyboard.press("Enter")
    exam.proctor.say("We are.")
    expect(exam.candidate.page.locator(".chat-message.is-own").last).to_contain_text("Are you there?")
    exam.candidate.shoot("fault-gateway-candidate")
    exam.proctor.shoot("fault-gateway-proctor")
    expect(exam.candidate.page.locator(".chat-message.is-pending")).to_have_count(0, timeout=40_000)
    expect(exam.candidate.page.get_by_text("We are.").first).to_be_visible(timeout=40_000)
    expect(exam.proctor.page.locator("#desk").get_by_text("Are you there?").first).to_be_visible(timeout=40_000)
    expect(exam.proctor.page.locator("#room")).to_have_attribute("data-connection", "open", timeout=40_000)
    exam.is_seen_by_the_proctor()
    assert exam.is_whole() == parts, "the recorders went on without the gateway"
    assert exam.gaps() == gaps
    said = exam.appliance.rows("SELECT text FROM chat_message WHERE sitting_id = :id ORDER BY text", id=exam.id)
    assert [text for (text,) in said] == ["Are you there?", "We are."]


def test_a_killed_node_is_a_gap_with_its_cause_and_the_time_is_given_back(exam):
    former, given = exam.is_whole(), exam.extra_ms()
    exam.appliance.kill("node")
    gaps = wait_for(lambda: (found := exam.gaps("node_lost")) and len(found) == 2 and found, 20, "two gaps")
    exam.candidate.shoot("fault-node-candidate")
    parts = exam.is_whole(60)
    assert not set(parts.values()) & set(former.values()), "both tracks go on in new parts"
    gaps = exam.gaps("node_lost")
    assert {gap.track for gap in gaps} == {"camera", "screen"}
    longest = max((gap.ended_at - gap.started_at).total_seconds() for gap in gaps)
    wait_for(lambda: exam.extra_ms() > given, 15, "the time given back")
    assert longest - 0.5 <= (exam.extra_ms() - given) / 1000 <= longest + 5
    exam.is_seen_by_the_proctor(60)
    exam.proctor.shoot("fault-node-proctor-after")


def watcher(appliance: RunningAppliance) -> psutil.Process | None:
    """The worker that looks at pictures: the one that is connected to the media node."""
    node = appliance.port + 1003
    for process in appliance.processes("worker"):
        with contextlib.suppress(psutil.Error):
            if any(one.raddr and one.raddr.port == node for one in process.net_connections("tcp")):
                return process
    return None


def test_killed_workers_are_succeeded_and_what_nobody_watched_is_told(exam):
    parts = exam.is_whole()
    first = wait_for(lambda: watcher(exam.appliance), 40, "a worker that watches")
    exam.is_watched(parts["camera"])
    first.kill()
    second = wait_for(lambda: watcher(exam.appliance), 40, "another worker that watches")
    assert second.pid != first.pid
    exam.is_watched(parts["camera"])
    killed_at = exam.appliance.row("SELECT now()")[0]
    for process in exam.appliance.processes("worker"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    third = wait_for(lambda: watcher(exam.appliance), 60, "a worker that was started again")
    assert third.pid not in {first.pid, second.pid}

    def unwatched() -> list:
        return [one for one in exam.observations("undetermined") if one.details["reason"] == "analysis_interrupted"]

    wait_for(lambda: len(unwatched()) == 2, 20, "both unwatched spans")
    assert all(one.ended_at for one in unwatched())
    assert unwatched()[-1].started_at <= killed_at < unwatched()[-1].ended_at
    left_open = exam.appliance.rows(
        "SELECT type FROM observation WHERE sitting_id = :id AND source = 'detector' AND ended_at IS NULL"
        " AND started_at < :killed_at",
        id=exam.id,
        killed_at=killed_at,
    )
    assert left_open == [], "nobody is left who would end it"
    wait_for(
        lambda: [one for one in exam.observations("no_user_in_frame") if one.started_at > killed_at],
        75,
        "an absence seen by the successor",
    )
    exam.proctor.shoot("fault-worker-proctor-after")


def test_the_timeline_tells_of_all_of_it(exam, browser, appliance):
    exam.is_whole()
    exam.proctor.finish("Decide in the review", "A bad day for machines.")
    exam.candidate.sees("finished|over|handed in|Thank you", 20)
    wait_for(
        lambda: exam.state() in {"in_review", "concluded"},
        90,
        "sealed and ready for review",
    )
    reviewer = ReviewerPerson(browser, appliance, "reviewer", width=1440)
    reviewer.log_in("reviewer")
    timeline = reviewer.api(f"/api/v1/sittings/{exam.id}/timeline")
    of_the_killed_node = appliance.rows(
        "SELECT state FROM part WHERE sitting_id = :id AND end_cause = 'node_lost'", id=exam.id
    )
    assert [state for (state,) in of_the_killed_node] == ["sealed", "sealed"]
    assert {gap["cause"] for gap in timeline["gaps"]} >= {"share_stopped", "node_lost"}
    for track in ("camera", "screen"):
        # A tab that was overtaken at once may have left an empty file: that is no evidence, a gap must tell it.
        evidence = [part for part in timeline["parts"] if part["state"] == "sealed"]
        spans = sorted(
            (one["start_ms"], one["end_ms"]) for one in (*evidence, *timeline["gaps"]) if one["track"] == track
        )
        covered = timeline["start_ms"]
        for begin, end in spans:
            assert begin - covered < 500, (track, begin, spans)
            covered = max(covered, end)
        assert timeline["end_ms"] - covered < 500, (track, spans)
    reviewer.open(exam.id)
    expect(reviewer.page.get_by_text("Media node lost").first).to_be_visible(timeout=20_000)
    reviewer.shoot("fault-timeline")
    assert reviewer.problems == []
    reviewer.context.close()


# ---- links


@pytest.mark.parametrize(
    ("claims", "secret", "heading", "words"),
    [
        pytest.param(
            {"exp": 1_700_000_000}, None, "This link has expired", "open the exam from your course", id="old"
        ),
        pytest.param(
            {"startDate": "2020-01-01T00:00:00Z", "endDate": "2020-01-02T00:00:00Z"},
            None,
            "This link has expired",
            "could be started until 2020-01-02",
            id="late",
        ),
        pytest.param({}, b"x" * 40, "This link does not open an exam", "uses another secret", id="foreign"),
        pytest.param(None, None, "This link does not open an exam", "copy it whole", id="cut"),
    ],
)
def test_a_wrong_link_says_why_and_what_to_do(appliance, person, claims, secret, heading, words, request):
    token = start_token(appliance, secret, **(claims or {}))
    answer = person.page.goto(f"{START}?token={token if claims is not None else token[:-60]}")
    assert answer.status == 401
    expect(person.page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(person.page.get_by_role("main")).to_contain_text(words)
    person.shoot(f"fault-link-{request.node.callspec.id}")
    assert person.problems == []


def test_a_page_without_its_link_says_so(person):
    assert person.page.goto("/sit").status == 401
    expect(person.page.get_by_role("heading", level=1)).to_have_text("This link does not open an exam")


# ---- devices


def started_without(playwright, *dropped: str, extra: tuple[str, ...] = ()):
    """A browser without the flags that begin with one of ``dropped``."""
    kept = [flag for flag in FLAGS if not flag.startswith(dropped or ("none",))]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*kept, *extra])


def is_stopped_at(person: Person, check: str, words: str, title: str) -> None:
    """The check's line says what is wrong and what to do; there is no way on."""
    line = person.page.locator(".check.is-failed", has_text=check).first
    expect(line).to_contain_text(words, timeout=40_000)
    expect(line.locator(".check-advice")).not_to_be_empty()
    expect(person.page.get_by_role("button", name="Continue", exact=True)).to_be_disabled()
    person.shoot(f"fault-{title}")


@pytest.mark.parametrize(
    ("dropped", "extra", "words", "title"),
    [
        ("--use-fake-device", (), "No camera or microphone was found", "no-camera"),
        ("--use-fake-ui", ("--deny-permission-prompts",), "The browser does not allow the camera", "camera-refused"),
    ],
    ids=["none", "refused"],
)
def test_a_camera_that_cannot_be_had_is_named(playwright, appliance, dropped, extra, words, title):
    with started_without(playwright, dropped, extra=extra) as browser:
        person = CandidatePerson(browser, appliance, title)
        person.enter("auto")
        person.consent()
        is_stopped_at(person, "Camera", words, title)
        state = appliance.row("SELECT state, step FROM sitting WHERE id = :id", id=person.sitting_id())
        assert tuple(state) == ("check_in", "system_check")


def test_a_camera_in_use_can_be_tried_again(person):
    # The fake camera lends itself to any number of programs, so the browser's answer to the first try is put in.
    person.page.add_init_script(
        """const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); let first = true;
        navigator.mediaDevices.getUserMedia = (wanted) => {
          if (!first) return real(wanted);
          first = false;
          return Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
        };"""
    )
    person.enter("auto")
    person.consent()
    is_stopped_at(person, "Camera", "in use by another program", "camera-in-use")
    camera = person.page.locator(".check", has_text="Camera").first
    camera.get_by_role("button", name="Check again").click()
    expect(camera).to_have_class(re.compile("is-passed"), timeout=15_000)


@pytest.mark.parametrize("surface", ["browser", "window"])
def test_a_share_that_is_no_whole_monitor_is_refused(playwright, appliance, surface):
    fake = f"--use-fake-device-for-media-stream=display-media-type={surface}"
    with started_without(playwright, "--use-fake-device", "--auto-select", extra=(fake,)) as browser:
        person = CandidatePerson(browser, appliance, surface)
        # A person may choose otherwise than the page proposes; the fake picker always follows the proposal.
        person.page.add_init_script(
            """const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getDisplayMedia = () => real({ video: true });"""
        )
        person.enter("auto")
        person.consent()
        person.page.get_by_role("button", name="Share the screen").click(timeout=40_000)
        is_stopped_at(person, "Screen", "Only a window or a tab was shared", f"share-{surface}")
        # Nor does the server take a check that claims otherwise than the page would.
        csrf = person.page.evaluate("JSON.parse(document.querySelector('#page-data').textContent).csrf")
        passed = {name: {"state": "passed"} for name in ("camera", "microphone", "screen")}
        report = {"results": {**passed, "screen": {"state": "passed", "display_surface": surface}}, "client": {}}
        headers = {"X-CSRF-Token": csrf, "Origin": appliance.origin}
        answer = person.context.request.post("/api/v1/sitting/system-check", data=report, headers=headers)
        step = appliance.row("SELECT step FROM sitting WHERE id = :id", id=person.sitting_id())[0]
        assert step == "system_check", answer.text()


# ---- photos and messages


def picture(form: str, width: int, height: int, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, form)
    return out.getvalue()


def test_what_is_no_photo_or_too_large_is_refused_with_words(appliance):
    applicant = Applicant(appliance)
    applicant.check_in_up_to_photos()
    refused = {
        "empty": b"",
        "text": b"<script>alert(1)</script>" * 100,
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"/>',
        "gif": picture("GIF", 400, 400),
        "cut": portrait_jpeg()[:5000],
        "small": picture("PNG", 64, 64),
        "bomb": picture("PNG", 20_000, 20_000, "1"),
    }
    for name, content in refused.items():
        answer = applicant.hand_in(content)
        assert answer.status_code == 400, (name, answer.text)
        assert answer.json()["error"]["code"] == "photo_refused", name
        assert len(answer.json()["error"]["message"]) > 15, name
    for megabytes in (9, 13):  # above the application's limit, and above nginx's
        answer = applicant.hand_in(portrait_jpeg() + bytes(megabytes * 2**20))
        assert answer.status_code == 413, megabytes
    kept = appliance.row("SELECT count(*) FROM identity_photo WHERE sitting_id = :id", id=applicant.sitting_id)[0]
    assert kept == 0
    assert applicant.hand_in(portrait_jpeg()).status_code == 200


STRANGE = (
    "not json",
    "[]",
    '"hello"',
    "[" * 100_000,
    '{"type": "nonsense"}',
    '{"type": "ping"}',
    '{"type": "ping", "at": "now"}',
    '{"type": "chat", "text": "", "ref": "a"}',
    '{"type": "chat", "text": "x", "ref": "a", "author": "proctor"}',
    '{"type": "observe", "kind": "cheater", "phase": "never", "at": 1, "ref": "a"}',
    '{"type": "publish", "track": "kitchen", "connection": "c", "sdp": "v=0"}',
    b"\x00\x01",
)


def test_malformed_and_unknown_messages_are_answered_and_then_shut_out(appliance):
    applicant = Applicant(appliance)
    with applicant.socket() as socket:
        for message in STRANGE:
            socket.send(message)
            assert hears(socket, "error")["code"] == "bad_input", message
        socket.send('{"type": "ping", "at": 5}')
        assert hears(socket, "pong")["at"] == 5, "one who errs may go on"
        for _ in range(20):
            socket.send("not json")
        assert closed_with(socket) == 1008


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ({"type": "view", "sitting_id": 1, "track": "camera", "connection": "c", "sdp": "v=0"}, True),
        ({"type": "publish", "track": "camera", "connection": "c", "sdp": "v=0"}, True),
        ({"type": "observe", "kind": "cheater", "phase": "instant", "at": 1, "ref": "a"}, True),
        ({"type": "hello", "token": "x"}, True),
        ({"type": "chat", "text": "a\0b", "ref": "\0"}, False),
        ({"type": "candidate", "connection": "c", "candidate": "candidate:nonsense"}, False),
        ({"type": "ping", "at": 1e300, "rtt_ms": -1e300}, False),
    ],
    ids=["view", "publish", "observe", "hello", "zero", "candidate", "ping"],
)
def test_well_formed_nonsense_is_no_fault_of_ours(appliance, message, refused):
    """Whatever a candidate's socket says in the protocol's form is taken or refused, and breaks nothing inside."""
    with Applicant(appliance).socket() as socket:
        socket.send(json.dumps(message))
        if refused:
            assert hears(socket, "error", 15)["code"] != "internal"
        socket.send('{"type": "ping", "at": 2}')
        heard = [json.loads(socket.recv(timeout=15))]
        while heard[-1].get("at") != 2:
            heard.append(json.loads(socket.recv(timeout=15)))
        assert "internal" not in {one.get("code") for one in heard}, heard


def test_floods_and_strangers_are_shut_out_and_nobody_else_notices(appliance):
    bystander, flooder = Applicant(appliance), Applicant(appliance)
    gateway = appliance.processes("gateway")[0].pid
    with bystander.socket() as calm:
        with flooder.socket() as flood:
            with contextlib.suppress(ConnectionClosed):
                for number in range(5000):
                    flood.send(json.dumps({"type": "ping", "at": number}))
            assert closed_with(flood) == 1008
        with flooder.socket() as large:
            large.send(json.dumps({"type": "chat", "text": "x" * 300_000, "ref": "r"}))
            assert closed_with(large) == 1009
        for first in ('{"type": "ping", "at": 1}', '{"type": "hello", "token": "forged.by.me"}', "not json"):
            with flooder.socket(hello=False) as stranger:
                stranger.send(first)
                assert closed_with(stranger) == 4401, first
        calm.send('{"type": "ping", "at": 7}')
        assert hears(calm, "pong", 5)["at"] == 7
    with flooder.socket() as again:
        again.send('{"type": "ping", "at": 8}')
        assert hears(again, "pong")["at"] == 8
    assert appliance.processes("gateway")[0].pid == gateway
    assert "Traceback" not in (appliance.data / "logs" / "gateway_0.log").read_text()


# ---- clocks, the database, the machine

WRONG_CLOCK = """const Real = Date, ahead = 3 * 3600 * 1000;
globalThis.Date = class extends Real {
  constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + ahead); }
  static now() { return Real.now() + ahead; }
};"""


@pytest.fixture(scope="module")
def hurried(browser, appliance):
    """A candidate of the exam without a proctor, whose clock is three hours ahead."""
    candidate = CandidatePerson(browser, appliance, "hurried")
    candidate.context.add_init_script(WRONG_CLOCK)
    yield candidate
    candidate.context.close()


def test_a_wrong_clock_of_the_browser_changes_nothing(hurried, appliance):
    hurried.enter("auto")
    hurried.consent()
    clock = hurried.page.locator(".check", has_text="Clock").first
    expect(clock).to_contain_text("off by 180 min", timeout=30_000)
    hurried.check_system()
    hurried.photograph("wrong-clock")
    hurried.sees_exam(40)
    sitting = hurried.sitting_id()
    deadline = appliance.row("SELECT deadline_at FROM sitting WHERE id = :id", id=sitting)[0].timestamp()
    minutes, seconds = hurried.page.locator(".timer-face").inner_text().split(":")
    assert abs(int(minutes) * 60 + int(seconds) - (deadline - time.time())) < 2
    hurried.page.evaluate("document.dispatchEvent(new ClipboardEvent('copy', {bubbles: true}))")
    copied = "SELECT started_at FROM observation WHERE sitting_id = :id AND type = 'clipboard'"
    at = wait_for(lambda: appliance.row(copied, id=sitting), 15, "the observation")[0]
    assert abs(at.timestamp() - time.time()) < 5
    offset = wait_for(
        lambda: appliance.row("SELECT clock_offset_ms FROM sitting WHERE id = :id", id=sitting)[0], 30, "the offset"
    )
    assert abs(offset - 3 * 3600 * 1000) < 2000
    hurried.shoot("fault-wrong-clock")


class Alone:
    """One process of the appliance with settings of its own and no supervisor."""

    def __init__(self, name: str, folder: Path, settings: dict[str, str]) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", name],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def words(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def answers(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=20, trust_env=False)
    except httpx.HTTPError:
        return None


def test_a_database_that_is_away_at_the_start_is_said_and_waited_for(playwright, browser, database_url):
    folder = Path(tempfile.mkdtemp(prefix="kustos-away-"))
    ports = {}
    for name in ("web", "gateway"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
    url = make_url(database_url)
    there = url.query["host"]
    settings = {
        "KUSTOS_DATABASE_URL": url.set(query={"host": str(folder / "pg")}).render_as_string(hide_password=False),
        "KUSTOS_SECRET_KEY": "a secret of the tests, long enough",
        "KUSTOS_DATA_DIR": str(folder),
        "KUSTOS_PUBLIC_URL": f"http://localhost:{ports['web']}",
        "KUSTOS_KURENTO_URLS": "ws://127.0.0.1:9/kurento",
        "KUSTOS_WEB_LISTEN": f"127.0.0.1:{ports['web']}",
        "KUSTOS_GATEWAY_LISTEN": f"127.0.0.1:{ports['gateway']}",
    }
    web, gateway, worker = (Alone(name, folder, settings) for name in ("web", "gateway", "worker"))
    context = browser.new_context(base_url=settings["KUSTOS_PUBLIC_URL"])
    try:
        assert worker.process.wait(40) == 1
        assert worker.words().strip().splitlines()[-1] == "kustos: The database cannot be reached."
        assert "Traceback" not in worker.words()

        health = wait_for(lambda: answers(f"http://127.0.0.1:{ports['web']}/healthz"), 40, "web's answer")
        assert (health.status_code, health.json()["database"]) == (503, "down")
        context.add_cookies([{"name": "kustos_sitting", "value": "1.x", "url": settings["KUSTOS_PUBLIC_URL"]}])
        page = context.new_page()
        answer = page.goto("/sit")
        assert answer.status == 503
        assert answer.headers["retry-after"]
        expect(page.get_by_role("main")).to_contain_text("The database cannot be reached just now")
        page.screenshot(path=ROOT / "tests" / "e2e" / "screenshots" / "fault-database-away.png")
        wait_for(lambda: "atabase" in gateway.words(), 40, "the gateway's words")
        assert "Traceback" not in gateway.words()
        assert gateway.process.poll() is None

        (folder / "pg").symlink_to(there)
        wait_for(lambda: answers(f"http://127.0.0.1:{ports['web']}/healthz").status_code == 200, 20, "web is well")
        assert page.goto("/sit").status == 401
        door = f"http://127.0.0.1:{ports['gateway']}/live/healthz"
        wait_for(lambda: (said := answers(door)) and said.json()["database"], 40, "the gateway hears the database")
    finally:
        context.close()
        for one in (web, gateway, worker):
            one.end()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_port_in_use_is_one_clear_line(appliance, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "appliance.cli", "up", "--data", str(tmp_path / "data")]
        command += ["--port", str(free_port_block()), "--https-port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"kustos: Port {port} (https) is already in use: stop what uses it, or choose another with --port."
    ]
    assert done.stdout == ""


def test_a_second_appliance_on_the_same_data_is_refused(appliance):
    command = [sys.executable, "-m", "appliance.cli", "up", "--data", str(appliance.data)]
    command += ["--port", str(free_port_block())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(appliance.data) in done.stderr
    assert answers(f"{appliance.origin}/healthz").status_code == 200


def family(appliance: RunningAppliance) -> dict[int, psutil.Process]:
    """All processes that belong to the appliance: its children, and whatever names its data folder."""
    found = {}
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(str(appliance.data) in word for word in process.info["cmdline"] or ()):
            found[process.pid] = process
            with contextlib.suppress(psutil.NoSuchProcess):
                found.update((child.pid, child) for child in process.children(recursive=True))
    return found


def test_ctrl_c_leaves_no_process_and_a_second_start_keeps_everything(appliance, hurried, people):
    tables = ("sitting", "part", "gap", "observation", "chat_message", "audit_entry", "vault_object", '"user"')

    def counts() -> dict[str, int]:
        return {table: appliance.row(f"SELECT count(*) FROM {table}")[0] for table in tables}  # noqa: S608 - our own names

    sitting = hurried.sitting_id()
    state = appliance.row("SELECT state FROM sitting WHERE id = :id", id=sitting)[0]
    assert state == "running", "the exam without a proctor goes on"
    before, alive, accounts = counts(), family(appliance), (appliance.data / "demo.json").read_text()
    assert len(alive) >= 8
    assert appliance.stop() == 0
    wait_for(lambda: not [one for one in alive.values() if one.is_running()], 10, f"no process left of {alive}")
    assert family(appliance) == {}

    appliance.start()
    assert (appliance.data / "demo.json").read_text() == accounts
    after = counts()
    assert {table: count for table, count in after.items() if count < before[table]} == {}
    hurried.page.locator(".self-tracks").get_by_text("Camera: on").wait_for(state="attached", timeout=60_000)
    hurried.page.locator(".self-tracks").get_by_text("Screen: on").wait_for(state="attached", timeout=60_000)
    recorded = "SELECT count(*) FROM part WHERE sitting_id = :id AND state = 'recording'"
    wait_for(lambda: appliance.row(recorded, id=sitting)[0] == 2, 40, "both tracks recorded again")
    assert appliance.kustos("audit", "verify").returncode == 0
    _, proctor = people
    proctor.page.goto("/room")
    assert proctor.page.url.endswith("/room"), "still logged in"
