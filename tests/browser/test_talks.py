"""Staff speak with candidates and with each other, in real browsers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sitter
from tests.e2e.people import SCREENSHOTS
from tests.running import RunningAppliance, wait_for

HEARS = """() => {
  const videos = [...document.querySelectorAll('.talk-person video')];
  const video = videos.find((one) => one.srcObject?.getAudioTracks().length);
  if (!video) return {};
  if (window.heardStream !== video.srcObject) {
    window.heardStream = video.srcObject;
    const context = (window.listening ??= new AudioContext());
    void context.resume();
    window.analyser = context.createAnalyser();
    window.analyser.fftSize = 32768;
    context.createMediaStreamSource(video.srcObject).connect(window.analyser);
  }
  const samples = new Float32Array(window.analyser.fftSize);
  window.analyser.getFloatTimeDomainData(samples);
  return { loudest: Math.max(...samples.map(Math.abs)), context: window.listening.state, paused: video.paused };
}"""
SEEN = "() => [...document.querySelectorAll('.talk-person video')].filter((video) => video.videoWidth > 0).length"


@pytest.fixture
def staff(browser: Browser, appliance: RunningAppliance) -> Iterator[object]:
    contexts = []
    problems: list[str] = []

    def log_in(role: str, path: str) -> Page:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, base_url=appliance.origin, locale="en-GB"
        )
        context.grant_permissions(["microphone", "camera"])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/login")
        page.get_by_label("E-mail").fill(appliance.account(role)["email"])
        page.get_by_label("Password").fill(appliance.account(role)["password"])
        page.get_by_label("One-time code").fill(appliance.code(role))
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(re.compile("/(room|archive)"))
        page.goto(path)
        return page

    yield log_in
    for context in contexts:
        context.close()
    assert problems == []


def test_a_proctor_speaks_with_a_candidate(staff, sitter: Sitter, appliance: RunningAppliance):
    sitter.start_auto_exam()
    room = staff("proctor", "/room")
    tile = room.locator(f".tile[data-id='{sitter.sitting_id()}']")
    tile.locator(".tile-name").click()
    room.get_by_role("button", name="Sound of the active tile").click()
    silent = "[data-track=camera] video", "(video) => video.muted"
    assert tile.locator(silent[0]).evaluate(silent[1]), "the room's sound is off"
    room.get_by_role("button", name="Speak with the candidate").click()
    heard = sitter.page.get_by_role("region", name=re.compile("is speaking with you"))
    expect(heard).to_be_visible(timeout=15_000)
    wait_for(
        lambda: sitter.page.evaluate(HEARS).get("loudest", 0) > 0.01, 20, "the proctor's voice at the candidate's"
    )
    sitter.page.screenshot(path=SCREENSHOTS / "talk-candidate.png")
    room.get_by_role("button", name="Switch the camera on").click()
    wait_for(lambda: sitter.page.evaluate(SEEN) == 1, 20, "the proctor's picture")
    room.screenshot(path=SCREENSHOTS / "talk-proctor.png")
    assert not tile.locator(silent[0]).evaluate(silent[1]), "the answer is heard"
    room.get_by_role("button", name="End", exact=True).click()
    expect(heard).to_have_count(0, timeout=10_000)
    expect(room.locator(".talk")).to_have_count(0)
    assert tile.locator(silent[0]).evaluate(silent[1]), "off again, as it was"
    acts = appliance.rows("SELECT action FROM audit_entry WHERE action LIKE 'conversation.%' ORDER BY id")
    assert [row.action for row in acts] == ["conversation.open", "conversation.join", "conversation.end"]


def test_a_commission_of_staff_and_candidate(staff, sitter: Sitter):
    sitter.start_auto_exam()
    room, reviewer = staff("proctor", "/room"), staff("reviewer", "/conference")
    expect(reviewer.get_by_text("No conference goes on")).to_be_visible(timeout=15_000)
    room.locator(f".tile[data-id='{sitter.sitting_id()}']").wait_for()
    room.get_by_role("button", name="Conference").click()
    dialog = room.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Defence")
    for box in dialog.get_by_role("checkbox").all():
        label = box.locator("xpath=..").inner_text()
        if "Reviewer" in label or f"#{sitter.sitting_id()}" in label:
            box.check()
    dialog.get_by_role("button", name="Begin").click()
    reviewer.get_by_role("button", name="Join").click()
    sitter.page.get_by_role("button", name="Join").click()
    for page in (room, reviewer, sitter.page):
        wait_for(lambda page=page: page.evaluate(SEEN) == 3, 30, "three pictures at each")
    reviewer.screenshot(path=SCREENSHOTS / "talk-conference.png")
    sitter.page.screenshot(path=SCREENSHOTS / "talk-conference-candidate.png")
    room.get_by_role("button", name="End", exact=True).click()
    expect(reviewer.get_by_text("No conference goes on")).to_be_visible(timeout=10_000)
    expect(sitter.page.locator(".talk")).to_have_count(0)
