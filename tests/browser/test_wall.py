"""The wall with more tiles than anyone can look at: small pictures, and video where the proctor looks."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.people import SCREENSHOTS
from tests.running import ROOT, RunningAppliance, wait_for

COUNT = 6
STILLS = """() => [...document.querySelectorAll('.tile')].map((tile) => ({
  id: Number(tile.dataset.id),
  stills: [...tile.querySelectorAll('canvas')].filter((still) => still.width > 0).length,
  videos: [...tile.querySelectorAll('video')].filter((video) => video.srcObject && video.videoWidth > 0).length,
  levels: [...tile.querySelectorAll('.age')].map((age) => age.dataset.level),
}))"""


@pytest.fixture(scope="module")
def crowd(appliance: RunningAppliance) -> Iterator[None]:
    command = [sys.executable, "-m", "appliance.cli", "demo", "candidates", str(COUNT), "--exam", "auto"]
    command += ["--url", appliance.origin, "--data", str(appliance.data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running = "SELECT count(*) FROM sitting WHERE state = 'running'"
    wait_for(lambda: appliance.row(running)[0] == COUNT, 120, f"{COUNT} running sittings")
    yield
    process.terminate()
    process.wait(20)


@pytest.fixture
def wall(browser: Browser, appliance: RunningAppliance, crowd: None) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 950}, base_url=appliance.origin, locale="en-GB")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/login")
    account = appliance.account("proctor")
    page.get_by_label("E-mail").fill(account["email"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_label("One-time code").fill(appliance.code("proctor"))
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile("/room"))
    yield page
    context.close()
    assert problems == []


def test_only_what_is_looked_at_costs_a_video(wall: Page, appliance: RunningAppliance):
    expect(wall.locator(".tile")).to_have_count(COUNT)

    def tiles() -> dict[int, dict]:
        return {tile["id"]: tile for tile in wall.evaluate(STILLS)}

    def settled(live: int) -> bool:
        now = tiles()
        rest = [tile for number, tile in now.items() if number != live]
        pictures = all(tile["stills"] == 2 and tile["videos"] == 0 for tile in rest)
        return (
            now[live]["videos"] == 2 and pictures and all(set(tile["levels"]) == {"fresh"} for tile in now.values())
        )

    active = int(wall.locator(".tile.is-active").get_attribute("data-id"))
    wait_for(lambda: settled(active), 40, "pictures on all tiles but the active one")
    SCREENSHOTS.mkdir(exist_ok=True)
    wall.screenshot(path=SCREENSHOTS / "wall-of-small-pictures.png")
    other = next(number for number in tiles() if number != active)
    wall.locator(f".tile[data-id='{other}'] .tile-name").click()
    wait_for(lambda: settled(other), 40, "the video going with the active tile")
    # the pointer rests on a third one: it is live, too, and goes back when the pointer is gone
    third = next(number for number in tiles() if number not in (active, other))
    wall.locator(f".tile[data-id='{third}']").hover()
    wait_for(lambda: tiles()[third]["videos"] == 2, 20, "the hovered tile's video")
    wall.mouse.move(0, 0)
    wait_for(lambda: settled(other), 20, "the hovered tile's pictures")
    # closed: nobody looks, so no face stays in the database
    wall.goto("about:blank")
    wait_for(lambda: appliance.row("SELECT count(*) FROM tile")[0] == 0, 20, "the end of all pictures")
