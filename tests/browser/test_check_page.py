"""Check Pipeline in a real Chromium: a candidate sits, the support engineer presses the button."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sitter
from tests.running import RunningAppliance, wait_for

KEEP_TRACKS = """
window.testTracks = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await ask(constraints);
  window.testTracks.push(...stream.getTracks());
  return stream;
};
"""
"""The page's own tracks, to mute them as a switch on the camera would."""


@pytest.fixture(scope="module")
def support(browser: Browser, appliance: RunningAppliance) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=appliance.origin, locale="en-GB")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/login")
    page.get_by_label("E-mail").fill(appliance.account("support")["email"])
    page.get_by_label("Password").fill(appliance.account("support")["password"])
    page.get_by_label("One-time code").fill(appliance.code("support"))
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile("/support"))
    yield page
    context.close()
    assert problems == []


@pytest.fixture(scope="module")
def sitter(browser: Browser, appliance: RunningAppliance) -> Iterator[Sitter]:
    person = Sitter(browser, appliance)
    person.context.add_init_script(KEEP_TRACKS)
    person.start_auto_exam()
    yield person
    person.context.close()


def report_of(appliance: RunningAppliance, sitting_id: int) -> dict:
    row = appliance.row("SELECT content FROM browser_report WHERE sitting_id = :id", id=sitting_id)
    return row[0] if row else {}


def check(support: Page) -> None:
    support.goto("/support")
    support.get_by_role("button", name=re.compile("Check the pipeline of")).click()
    support.wait_for_url(re.compile(r"/support/checks/\d+"))
    expect(support.locator(".verdict .spinner")).to_have_count(0, timeout=60_000)


def test_a_healthy_sitting_is_walked_along_and_its_bundle_taken_away(
    support: Page, sitter: Sitter, appliance: RunningAppliance
) -> None:
    number = sitter.sitting_id()
    wait_for(lambda: "camera" in report_of(appliance, number).get("values", {}), 40, "the browser's own report")
    said = report_of(appliance, number)
    assert said["values"]["page"]["camera"] == said["values"]["page"]["screen"] == "live"
    assert any(pair["state"] == "succeeded" and pair["responses"] > 0 for pair in said["pairs"]["camera"])
    wait_for(
        lambda: appliance.row("SELECT 1 FROM part WHERE sitting_id = :id AND media ? 'analysed_until_ms'", id=number),
        40,
        "the analysis",
    )
    check(support)
    support.screenshot(path=str(appliance.data.parent / "check-healthy.png"), full_page=True)
    expect(support.locator(".check-step.is-failed")).to_have_count(0)
    expect(support.locator(".check-step.is-passed").filter(has_text="Way through the network")).to_have_count(2)
    with support.expect_download() as download:
        support.get_by_role("link", name="Bundle for the ticket").click()
    assert download.value.suggested_filename.endswith(".zip")


def test_a_camera_muted_in_the_browser_is_named(support: Page, sitter: Sitter, appliance: RunningAppliance) -> None:
    sitter.page.evaluate("for (const track of window.testTracks) if (track.kind === 'video') track.enabled = false")
    number = sitter.sitting_id()
    said = lambda: report_of(appliance, number).get("values", {}).get("page", {}).get("camera")  # noqa: E731
    wait_for(lambda: said() == "disabled", 30, "the browser's own report")
    check(support)
    expect(support.locator(".verdict h2")).to_have_text(re.compile("camera is muted"), timeout=30_000)
    support.goto(support.url + "?lang=ru")
    expect(support.locator(".verdict h2")).to_have_text(re.compile("Камера"))
    support.screenshot(path=str(appliance.data.parent / "check-muted.png"), full_page=True)
    support.emulate_media(color_scheme="dark")
    support.screenshot(path=str(appliance.data.parent / "check-dark.png"), full_page=True)
    support.goto("/support?lang=en")


def test_the_command_line_says_the_same(sitter: Sitter, appliance: RunningAppliance) -> None:
    told = appliance.kustos("check", "--sitting", str(sitter.sitting_id()), "--json")
    assert told.returncode == 1, told.stderr
    assert json.loads(told.stdout)["verdict"]["cause"] == "camera_muted"
    whole = appliance.kustos("check", "--bundle", str(appliance.data.parent / "bundle.zip"))
    assert whole.returncode == 0, whole.stdout
    assert "Trial: seal" in whole.stdout
    assert (appliance.data.parent / "bundle.zip").stat().st_size > 2000
