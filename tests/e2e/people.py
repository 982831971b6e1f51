"""The people of an exam, as they act in a real browser: what a test says, and where on the page it is done."""

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from media.clips import drawn, files
from tests.running import ROOT, RunningAppliance

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream"),
    *("--use-fake-device-for-media-stream", "--auto-select-desktop-capture-source=Entire screen"),
    *("--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required"),
]
SCREENSHOTS = ROOT / "tests" / "e2e" / "screenshots"


def webcam_files(folder: Path) -> tuple[Path, Path, str]:
    """Return MJPEG, WAV and name of the webcam clip: the measured scenario, else one drawn from a package picture."""
    data = Path(os.environ.get("KUSTOS_TEST_DATA", ROOT.parent / "shared" / "data"))
    quick = data / "scenarios" / "quick.mjpeg"
    if quick.exists():
        return quick, quick.with_suffix(".wav"), "quick"
    clip, sound = folder / "drawn.mjpeg", folder / "drawn.wav"
    if not clip.exists():
        files.write_mjpeg(clip, drawn.webcam())
        files.write_wav(sound)
    return clip, sound, "drawn"


def launch(playwright: Playwright, webcam: tuple[Path, Path, str] | None = None) -> Browser:
    """Start a browser; with a webcam for a candidate."""
    flags = list(FLAGS)
    if webcam:
        flags += [f"--use-file-for-fake-video-capture={webcam[0]}", f"--use-file-for-fake-audio-capture={webcam[1]}"]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


class Person:
    """Somebody with a browser window."""

    def __init__(self, browser: Browser, appliance: RunningAppliance, name: str, width: int = 1280) -> None:
        self.appliance = appliance
        self.name = name
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=appliance.origin, locale="en-GB"
        )
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"{name}: {error}"))
        self.page.on("console", self._note)

    def _note(self, message) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(f"{self.name}: {message.text}")

    def shoot(self, title: str) -> None:
        """Leave a screenshot to be looked at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{title}.png")

    def click(self, name: str, exact: bool = True) -> None:
        self.page.get_by_role("button", name=name, exact=exact).first.click()

    def sees(self, heading: str, seconds: float = 15) -> None:
        expect(self.page.get_by_role("heading", name=re.compile(heading)).first).to_be_visible(timeout=seconds * 1000)


class CandidatePerson(Person):
    """Sits an exam."""

    def enter(self, exam: str = "online", who: str = "Ann Example") -> None:
        """Come in by the demo page."""
        self.page.goto("/demo")
        form = self.page.locator("form", has=self.page.locator(f"input[name=exam][value*={exam}]"))
        form.get_by_label("Your name").fill(who)
        form.get_by_role("button", name="Begin as a candidate").click()

    def consent(self) -> None:
        self.sees("onsent|agree|recorded")
        self.shoot("candidate-1-consent")
        self.click("I agree, continue")

    def check_system(self) -> None:
        """Let the list run; share the whole screen when it asks."""
        share = self.page.get_by_role("button", name="Share the screen")
        share.wait_for(timeout=20_000)
        share.click()
        proceed = self.page.get_by_role("button", name="Continue", exact=True)
        expect(proceed).to_be_enabled(timeout=30_000)
        self.shoot("candidate-2-system-check")
        proceed.click()

    def photograph(self, title: str) -> None:
        self.page.get_by_role("button", name="Take the photo").click(timeout=15_000)
        self.page.get_by_role("button", name="Use this photo").wait_for(timeout=10_000)
        self.shoot(f"candidate-3-{title}")
        self.click("Use this photo")

    def check_in(self) -> None:
        self.consent()
        self.check_system()
        self.photograph("face-photo")
        self.photograph("document-photo")

    def wait_in_room(self) -> None:
        self.sees("waiting room", 30)
        self.shoot("candidate-4-waiting-room")

    def sees_exam(self, seconds: float = 20) -> None:
        self.page.locator("body[data-view=exam]").wait_for(timeout=seconds * 1000)

    def sitting_id(self) -> int:
        return int(self.page.evaluate("JSON.parse(document.querySelector('#page-data').textContent).sitting_id"))
