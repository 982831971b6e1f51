"""A sitting whose camera is looked at in the candidate's own browser: what is found, what leaves, what is stored."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.e2e.people import CandidatePerson, ProctorPerson, launch
from tests.running import wait_for

pytestmark = pytest.mark.timeout(900)

PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"\x1aE\xdf\xa3", b"ftyp")
MOST_NUMBERS = 16
"""A template has 128; nothing that the page says needs a list of more."""
LARGEST = 30_000
"""Bytes of one message: a session description or the system check; the smallest picture of a face would be larger."""

KEEP_CONNECTIONS = """
  window.connections = [];
  const Before = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Before {
    constructor(...args) { super(...args); window.connections.push(this); }
  };
"""


KEPT = """
  new Promise((done) => {
    const open = indexedDB.open("kustos-analysis", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("kept", { keyPath: "sitting" });
    open.onsuccess = () => {
      const all = open.result.transaction("kept").objectStore("kept").getAll();
      all.onsuccess = () => { open.result.close(); done(all.result); };
    };
  })
"""
"""What the page keeps in this browser."""


class Wiretap:
    """Everything that a browser sends, as it sends it."""

    def __init__(self, person: CandidatePerson) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.frames: list[str | bytes] = []
        person.context.on("request", self._request)
        person.page.on("websocket", lambda socket: socket.on("framesent", self._frame))

    def _frame(self, content: str | bytes) -> None:
        self.frames.append(content)

    def _request(self, request) -> None:
        if request.method not in {"GET", "HEAD"}:
            self.bodies.append((f"{request.method} {request.url}", request.post_data_buffer or b""))

    @property
    def messages(self) -> list[dict]:
        return [json.loads(frame) for frame in self.frames]


@pytest.fixture(scope="module")
def people(playwright, appliance, webcam):
    appliance.execute("UPDATE exam SET biometrics = 'on_device' WHERE external_id LIKE '%online%'")
    with launch(playwright, webcam) as camera_browser, launch(playwright) as browser:
        candidate = CandidatePerson(camera_browser, appliance, "candidate")
        candidate.context.add_init_script(KEEP_CONNECTIONS)
        yield candidate, ProctorPerson(browser, appliance, "proctor", width=1440)


@pytest.fixture(scope="module")
def tap(people):
    return Wiretap(people[0])


@pytest.fixture(scope="module")
def story():
    return {}


def test_1_photos_are_judged_where_they_are_taken(people, tap, appliance, story):
    candidate, _ = people
    candidate.enter()
    candidate.consent()
    _check_system(candidate)
    candidate.photograph("face-photo-on-device")
    candidate.photograph("document-photo-on-device")
    candidate.wait_in_room()
    story["sitting"] = sitting = candidate.sitting_id()
    _take_until_usable(candidate, appliance, sitting)
    rows = appliance.rows(
        "SELECT kind, source, vault_object_id, width, models FROM identity_photo"
        " WHERE sitting_id = :id AND state = 'submitted'",
        id=sitting,
    )
    assert {(kind, source, sealed, width) for kind, source, sealed, width, _ in rows} == {
        ("face", "on_device", None, 0),
        ("document", "on_device", None, 0),
    }
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for row in rows for digest in row[4].values())
    (results,) = appliance.row("SELECT results FROM system_check WHERE sitting_id = :id ORDER BY id DESC", id=sitting)
    assert results["analysis"]["state"] in {"passed", "warning"}
    assert results["analysis"]["ms_per_picture"] > 0
    assert candidate.problems == []


def _check_system(candidate):
    """As people do; runtime and models are 39 MB, and loading them takes its time on a busy machine."""
    candidate.page.get_by_role("button", name="Share the screen").click(timeout=60_000)
    proceed = candidate.page.get_by_role("button", name="Continue", exact=True)
    expect(proceed).to_be_enabled(timeout=180_000)
    candidate.shoot("candidate-2-system-check-on-device")
    proceed.click()


def _take_until_usable(candidate, appliance, sitting):
    """The webcam's clip has an absence: a photo of nobody is taken again, as a candidate would."""
    latest = "SELECT hints FROM identity_photo WHERE sitting_id = :id AND kind = 'face' ORDER BY id DESC"
    count = "SELECT count(*) FROM identity_photo WHERE sitting_id = :id AND kind = 'face'"
    for _ in range(12):
        if not appliance.row(latest, id=sitting)[0]:
            return
        before = appliance.row(count, id=sitting)
        notice = candidate.page.locator(".photo-notice", has_text="Your photo may not")
        notice.get_by_role("button", name="Take again").click()
        candidate.page.get_by_role("button", name="Take the photo").click()
        candidate.click("Use this photo")
        wait_for(lambda before=before: appliance.row(count, id=sitting) != before, 30, "the newer photo")
    raise AssertionError("no good photo in many tries")


def test_2_the_proctor_is_told_that_the_camera_stays(people, appliance, story):
    candidate, proctor = people
    proctor.log_in("proctor")
    tile = proctor.tile(story["sitting"])
    expect(tile).to_contain_text("Camera stays with the candidate", timeout=30_000)
    proctor.start(story["sitting"])
    candidate.sees_exam()
    candidate.shoot("candidate-5-exam-on-device")
    proctor.shoot("proctor-1-camera-stays")


def test_3_absence_and_second_person_are_found_here(people, appliance, story):
    wanted = {"no_user_in_frame", "extra_user_in_frame"}
    query = "SELECT type, source, detector, details FROM observation WHERE sitting_id = :id AND source = 'on_device'"
    wait_for(
        lambda: wanted <= {row[0] for row in appliance.rows(query, id=story["sitting"])}, 120, "both observations"
    )
    for kind, _, detector, details in appliance.rows(query, id=story["sitting"]):
        if kind in wanted:
            assert detector in {"absence", "extra_person"}
            assert details["score"] >= details["threshold"]
            assert "face_detection_short_range" in details["models"]
    _, proctor = people
    expect(proctor.seen("Nobody in the frame").first).to_be_visible(timeout=30_000)


def test_4_a_reload_keeps_the_reference_in_this_browser(people, story):
    candidate, _ = people
    candidate.page.on("dialog", lambda dialog: dialog.accept())
    candidate.page.reload()
    candidate.page.get_by_role("button", name="Continue the exam").click()
    candidate.sees_exam(30)
    kept = candidate.page.evaluate(f"({KEPT}).then((all) => all.map((one) => one.descriptor?.length))")
    assert kept == [128]


def test_5_nothing_of_the_face_left_the_browser(people, tap, story):
    candidate, _ = people
    for address, body in tap.bodies:
        assert len(body) < LARGEST, f"{address}: {len(body)} bytes"
        assert not any(mark in body for mark in PICTURES), f"{address} holds a picture"
        if body.startswith(b"{"):
            assert _longest_numbers(json.loads(body)) <= MOST_NUMBERS, address
    assert all(isinstance(frame, str) and len(frame) < LARGEST for frame in tap.frames)
    for message in tap.messages:
        assert _longest_numbers(message) <= MOST_NUMBERS, message["type"]
        assert "data:image" not in json.dumps(message)
    published = [message for message in tap.messages if message["type"] == "publish"]
    assert {message["track"] for message in published} == {"screen"}
    for message in published:
        sections = re.findall(r"^m=(\w+)", message["sdp"], re.MULTILINE)
        assert sections == ["video"], sections
    sent = candidate.page.evaluate(
        "connections.flatMap((c) => c.getSenders().map((s) => s.track?.getSettings().displaySurface ?? 'camera'))"
    )
    assert set(sent) == {"monitor"}


def _longest_numbers(value) -> int:
    """Length of the longest list, or object, of numbers anywhere in a JSON value."""
    if isinstance(value, dict):
        return max([sum(map(_is_number, value.values())), *map(_longest_numbers, value.values())], default=0)
    if isinstance(value, list):
        return max([sum(map(_is_number, value)), *map(_longest_numbers, value)], default=0)
    return 0


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_6_nothing_of_the_face_is_stored(people, appliance, story):
    candidate, proctor = people
    proctor.tile(story["sitting"]).click()
    proctor.finish("Accepted", "As agreed.")
    sitting = story["sitting"]
    wait_for(
        lambda: (
            appliance.row("SELECT 1 FROM sitting WHERE id = :id AND state = 'concluded'", id=sitting)
            or appliance.row("SELECT 1 FROM sitting WHERE id = :id AND state = 'in_review'", id=sitting)
        ),
        60,
        "the sealed sitting",
    )
    assert {row[0] for row in appliance.rows("SELECT track FROM part WHERE sitting_id = :id", id=sitting)} == {
        "screen"
    }
    assert appliance.rows("SELECT 1 FROM gap WHERE sitting_id = :id AND track = 'camera'", id=sitting) == []
    assert appliance.rows("SELECT 1 FROM tile WHERE sitting_id = :id AND track = 'camera'", id=sitting) == []
    assert appliance.rows("SELECT 1 FROM face_template") == []
    sealed = appliance.rows("SELECT kind FROM vault_object")
    assert {kind for (kind,) in sealed} == {"part"}
    jobs = appliance.rows("SELECT task_name FROM procrastinate_jobs WHERE task_name LIKE 'media.%'")
    assert "media.analyse_live" not in {name for (name,) in jobs}
    assert "media.check_photo" not in {name for (name,) in jobs}
    left = f"({KEPT}).then((all) => all.length)"
    wait_for(lambda: candidate.page.evaluate(left) == 0, 15, "the template forgotten by the browser")
    assert candidate.problems == []
