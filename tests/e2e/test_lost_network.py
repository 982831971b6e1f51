"""The candidate's network is cut for real; what the browser recorded meanwhile closes the gap afterwards."""

import io
import re
import time

import av
import pytest
from playwright.sync_api import expect

from appliance.collaborators import assemble
from appliance.db import to_ms, unit_of_work
from appliance.models import Part, VaultObject
from appliance.settings import load_settings
from tests import wire
from tests.e2e.people import CHROMIUM, FLAGS, CandidatePerson, ReviewerPerson, launch
from tests.running import wait_for

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(wire.missing()), reason=wire.missing() or "can be run"),
]

CUT_SECONDS = 20


@pytest.fixture(scope="module")
def cable(tmp_path_factory):
    with wire.Wire(tmp_path_factory.mktemp("wire")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(playwright, webcam, cable):
    flags = [
        *FLAGS,
        f"--use-file-for-fake-video-capture={webcam[0]}",
        f"--use-file-for-fake-audio-capture={webcam[1]}",
        "--ignore-certificate-errors",
    ]
    with playwright.chromium.launch(executable_path=cable.program(CHROMIUM), args=flags) as started:
        yield started


@pytest.fixture(scope="module")
def people(browser, appliance, cable):
    candidate = CandidatePerson(
        browser, appliance, "candidate", origin=f"https://{cable.host}:{appliance.port + 363}"
    )
    candidate.page.on("dialog", lambda dialog: dialog.accept())
    yield (candidate,)


@pytest.fixture(scope="module")
def exam(people, appliance):
    candidate = people[0]
    candidate.enter("auto")
    candidate.consent()
    candidate.check_system()
    candidate.photograph("face-photo")
    candidate.sees_exam(60)
    whole(appliance, candidate.sitting_id())
    return candidate


def whole(appliance, sitting_id):
    """Both tracks are recorded and no gap is open."""
    state = (
        "SELECT (SELECT count(*) FROM part WHERE sitting_id = :id AND state = 'recording') = 2"
        " AND NOT EXISTS (SELECT FROM gap WHERE sitting_id = :id AND ended_at IS NULL)"
    )
    wait_for(lambda: appliance.row(state, id=sitting_id)[0], 60, "both tracks recorded, no gap open")


def supplied(appliance, sitting_id, since_ms):
    """The longest part of each track that the browser supplied of the time since then, with its gap; times in ms."""
    return appliance.rows(
        "SELECT DISTINCT ON (part.track) part.track, part.id,"
        " extract(epoch FROM part.started_at)::float * 1000 AS start_ms,"
        " extract(epoch FROM part.ended_at)::float * 1000 AS end_ms,"
        " extract(epoch FROM gap.started_at)::float * 1000 AS gap_start_ms,"
        " extract(epoch FROM gap.ended_at)::float * 1000 AS gap_end_ms"
        " FROM part JOIN gap ON gap.covered_by_id = part.id WHERE part.sitting_id = :id AND part.source = 'candidate'"
        " AND part.started_at > to_timestamp(:since / 1000.0)"
        " ORDER BY part.track, part.ended_at - part.started_at DESC",
        id=sitting_id,
        since=since_ms,
    )


def both_supplied(appliance, sitting_id, since_ms):
    """Wait until both tracks have a supplied part that began before the given time's next ten seconds."""

    def look():
        rows = supplied(appliance, sitting_id, since_ms - 5000)
        return len(rows) == 2 and all(row.start_ms < since_ms + 10_000 for row in rows) and rows

    return wait_for(look, 60, "both tracks supplied")


def uncovered_ms(appliance, sitting_id, start_ms, end_ms):
    """Milliseconds of each track between these times that no part shows."""
    rows = appliance.rows(
        "SELECT track, sum(extract(epoch FROM least(ended_at, to_timestamp(:end / 1000.0))"
        " - greatest(started_at, to_timestamp(:start / 1000.0)))) * 1000 FROM gap WHERE sitting_id = :id"
        " AND covered_by_id IS NULL AND ended_at > to_timestamp(:start / 1000.0)"
        " AND started_at < to_timestamp(:end / 1000.0) GROUP BY track",
        id=sitting_id,
        start=start_ms,
        end=end_ms,
    )
    return {track: float(length) for track, length in rows}


def pictures(appliance, part_id):
    """Times in ms of all pictures of a sealed part, decoded."""
    collaborators = assemble(load_settings({"KUSTOS_SETTINGS": str(appliance.data / "kustos.toml")}))
    with unit_of_work(collaborators.session_factory) as session:
        part = session.get_one(Part, part_id)
        with collaborators.vault.open(session, session.get_one(VaultObject, part.vault_object_id)) as reader:
            assert reader.verify() == part.sha256
            content = reader.read(0, reader.size)
    with av.open(io.BytesIO(content)) as container:
        return part, [round(frame.time * 1000) for frame in container.decode(video=0)]


def test_twenty_seconds_without_a_network_are_supplied_by_the_browser(exam, appliance, cable):
    number = exam.sitting_id()
    time.sleep(12)  # so that the ring holds what came before the loss was noticed
    cut_ms = time.time() * 1000
    with cable.cut():
        expect(exam.page.locator("#recording, #connection").filter(visible=True).first).to_contain_text(
            "your recording is kept on this computer", timeout=18_000
        )
        exam.shoot("lost-network-1-kept")
        assert exam.page.locator("body[data-view=exam]").is_visible()
        time.sleep(max(0.0, CUT_SECONDS - (time.time() - cut_ms / 1000)))
    back_ms = time.time() * 1000
    expect(exam.page.locator("#recording")).to_contain_text(re.compile("Handing in|handed in"), timeout=60_000)
    exam.shoot("lost-network-2-handing-in")
    expect(exam.page.locator("#recording")).to_contain_text("has been handed in", timeout=120_000)
    exam.shoot("lost-network-3-handed-in")
    found = both_supplied(appliance, number, cut_ms)
    whole(appliance, number)
    for row in found:
        assert abs(row.start_ms - row.gap_start_ms) < 1000, row
        assert abs(row.end_ms - row.gap_end_ms) < 1000, row
        part, times = pictures(appliance, row.id)
        length = to_ms(part.ended_at) - to_ms(part.started_at)
        assert length > (back_ms - cut_ms) * 0.8
        assert times[-1] > length - 1600
        # 15 and 5 a second on an idle machine; this one may have other things to do
        assert len(times) > (length / 1000) * (1 if row.track == "camera" else 0.5), (row, len(times))
    assert all(left < 1000 for left in uncovered_ms(appliance, number, cut_ms, back_ms).values())


def test_a_tab_closed_meanwhile_hands_in_at_the_next_visit(exam, appliance, cable):
    number = exam.sitting_id()
    time.sleep(12)
    cut_ms = time.time() * 1000
    with cable.cut():
        expect(exam.page.locator("#recording, #connection").filter(visible=True).first).to_contain_text(
            "your recording is kept on this computer", timeout=18_000
        )
        time.sleep(4)
        closed_ms = time.time() * 1000
        exam.page.close()
    exam.page = exam.context.new_page()
    exam.page.on("dialog", lambda dialog: dialog.accept())
    exam.page.goto("/sit")
    exam.page.get_by_role("button", name="Continue the exam").click(timeout=20_000)
    exam.sees_exam(30)
    whole(appliance, number)
    expect(exam.page.locator("#recording")).to_contain_text("has been handed in", timeout=120_000)
    found = both_supplied(appliance, number, cut_ms)
    for row in found:
        assert abs(row.start_ms - row.gap_start_ms) < 1000, row
        assert -3000 < row.end_ms - closed_ms < 1000, row
        part, times = pictures(appliance, row.id)
        assert times[-1] > to_ms(part.ended_at) - to_ms(part.started_at) - 1600
    left = uncovered_ms(appliance, number, closed_ms, time.time() * 1000)
    assert set(left) == {"camera", "screen"}, "no page was open: nobody can know"


def test_the_reviewer_sees_who_supplied_it(exam, appliance, playwright):
    number = exam.sitting_id()
    exam.click("Finish")
    exam.page.get_by_role("button", name="Finish now").click()
    exam.sees("The exam is finished", 30)
    wait_for(
        lambda: appliance.row("SELECT state FROM sitting WHERE id = :id", id=number)[0] == "in_review", 60, "review"
    )
    with launch(playwright) as browser:
        reviewer = ReviewerPerson(browser, appliance, "reviewer", width=1440)
        reviewer.log_in("reviewer")
        reviewer.open(number)
        expect(reviewer.page.locator(".line-legend")).to_contain_text("Supplied by the candidate", timeout=20_000)
        expect(
            reviewer.page.locator("#parts").get_by_text("Supplied by the candidate's computer").first
        ).to_be_visible()
        reviewer.page.locator(".line-part.is-supplied").first.wait_for(state="attached", timeout=10_000)
        reviewer.shoot("lost-network-4-review")
        reviewer.page.get_by_text("SHA-256").first.scroll_into_view_if_needed()
        reviewer.shoot("lost-network-5-evidence")
        assert reviewer.problems == []
