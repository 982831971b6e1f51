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

    def __init__(
        self, browser: Browser, appliance: RunningAppliance, name: str, width: int = 1280, origin: str = ""
    ) -> None:
        self.appliance = appliance
        self.name = name
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            base_url=origin or appliance.origin,
            locale="en-GB",
            ignore_https_errors=bool(origin),
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


class StaffPerson(Person):
    """A member of staff, logged in with password and one-time code."""

    def log_in(self, role: str) -> None:
        account = self.appliance.account(role)
        self.page.goto("/login")
        self.page.get_by_label("E-mail").fill(account["email"])
        self.page.get_by_label("Password").fill(account["password"])
        self.page.get_by_label("One-time code").fill(self.appliance.code(role))
        self.click("Log in")
        self.page.wait_for_url(re.compile(r"/(room|archive|audit|exams|staff|support)"))

    def api(self, path: str) -> dict:
        """What the pages' scripts would be answered."""
        answer = self.context.request.get(self.appliance.origin + path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()


class ProctorPerson(StaffPerson):
    """Watches the room."""

    def tile(self, sitting_id: int):
        return self.page.locator(f"article.tile[data-id='{sitting_id}']")

    def sees_pictures(self, sitting_id: int, seconds: float = 30) -> None:
        """Camera and screen both show moving pictures."""
        tile = self.tile(sitting_id)
        expect(tile).to_be_visible(timeout=seconds * 1000)
        for index in range(2):
            video = tile.locator("video").nth(index)
            video.wait_for(state="attached", timeout=seconds * 1000)
            self.page.wait_for_function(
                "([id, n]) => { const v = document.querySelectorAll(`article.tile[data-id='${id}'] video`)[n];"
                " return v && v.videoWidth > 0 && v.getVideoPlaybackQuality().totalVideoFrames > 5 }",
                arg=[sitting_id, index],
                timeout=seconds * 1000,
            )

    def start(self, sitting_id: int) -> None:
        self.tile(sitting_id).get_by_role("button", name="Start", exact=True).click()

    def seen(self, title: str):
        """Rows of the feed of one kind."""
        return self.page.locator("li.seen", has=self.page.locator(".seen-type", has_text=title))

    def say(self, text: str) -> None:
        box = self.page.locator("#desk textarea, #desk input[type=text]").last
        box.fill(text)
        box.press("Enter")

    def finish(self, conclusion: str, comment: str) -> None:
        self.page.locator("#desk").get_by_role("button", name="Finish", exact=True).click()
        dialog = self.page.locator("dialog[open]")
        dialog.get_by_text(conclusion, exact=True).click()
        dialog.get_by_label("Comment").fill(comment)
        dialog.get_by_text("Yes, end it now").click()
        self.shoot("proctor-5-finish")
        dialog.get_by_role("button", name="Finish the exam").click()


class ReviewerPerson(StaffPerson):
    """Judges a recording."""

    def open(self, sitting_id: int) -> None:
        self.page.goto(f"/sittings/{sitting_id}")

    def positions(self) -> list[tuple[int, float]]:
        """Return of each player the part that it shows, and its seconds in it, both looked at in one moment."""
        seen = "v => [Number(v.currentSrc.match(/parts\\/(\\d+)/)[1]), v.currentTime]"
        return self.page.evaluate(f"[...document.querySelectorAll('figure.player video')].map({seen})")

    def seek(self, share: float) -> None:
        """Click on the timeline at a share of its length."""
        box = self.page.locator(".line-area").bounding_box()
        assert box
        self.page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
