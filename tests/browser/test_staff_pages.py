"""The staff's pages in a real Chromium: one exam from the waiting room to the conclusion, as staff see it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Sitter
from tests.running import RunningAppliance, wait_for

StaffPage = Callable[[str], Page]

PLAYING = """() => [...document.querySelectorAll('.tile video')].filter((video) => video.videoWidth > 0).length"""
DRIFT = """() => {
  const [camera, screen] = document.querySelectorAll('.player video');
  return { moved: camera.currentTime, apart: Math.abs(camera.currentTime - screen.currentTime) };
}"""


@pytest.fixture(scope="module")
def open_as(browser: Browser, appliance: RunningAppliance) -> Iterator[StaffPage]:
    """``open_as("proctor")``: a page of that role's browser; fails the module on any error of our scripts."""
    contexts = {}
    problems: list[str] = []

    def log_in(role: str) -> Page:
        if role not in contexts:
            context = browser.new_context(
                viewport={"width": 1440, "height": 900}, base_url=appliance.origin, locale="en-GB"
            )
            page = context.new_page()
            page.goto("/login")
            page.get_by_label("E-mail").fill(appliance.account(role)["email"])
            page.get_by_label("Password").fill(appliance.account(role)["password"])
            page.get_by_label("One-time code").fill(appliance.code(role))
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url(re.compile(r"/(room|archive|audit|support)"))
            page.close()
            contexts[role] = context
        page = contexts[role].new_page()
        page.on("pageerror", lambda error: problems.append(f"{role}: {error}"))
        page.on("console", lambda said: problems.append(f"{role}: {said.text}") if _is_csp(said) else None)
        return page

    yield log_in
    for context in contexts.values():
        context.close()
    assert problems == []


def _is_csp(message) -> bool:
    return message.type == "error" and "Content Security Policy" in message.text


class Exam:
    """One candidate in a real browser and the proctor's room that watches it."""

    def __init__(self, sitter: Sitter, room: Page) -> None:
        self.sitter, self.room = sitter, room
        self.id = sitter.sitting_id()

    @property
    def tile(self) -> Locator:
        return self.room.locator(f".tile[data-id='{self.id}']")

    def activate(self) -> None:
        self.tile.locator(".tile-name").click()
        expect(self.tile).to_have_attribute("aria-current", "true")


@pytest.fixture(scope="module")
def exam(browser: Browser, appliance: RunningAppliance, open_as: StaffPage) -> Iterator[Exam]:
    sitter = Sitter(browser, appliance, "ann")
    sitter.enter_waiting_room()
    room = open_as("proctor")
    room.goto("/room")
    yield Exam(sitter, room)
    sitter.context.close()


@pytest.fixture(scope="module")
def module_page(open_as: StaffPage) -> Page:
    """A page to import our modules in."""
    page = open_as("proctor")
    page.goto("/archive")
    return page


def state_of(appliance: RunningAppliance, sitting_id: int) -> str:
    return appliance.row("SELECT state FROM sitting WHERE id = :id", id=sitting_id)[0]


def test_parts_of_a_track_are_cut_where_the_next_begins_and_gaps_are_skipped(module_page: Page) -> None:
    found = module_page.evaluate(
        """async () => {
          const { spans, spanAt, skipTo } = await import('/static/js/staff/review/evidence.js');
          const part = (id, start_ms, duration_ms) => ({ id, track: 'camera', start_ms, end_ms: null, duration_ms });
          const list = spans([part(2, 9000, 5000), part(1, 1000, 9000), part(3, 20000, null)], 'camera', 30000);
          const at = (ms) => spanAt(list, ms)?.part.id ?? null;
          const places = [999, 1000, 8999, 9000, 13999, 14000, 29999].map(at);
          return { places, skip: skipTo([list], 15000), no: skipTo([list], 9500) };
        }"""
    )
    assert found == {"places": [None, 1, 1, 2, 2, None, 3], "skip": 20000, "no": None}


def test_technical_faults_add_nothing_to_a_minutes_heat(module_page: Page) -> None:
    minutes = module_page.evaluate(
        """async () => {
          const { heat } = await import('/static/js/staff/review/heat.js');
          return heat({ c2: [0, 40], c2a: [0, 40], c1: [100, 0], b1: [0, 90] }, 2);
        }"""
    )
    assert [minute["level"] for minute in minutes] == [0, 10]
    assert minutes[0]["metrics"] == [["c1", 100]]
    assert minutes[1]["total"] == 130


def test_events_change_only_their_own_sitting_and_waiting_ones_come_first(module_page: Page) -> None:
    found = module_page.evaluate(
        """async () => {
          const { initialState, reduce } = await import('/static/js/staff/room/state.js');
          const { onPage, ordered } = await import('/static/js/staff/room/selectors.js');
          const candidate = { name: 'N', external_id: '' };
          const sitting = (id, state) => ({ id, state, candidate, exam: { name: 'E' } });
          const raw = [...Array(9).keys()].map((n) => sitting(n + 1, n === 8 ? 'waiting' : 'running'));
          const load = { type: 'loaded', sittings: raw, warningTypes: [], quickMessages: [] };
          const before = reduce(initialState(), load);
          const message = { id: 5, sitting_id: 2, author: 'candidate', kind: 'message', text: 'hi' };
          const event = { kind: 'chat.message', sitting_id: 2, payload: { message }, at_ms: 0 };
          const once = reduce(before, { type: 'event', event });
          const twice = reduce(once, { type: 'event', event });
          return {
            first: ordered(before)[0].id, page: onPage(before).length,
            unread: twice.sittings.get(2).unread, same: once === twice,
            others: [...before.sittings.values()].filter((it) => it !== once.sittings.get(it.id)).map((it) => it.id),
          };
        }"""
    )
    assert found == {"first": 9, "page": 8, "unread": 1, "same": True, "others": [2]}


def test_the_room_shows_camera_and_screen_live_with_the_age_of_their_frames(exam: Exam) -> None:
    expect(exam.tile).to_have_attribute("data-state", "waiting", timeout=20_000)
    exam.activate()
    wait_for(lambda: exam.room.evaluate(PLAYING) >= 2, 40, "two pictures")
    for track in ("camera", "screen"):
        age = exam.tile.locator(f".screening[data-track={track}] .age")
        expect(age).to_have_text(re.compile(r"\d"), timeout=15_000)
    expect(exam.room.locator(".desk-name")).to_have_text("Ann Example")
    expect(exam.room.locator(".identity-picture img")).to_have_count(2)


def test_starting_by_key_lets_the_candidate_begin_and_keeps_the_playing_video(exam: Exam) -> None:
    exam.activate()
    exam.room.evaluate("(id) => { window.kept = document.querySelector(`.tile[data-id='${id}'] video`); }", exam.id)
    exam.tile.focus()
    exam.room.keyboard.press("s")
    expect(exam.tile).to_have_attribute("data-state", "running", timeout=20_000)
    exam.sitter.view("exam", 30)
    assert exam.room.evaluate("window.kept.isConnected && window.kept.videoWidth > 0")
    expect(exam.tile.locator(".tile-time")).to_have_text(re.compile(r"\d+:\d\d"))


def test_arrows_enlarge_and_escape_move_about_the_wall(exam: Exam) -> None:
    exam.activate()
    exam.tile.focus()
    exam.room.keyboard.press("Enter")
    expect(exam.room.locator(".wall-grid")).to_have_class(re.compile("is-enlarged"))
    exam.room.keyboard.press("Escape")
    expect(exam.room.locator(".wall-grid")).not_to_have_class(re.compile("is-enlarged"))
    exam.room.keyboard.press("/")
    exam.room.keyboard.type("nobody of that name")
    expect(exam.room.get_by_text("No sitting matches")).to_be_visible()
    exam.room.keyboard.press("Escape")
    expect(exam.tile).to_be_visible()
    exam.room.keyboard.press("?")
    expect(exam.room.get_by_role("dialog").get_by_text("Go from tile to tile")).to_be_visible()
    exam.room.keyboard.press("Escape")


def test_chat_reaches_the_candidate_and_an_answer_is_counted_until_it_is_read(exam: Exam) -> None:
    exam.activate()
    exam.room.get_by_role("button", name="Workspace", exact=True).click()
    box = exam.room.get_by_role("textbox", name="Message to the candidate")
    expect(box).to_have_value(re.compile("desk"))
    box.fill("Good luck, Ann.")
    box.press("Enter")
    expect(exam.room.locator(".chat-message.is-own").last).to_contain_text("Good luck, Ann.")
    expect(box).to_have_value("")
    exam.sitter.page.get_by_text("Good luck, Ann.").first.wait_for(state="attached", timeout=10_000)


def test_a_warning_is_sent_and_the_room_sees_that_it_was_seen(exam: Exam, appliance: RunningAppliance) -> None:
    exam.activate()
    exam.tile.focus()
    exam.room.keyboard.press("w")
    dialog = exam.room.get_by_role("dialog")
    dialog.get_by_label("Books or notes").check()
    dialog.get_by_label("Comment").fill("Please put the book away.")
    dialog.get_by_role("button", name="Send the warning").click()
    expect(exam.room.locator(".desk-warnings")).to_contain_text("Books or notes", timeout=10_000)
    sent = "SELECT type, comment FROM incident WHERE sitting_id = :id AND sent_at IS NOT NULL"
    assert tuple(appliance.row(sent, id=exam.id)) == ("books", "Please put the book away.")
    exam.sitter.page.get_by_role("button", name=re.compile("understood|understand|ok|close", re.I)).first.click()
    expect(exam.room.locator(".desk-warnings")).to_contain_text("seen by the candidate", timeout=10_000)


def test_an_observation_in_the_feed_is_confirmed_with_one_click(exam: Exam, appliance: RunningAppliance) -> None:
    exam.sitter.page.evaluate("document.exitFullscreen?.().catch(() => {}); window.dispatchEvent(new Event('blur'))")
    rows = exam.room.locator(".feed .seen.is-pending")
    expect(rows.first).to_be_visible(
        timeout=60_000
    )  # the test pattern shows nobody: the worker says so if nothing else
    row = rows.first
    row.locator(".verb-confirm").click()
    expect(exam.room.locator(".feed .seen.is-confirmed").first).to_be_visible(timeout=10_000)
    confirmed = "SELECT count(*) FROM observation WHERE sitting_id = :id AND decision = 'confirmed'"
    assert appliance.row(confirmed, id=exam.id)[0] >= 1


def test_a_pause_stops_the_clock_until_it_is_resumed(exam: Exam, appliance: RunningAppliance) -> None:
    exam.activate()
    exam.room.locator("#desk").get_by_role("button", name="Pause", exact=True).click()
    expect(exam.tile).to_have_attribute("data-state", "paused")
    expect(exam.sitter.page.get_by_text("paused").first).to_be_visible()
    assert appliance.row("SELECT deadline_at FROM sitting WHERE id = :id", id=exam.id)[0] is None
    exam.room.locator("#desk").get_by_role("button", name="Resume", exact=True).click()
    expect(exam.tile).to_have_attribute("data-state", "running")
    assert appliance.row("SELECT deadline_at FROM sitting WHERE id = :id", id=exam.id)[0] is not None


def test_the_proctor_asks_for_the_document_again_and_drops_the_sitting(
    exam: Exam, browser: Browser, appliance: RunningAppliance
) -> None:
    stranger = Sitter(browser, appliance, "stranger")
    stranger.enter("online", who="Sam Stranger")
    stranger.check_in()
    stranger.view("waiting", 30)
    sitting_id = stranger.sitting_id()
    exam.room.locator(f".tile[data-id='{sitting_id}'] .tile-name").click()
    exam.room.get_by_role("button", name="Ask for the document photo again").click()
    dialog = stranger.page.locator("dialog[open]")
    expect(dialog).to_contain_text("document", timeout=15_000)
    photos = "SELECT count(*) FROM identity_photo WHERE sitting_id = :id AND kind = 'document'"
    assert appliance.row(photos, id=sitting_id)[0] == 1
    dialog.get_by_role("button", name="Take the photo").click()
    dialog.get_by_role("button", name="Use this photo").click()
    wait_for(lambda: appliance.row(photos, id=sitting_id)[0] == 2, 15, "the newer photo")
    tile = exam.room.locator(f".tile[data-id='{sitting_id}']")
    tile.get_by_role("button", name="Drop: identity not confirmed").click()
    exam.room.locator("dialog[open]").get_by_role("button", name="Drop the sitting").click()
    stranger.sees("Your identity could not be confirmed")
    assert state_of(appliance, sitting_id) == "identity_refused"
    assert stranger.problems == []
    stranger.context.close()
    exam.activate()


def test_finishing_wants_to_be_confirmed_twice(exam: Exam, appliance: RunningAppliance) -> None:
    exam.activate()
    exam.tile.focus()
    exam.room.keyboard.press("f")
    dialog = exam.room.get_by_role("dialog")
    dialog.get_by_role("button", name="Finish the exam").click()
    expect(dialog.get_by_role("alert")).to_contain_text("tick the box")
    assert state_of(appliance, exam.id) == "running"
    dialog.get_by_label("Comment").fill("Time to go home.")
    dialog.get_by_label(re.compile("Yes, end it now")).check()
    dialog.get_by_role("button", name="Finish the exam").click()
    expect(exam.tile).not_to_have_attribute("data-state", "running", timeout=15_000)
    wait_for(lambda: state_of(appliance, exam.id) == "in_review", 60, "the sealing")


def test_the_review_plays_both_tracks_in_step_and_seeks_by_its_findings(exam: Exam, open_as: StaffPage) -> None:
    page = open_as("reviewer")
    page.goto(f"/sittings/{exam.id}")
    page.locator(".finding-go").first.click(timeout=20_000)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for(lambda: page.evaluate(DRIFT)["moved"] > 4, 30, "some seconds of play, in which drift would show")
    playing = page.evaluate(DRIFT)
    assert playing["moved"] > 2
    parts = page.evaluate(
        f"fetch('/api/v1/sittings/{exam.id}/timeline').then((answer) => answer.json()).then((data) => data.parts)"
    )
    starts = {part["track"]: part["start_ms"] for part in parts}
    offset = abs(starts["camera"] - starts["screen"]) / 1000
    assert abs(playing["apart"] - offset) < 0.2
    slider = page.get_by_role("slider", name="Timeline")
    slider.focus()
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", re.compile("^[0-2]$"))


def test_the_reviewer_marks_an_incident_and_concludes(
    exam: Exam, open_as: StaffPage, appliance: RunningAppliance
) -> None:
    page = open_as("reviewer")
    page.goto(f"/sittings/{exam.id}")
    page.get_by_role("button", name="Incident", exact=True).click(timeout=20_000)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Phone", exact=True).check()
    dialog.get_by_label("How long it lasts from here").select_option("10")
    dialog.get_by_role("button", name="Add the incident").click()
    expect(page.locator(".findings-list")).to_contain_text("Marked by", timeout=10_000)
    expect(page.locator(".score-value b")).to_have_text(re.compile(r"^\d+$"))
    page.get_by_role("button", name="Save the conclusion").click()
    expect(page.locator(".conclusion").get_by_role("alert")).to_contain_text("choose one")
    page.locator(".conclusion .choice", has_text="Suspicious").click()
    page.locator("#conclusion-comment").fill("A phone, once.")
    page.get_by_role("button", name="Save the conclusion").click()
    expect(page.locator(".conclusion .notice")).to_contain_text("A phone, once.", timeout=10_000)
    assert state_of(appliance, exam.id) == "concluded"
    expect(page.locator(".hash").first).to_have_attribute("title", re.compile("^[0-9a-f]{64}$"))


def test_the_archive_finds_by_name_and_state_and_says_when_nothing_fits(exam: Exam, open_as: StaffPage) -> None:
    page = open_as("reviewer")
    page.goto("/archive")
    page.get_by_role("searchbox", name="Search").fill("Ann Example")
    page.get_by_role("combobox", name="State").select_option("concluded")
    row = page.locator("tbody tr", has_text=f"#{exam.id}")
    expect(row).to_contain_text("Suspicious")
    expect(page).to_have_url(re.compile("state=concluded"))
    page.get_by_role("searchbox", name="Search").fill("nobody of that name")
    expect(page.get_by_text("No sittings found")).to_be_visible()


def test_the_audit_page_names_the_viewing_and_verifies_the_chain(exam: Exam, open_as: StaffPage) -> None:
    page = open_as("security_officer")
    page.goto("/audit?action=recording.")
    page.get_by_role("button", name="Verify the log").click()
    expect(page.locator("#chain")).to_contain_text("The log is whole", timeout=20_000)
    expect(page.locator("tbody tr", has_text="recording.view").first).to_be_visible()


@pytest.mark.parametrize(("role", "path", "title"), [
    ("admin", "/staff", "Сотрудники"),
    ("admin", "/exams", "Экзамены"),
    ("support", "/support", "Поддержка"),
])  # fmt: skip
def test_tables_speak_russian(open_as: StaffPage, role: str, path: str, title: str) -> None:
    page = open_as(role)
    page.goto(f"{path}?lang=ru")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("table")).not_to_have_attribute("aria-busy", "true", timeout=15_000)
    page.goto(f"{path}?lang=en")


def test_the_room_says_so_when_the_connection_is_lost_and_recovers(open_as: StaffPage) -> None:
    page = open_as("proctor")
    page.goto("/room")
    room = page.locator("#room")
    expect(room).to_have_attribute("data-connection", "open", timeout=15_000)
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(room).to_have_attribute("data-connection", "lost", timeout=40_000)
    expect(page.locator("#status")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(room).to_have_attribute("data-connection", "open", timeout=40_000)
