"""The candidate's page in a real Chromium against a whole running appliance."""

import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.conftest import Proctor, Sitter
from tests.e2e.people import CHROMIUM, FLAGS
from tests.running import RunningAppliance, wait_for

MakeSitter = Callable[[Browser], Sitter]


def state_of(appliance: RunningAppliance, sitter: Sitter) -> str:
    return appliance.row("SELECT state FROM sitting WHERE id = :id", id=sitter.sitting_id())[0]


def observations(appliance: RunningAppliance, sitting_id: int, kind: str) -> list:
    statement = "SELECT started_at, ended_at, details FROM observation WHERE sitting_id = :id AND type = :kind"
    return appliance.rows(statement, id=sitting_id, kind=kind)


def launch_with(playwright: Playwright, *dropped: str, extra: tuple[str, ...] = ()) -> Browser:
    """A browser without the flags that begin with one of ``dropped``."""
    flags = [flag for flag in FLAGS if not flag.startswith(dropped)] if dropped else list(FLAGS)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *extra])


def test_refusing_the_consent_asks_once_more_and_ends_politely(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.enter("online")
    sitter.click("I do not agree")
    sitter.click("Back")
    expect(sitter.page.get_by_role("dialog")).to_have_count(0)
    sitter.click("I do not agree")
    sitter.click("Yes, I refuse")
    sitter.sees("You have not agreed")
    assert state_of(appliance, sitter) == "declined"


def test_the_system_check_is_kept_with_its_values(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.enter("online")
    sitter.consent()
    sitter.check_system()
    sitter.view("face_photo")
    results, client = appliance.row(
        "SELECT results, client FROM system_check WHERE sitting_id = :id ORDER BY id DESC", id=sitter.sitting_id()
    )
    assert {name: result["state"] for name, result in results.items()} == dict.fromkeys(
        ("browser", "connection", "network", "clock", "camera", "microphone", "displays", "screen"), "passed"
    )
    assert results["screen"]["display_surface"] == "monitor"
    assert results["network"]["host"] is True
    assert results["connection"]["rtt_ms"] < 1000
    assert "Chrome" in client["user_agent"]


@pytest.mark.parametrize("surface", ["browser", "window"])
def test_a_share_that_is_no_monitor_is_refused_and_asked_again(
    playwright: Playwright, make_sitter: MakeSitter, surface: str
) -> None:
    fake = f"--use-fake-device-for-media-stream=display-media-type={surface}"
    browser = launch_with(playwright, "--use-fake-device", "--auto-select", extra=(fake,))
    sitter = make_sitter(browser)
    # The person picks otherwise than the page proposes; the fake picker would follow the proposal.
    sitter.page.add_init_script(
        """const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getDisplayMedia = () => real({ video: true });"""
    )
    sitter.enter("online")
    sitter.consent()
    sitter.page.get_by_role("button", name="Share the screen").click(timeout=30_000)
    line = sitter.page.locator(".check.is-failed")
    expect(line).to_contain_text("Only a window or a tab was shared", timeout=15_000)
    expect(line.get_by_role("button", name="Share the screen")).to_be_visible()
    expect(sitter.page.get_by_role("button", name="Continue", exact=True)).to_be_disabled()
    browser.close()


@pytest.mark.parametrize(
    ("dropped", "words"),
    [
        pytest.param("--use-fake-device", "No camera or microphone was found", id="no camera"),
        pytest.param("--use-fake-ui", "The browser does not allow the camera and the microphone", id="refused"),
    ],
)
def test_a_failing_camera_is_named_with_what_to_do(
    playwright: Playwright, make_sitter: MakeSitter, dropped: str, words: str
) -> None:
    extra = ("--deny-permission-prompts",) if dropped == "--use-fake-ui" else ()
    browser = launch_with(playwright, dropped, extra=extra)
    sitter = make_sitter(browser)
    sitter.enter("online")
    sitter.consent()
    camera = sitter.page.locator(".check", has_text="Camera").first
    expect(camera).to_contain_text(words, timeout=30_000)
    expect(camera.get_by_role("button", name="Check again")).to_be_visible()
    expect(sitter.page.get_by_role("button", name="Continue", exact=True)).to_be_disabled()
    browser.close()


def test_a_camera_in_use_can_be_tried_again(sitter: Sitter) -> None:
    # No two programs share a camera here, so the first answer is the one another program would cause.
    sitter.page.add_init_script(
        """const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); let first = true;
        navigator.mediaDevices.getUserMedia = (wanted) => {
          if (!first) return real(wanted);
          first = false;
          return Promise.reject(new DOMException("Device in use", "NotReadableError"));
        };"""
    )
    sitter.enter("online")
    sitter.consent()
    camera = sitter.page.locator(".check", has_text="Camera").first
    expect(camera).to_contain_text("in use by another program", timeout=30_000)
    camera.get_by_role("button", name="Check again").click()
    expect(camera).to_have_class(re.compile("is-passed"), timeout=10_000)


def test_waiting_room_to_end_with_a_proctor(appliance: RunningAppliance, sitter: Sitter, proctor: Proctor) -> None:
    page = sitter.page
    sitter.enter_waiting_room()
    sitter.media_is_live()
    expect(page.get_by_text("The proctor sees you and will start the exam")).to_be_visible()
    expect(page.locator(".rule.is-allowed").first).to_be_visible()
    sitting = sitter.sitting_id()

    proctor.act(sitting, "photos/document/request")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Take the photo").click()
    dialog.get_by_role("button", name="Use this photo").click()
    expect(dialog).to_have_count(0, timeout=15_000)
    photos = appliance.rows(
        "SELECT state FROM identity_photo WHERE sitting_id = :id AND kind = 'document'", id=sitting
    )
    assert sorted(state for (state,) in photos) == ["submitted", "superseded"]

    proctor.act(sitting, "start")
    sitter.view("exam")
    proctor.act(sitting, "warnings", type="phone", comment="Please put the phone away.")
    warning = page.get_by_role("alertdialog")
    expect(warning).to_contain_text("A phone was seen")
    expect(warning).to_contain_text("Please put the phone away.")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(warning).to_be_visible()
    warning.get_by_role("button", name="I understand").click()
    expect(warning).to_have_count(0)
    assert appliance.row("SELECT seen_at FROM incident WHERE sitting_id = :id", id=sitting)[0] is not None
    expect(page.locator(".warning-line")).to_have_count(1)

    proctor.say(sitting, "Stop and look up", "incident")
    cover = page.locator(".cover")
    expect(cover).to_contain_text("Stop and look up")
    expect(page.locator(".questions input").first).to_be_disabled()
    proctor.say(sitting, "Thank you, go on")
    expect(cover).to_be_hidden()

    proctor.act(sitting, "pause")
    expect(cover).to_contain_text("The exam is paused")
    shown = sitter.remaining_seconds()
    proctor.act(sitting, "resume")
    expect(cover).to_be_hidden()
    assert abs(sitter.remaining_seconds() - shown) <= 1

    proctor.act(sitting, "finish", comment="all done")
    sitter.sees("The exam is finished")
    expect(page.get_by_text("The proctor has ended the exam.")).to_be_visible()


def test_a_refused_identity_ends_the_check_in(sitter: Sitter, proctor: Proctor) -> None:
    sitter.enter_waiting_room()
    proctor.act(sitter.sitting_id(), "refuse-identity", reason="another face")
    sitter.sees("Your identity could not be confirmed")


def test_answers_and_time_survive_a_reload(appliance: RunningAppliance, sitter: Sitter) -> None:
    page = sitter.page
    sitter.start_auto_exam()
    page.locator(".question").nth(0).locator(".choice").nth(2).click()
    expect(page.get_by_text("All answers are saved")).to_be_visible()
    before, at = sitter.remaining_seconds(), time.monotonic()
    page.reload()
    sitter.sees("Welcome back")
    sitter.click("Continue the exam")
    sitter.view("exam")
    sitter.media_is_live()
    expect(page.locator(".question").nth(0).locator("input").nth(2)).to_be_checked()
    assert abs(before - (time.monotonic() - at) - sitter.remaining_seconds()) <= 2
    assert appliance.row("SELECT answers FROM sitting WHERE id = :id", id=sitter.sitting_id())[0] == {"0": 2}
    sitter.click("Finish")
    expect(page.get_by_role("dialog")).to_contain_text("questions have no answer yet")
    sitter.click("Finish now")
    sitter.sees("The exam is finished")
    assert state_of(appliance, sitter) != "running"


def test_the_newer_tab_wins_and_the_older_can_come_back(sitter: Sitter) -> None:
    sitter.start_auto_exam()
    other = sitter.context.new_page()
    other.goto("/sit")
    sitter.sees("open in another tab")
    other.get_by_role("button", name="Continue the exam").click()
    sitter.media_is_live(other)
    sitter.click("Use this tab instead")
    sitter.sees("Welcome back")
    expect(other.get_by_role("heading", name="open in another tab")).to_be_visible()


def test_a_stopped_share_is_reported_and_asked_for_again(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.page.add_init_script(
        """const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getDisplayMedia = async (wanted) => (window.shared = await real(wanted));"""
    )
    sitter.start_auto_exam()
    sitter.media_is_live()
    # What the browser does when "Stop sharing" is clicked, which headless it does not show.
    sitter.page.evaluate("shared.getTracks().forEach((t) => { t.stop(); t.dispatchEvent(new Event('ended')); })")
    dialog = sitter.page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Your screen is no longer shared")
    sitting = sitter.sitting_id()
    found = wait_for(lambda: observations(appliance, sitting, "desktop_request_pending"), 10, "observation")
    assert found[0].ended_at is None
    dialog.get_by_role("button", name="Share the screen again").click()
    expect(dialog).to_have_count(0)
    sitter.media_is_live()
    wait_for(lambda: observations(appliance, sitting, "desktop_request_pending")[0].ended_at, 10, "its end")


def test_the_browser_reports_clipboard_and_focus(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.start_auto_exam()
    sitting = sitter.sitting_id()
    sitter.page.locator(".question-title").first.click(click_count=3)
    sitter.page.keyboard.press("Control+C")
    found = wait_for(lambda: observations(appliance, sitting, "clipboard"), 10, "clipboard")
    assert found[0].details["action"] == "copy"
    assert found[0].ended_at is not None
    # A driven page counts as focused until this is switched off.
    devtools = sitter.context.new_cdp_session(sitter.page)
    devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    elsewhere = sitter.context.new_page()
    elsewhere.bring_to_front()
    kind = "change_active_window_on_computer"
    found = wait_for(lambda: observations(appliance, sitting, kind), 10, "another window")
    assert found[0].ended_at is None
    elsewhere.close()
    sitter.page.bring_to_front()
    devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
    wait_for(lambda: observations(appliance, sitting, kind)[0].ended_at, 10, "its end")


def test_a_wrong_clock_changes_nothing(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.page.add_init_script("const real = Date.now; Date.now = () => real() - 3 * 3600 * 1000;")
    sitter.enter("auto")
    sitter.consent()
    expect(sitter.page.locator(".check.is-warning")).to_contain_text("off by 180 min", timeout=20_000)
    sitter.check_system()
    sitter.photograph("face")
    sitter.view("exam", 30)
    assert 280 < sitter.remaining_seconds() <= 300
    sitter.page.locator(".question-title").first.click(click_count=3)
    sitter.page.keyboard.press("Control+C")
    sitting = sitter.sitting_id()
    wait_for(lambda: observations(appliance, sitting, "clipboard"), 10, "clipboard")
    (age,) = appliance.row(
        "SELECT extract(epoch FROM now() - started_at) FROM observation "
        "WHERE sitting_id = :id AND type = 'clipboard'",
        id=sitting,
    )
    assert 0 <= age < 15


def test_nothing_is_lost_when_the_gateway_dies(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.start_auto_exam()
    sitter.media_is_live()
    appliance.kill("gateway")
    sitter.page.get_by_label("Message to the proctor").fill("Are you there?")
    sitter.page.keyboard.press("Enter")
    expect(sitter.page.locator(".chat-message.is-own")).to_contain_text("Are you there?")
    expect(sitter.page.locator(".chat-message.is-pending")).to_have_count(0, timeout=40_000)
    sitter.media_is_live()
    stored = appliance.rows("SELECT text FROM chat_message WHERE sitting_id = :id", id=sitter.sitting_id())
    assert stored == [("Are you there?",)]
    sitter.problems = [line for line in sitter.problems if "WebSocket connection" not in line]


def test_a_link_that_is_none_says_what_to_do(sitter: Sitter) -> None:
    answer = sitter.page.goto("/sit")
    assert answer is not None and answer.status == 401
    expect(sitter.page.get_by_role("heading", level=1)).to_be_visible()


def test_the_page_speaks_russian(sitter: Sitter) -> None:
    page = sitter.page
    page.goto("/demo?lang=ru")
    form = page.locator("form", has=page.locator("input[name=exam][value=auto]"))
    form.locator("select[name=language]").select_option("ru")
    form.get_by_role("button", name="Начать как кандидат").click()
    expect(page.get_by_role("heading", name="Прежде чем начать")).to_be_visible()
    page.get_by_role("button", name="Согласен, продолжить").click()
    expect(page.get_by_role("button", name="Показать экран")).to_be_visible(timeout=30_000)
    # Names of devices are the browser's.
    words = " ".join(page.locator(".check strong, .check-in-card h1, .btn").all_inner_texts())
    assert not re.search(r"[A-Za-z]{4,}", words.replace("Kustos", "")), words


def test_every_control_has_a_name_and_enough_room(sitter: Sitter) -> None:
    sitter.start_auto_exam()
    page = sitter.page
    page.get_by_text("Rules", exact=True).click()
    controls = page.locator("button:visible, a:visible, input:visible, textarea:visible, summary:visible")
    for control in controls.all():
        markup = control.evaluate("(e) => e.outerHTML.slice(0, 120)")
        # A radio button's target is its whole label (WCAG 2.5.8).
        smaller = control.evaluate(
            """(e) => {
              const box = (e.closest('label') ?? e).getBoundingClientRect();
              return Math.min(box.width, box.height);
            }"""
        )
        assert smaller >= 24, markup
        name = control.evaluate(
            """(e) => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
              || (e.closest('label') ?? e).textContent.trim()"""
        )
        assert name, markup


def test_a_lost_camera_and_a_silent_microphone_are_reported(appliance: RunningAppliance, sitter: Sitter) -> None:
    sitter.page.add_init_script(
        """const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          window.opened = await real(wanted);
          if (!window.silent) return window.opened;
          const sound = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
          return new MediaStream([window.opened.getVideoTracks()[0], sound]);
        };"""
    )
    sitter.start_auto_exam()
    sitter.media_is_live()
    sitting = sitter.sitting_id()
    # Pulling the plug ends the tracks; the next microphone gives digital silence.
    sitter.page.evaluate(
        """window.silent = true;
        opened.getTracks().forEach((track) => { track.stop(); track.dispatchEvent(new Event('ended')); });"""
    )
    dialog = sitter.page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("The camera is gone")
    kind = "camera_no_device_connected"
    wait_for(lambda: observations(appliance, sitting, kind), 10, "the lost camera")
    dialog.get_by_role("button", name="Switch it on again").click()
    expect(dialog).to_have_count(0)
    sitter.media_is_live()
    wait_for(lambda: observations(appliance, sitting, kind)[0].ended_at, 10, "its end")
    assert observations(appliance, sitting, "mic_no_sound") == []
    wait_for(lambda: observations(appliance, sitting, "mic_no_sound"), 25, "the silent microphone")


def test_full_screen_is_entered_by_a_click_and_leaving_it_is_reported(
    appliance: RunningAppliance, sitter: Sitter
) -> None:
    set_rule = "UPDATE exam SET rules = jsonb_set(rules::jsonb, '{full_screen}', :value) WHERE external_id = 'auto'"
    appliance.execute(set_rule, value="true")
    try:
        sitter.start_auto_exam()
    finally:
        appliance.execute(set_rule, value="false")
    sitting = sitter.sitting_id()
    cover = sitter.page.locator(".cover")
    expect(cover).to_contain_text("This exam is taken in full screen")
    sitter.click("Enter full screen")
    expect(cover).to_be_hidden()
    assert observations(appliance, sitting, "full_screen_left") == []
    sitter.page.evaluate("document.exitFullscreen()")
    expect(cover).to_be_visible()
    wait_for(lambda: observations(appliance, sitting, "full_screen_left"), 10, "leaving full screen")
    sitter.click("Enter full screen")
    expect(cover).to_be_hidden()
    wait_for(lambda: observations(appliance, sitting, "full_screen_left")[0].ended_at, 10, "its end")


class QuestionPage(BaseHTTPRequestHandler):
    """An LMS's page of questions, on an origin of its own."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Question 1 of the course</h1><form><button>Save</button></form>")

    def log_message(self, *_arguments: object) -> None:
        """Be silent."""


def test_the_page_of_the_lms_is_shown_in_a_frame(appliance: RunningAppliance, sitter: Sitter) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), QuestionPage) as lms:
        threading.Thread(target=lms.serve_forever, daemon=True).start()
        change = "UPDATE exam SET content_url = :url WHERE external_id LIKE '%auto%'"
        appliance.execute(change, url=f"http://localhost:{lms.server_port}/quiz?attempt=7")
        try:
            sitter.start_auto_exam()
            inside = sitter.page.frame_locator("iframe").get_by_role("heading", name="Question 1 of the course")
            expect(inside).to_be_visible(timeout=15_000)
            assert sitter.page.locator("iframe").get_attribute("sandbox")
            expect(sitter.page.locator(".timer-face")).to_be_visible()
        finally:
            appliance.execute(change, url="")
            lms.shutdown()
