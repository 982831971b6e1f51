"""The movements and the five points of the check-in in a real browser, judged by a real worker."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, expect

from appliance.services.challenges import POINTS
from appliance.vocabulary import Movement
from media.biometrics.presentations import Posture, Sitter, Species, postures
from media.clips.drawn import portrait
from tests.browser.conftest import Sitter as Candidate
from tests.running import RunningAppliance, wait_for

CAMERA = (Path(__file__).parent / "obedient_camera.js").read_text()


@pytest.fixture(scope="module")
def asked(appliance: RunningAppliance) -> Iterator[RunningAppliance]:
    """The exam without a proctor asks for both challenges."""
    appliance.execute("UPDATE exam SET liveness = true, gaze_calibration = true WHERE mode = 'auto'")
    yield appliance
    appliance.execute("UPDATE exam SET liveness = false, gaze_calibration = false WHERE mode = 'auto'")


@pytest.fixture(scope="module")
def sequences() -> dict[str, list[str]]:
    """What the drawn head shows when it is asked for something, as data URLs."""
    head = Sitter(portrait())
    drawn: dict[Posture, str] = {}

    def url(posture: Posture) -> str:
        if posture not in drawn:
            jpeg = cv2.imencode(".jpg", head.picture(Species.HEAD, posture))[1].tobytes()
            drawn[posture] = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
        return drawn[posture]

    found = {one.value: [url(posture) for posture in postures(one, Species.HEAD)] for one in Movement}
    found["straight"] = [url(Posture())]
    for x, y in POINTS:
        look = Posture(yaw=(0.5 - x) * 40, pitch=(y - 0.5) * 24)
        found[f"point {x * 100:g}% {y * 100:g}%"] = [url(look)]
    return found


def come_to_movements(person: Candidate) -> None:
    person.enter("auto")
    person.consent()
    person.check_system()
    person.photograph("face")
    person.view("liveness", 30)


@pytest.mark.timeout(420)
def test_a_head_that_does_what_it_is_asked_gets_in(
    asked: RunningAppliance,
    browser: Browser,
    make_sitter: Callable[[Browser], Candidate],
    sequences: dict[str, list[str]],
) -> None:
    person = make_sitter(browser)
    told = json.dumps({"sequences": sequences, "everyMs": 180})
    person.context.add_init_script(f"window.__obedient = {told};\n{CAMERA}")
    come_to_movements(person)
    sitting = person.sitting_id()
    person.click("Begin")
    expect(person.page.locator("#live-urgent")).to_contain_text("1 of 5", timeout=10_000)
    person.view("gaze_calibration", 180)
    person.page.get_by_label("I need more time for each point").check()
    person.click("Begin")
    expect(person.page.locator(".gaze-point")).to_be_visible(timeout=10_000)
    person.view("exam", 120)
    rows = asked.rows("SELECT kind, state, reasons FROM challenge WHERE sitting_id = :id ORDER BY id", id=sitting)
    assert [(row.kind, row.state) for row in rows] == [("liveness", "passed"), ("gaze_calibration", "passed")], rows


def test_nobody_is_trapped_by_a_challenge(asked: RunningAppliance, sitter: Candidate) -> None:
    """The browser's own fake camera shows no face: the try cannot be judged, and a person is asked for instead."""
    come_to_movements(sitter)
    sitting = sitter.sitting_id()
    begin = sitter.page.get_by_role("button", name="Begin")
    begin.focus()
    sitter.page.keyboard.press("Enter")
    expect(sitter.page.locator(".challenge-prompt")).to_contain_text("straight", timeout=10_000)
    sitter.page.get_by_text("That did not work yet").first.wait_for(state="attached", timeout=90_000)
    sitter.page.get_by_text("2 tries are left; after that a person decides.").wait_for()
    sitter.click("Ask for a person instead")
    sitter.view("gaze_calibration", 20)
    sitter.click("Begin")
    expect(sitter.page.locator(".gaze-point")).to_be_visible(timeout=10_000)
    sitter.page.keyboard.press("Escape")
    expect(sitter.page.locator(".gaze-overlay")).to_be_hidden(timeout=10_000)
    sitter.click("Go on without it")
    sitter.view("exam", 30)

    def states() -> list[str]:
        rows = asked.rows("SELECT kind, state FROM challenge WHERE sitting_id = :id ORDER BY id", id=sitting)
        return [row.state for row in rows]

    expected = ["undetermined", "person_asked", "abandoned", "skipped"]
    wait_for(lambda: states() == expected, 5, f"{states()} to be {expected}")
