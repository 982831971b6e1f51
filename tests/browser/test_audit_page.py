"""The officer's page in a real Chromium: what a reviewer really played is seen there; search, proof, findings."""

import pyotp
import pytest
from playwright.sync_api import expect

from appliance import audit
from appliance.audit import Actor, checkpoints
from appliance.audit.export import verify_export
from appliance.audit.statements import Signer
from appliance.models import AuditEntry
from appliance.vocabulary import Role
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD
from tests.media.exports.conftest import judged, recordings  # noqa: F401 - fixtures


@pytest.fixture
def enter(browser, origin, make, session):  # noqa: F811
    """``enter(Role.REVIEWER, "/archive")``: a tab of somebody who has just logged in there."""
    contexts, problems = [], []

    def enter(role, path, name, **options):
        person = make.user(role, totp_secret=SECRET, name=name)
        session.commit()
        context = browser.new_context(viewport={"width": 1360, "height": 900}, base_url=origin, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(f"/login?lang=en&next={path}")
        tab.get_by_label("E-mail").fill(person.email)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
        tab.get_by_role("button", name="Log in", exact=True).click()
        tab.wait_for_url(f"**{path}")
        return tab

    yield enter
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def shoot(request):
    """Screenshots to be looked at, in the folder that --basetemp names."""
    folder = request.config._tmp_path_factory.getbasetemp()
    return lambda tab, name: tab.screenshot(path=str(folder / f"audit-{name}.png"))


def watch_a_little(tab):
    """Play until two seconds were shown, then pause, which tells what was."""
    tab.locator("video").first.wait_for()
    tab.get_by_role("button", name="Play").first.click()
    tab.wait_for_function("() => [...document.querySelectorAll('video')].some((it) => it.currentTime > 2)")
    with tab.expect_response("**/played") as told:
        tab.get_by_role("button", name="Pause").first.click()
    assert told.value.ok


def test_what_was_played_is_seen_by_the_officer(enter, judged, session, shoot):  # noqa: F811
    watch_a_little(enter(Role.REVIEWER, f"/sittings/{judged.id}", "Rita Review"))
    officer = enter(Role.SECURITY_OFFICER, "/audit", "Olga Officer")
    officer.get_by_role("tab", name="Who watched").click()
    officer.get_by_label("Candidate or sitting").fill(str(judged.id))
    officer.get_by_role("button", name="Show viewers").click()
    row = officer.locator(".viewer", has_text="Rita Review")
    expect(row).to_be_visible(timeout=30_000)
    expect(row.locator("rect.played").first).to_be_attached()
    shoot(officer, "watchers")
    session.expire_all()
    watched = session.query(AuditEntry).filter_by(action="recording.watch").all()
    played = sum(end - start for entry in watched for start, end in entry.details["spans"].get("camera", []))
    assert 1500 < played < 12_000
    assert all("unserved_ms" not in entry.details for entry in watched)


def test_search_proof_and_unusual_access(enter, session, make, collaborators, shoot, tmp_path):
    company = make.first_company()
    boris = Actor("user", "900", "Борис Петров", "198.51.100.4", company.id, "reviewer")
    for number in range(130):
        audit.record(session, boris, "photo.view", ("photo", number), sitting_id=number)
    audit.record(session, boris, "export.request", ("sitting", 5), "refused", reason="on hold")
    session.commit()
    signer = Signer.of(collaborators.settings, collaborators.vault)
    checkpoints.sign(session, signer)
    session.commit()
    checkpoints.write_file(session, signer.folder)
    tab = enter(Role.SECURITY_OFFICER, "/audit", "Olga Officer")
    expect(tab.get_by_text("Last checkpoint")).to_be_visible()
    shoot(tab, "log")
    tab.get_by_label("Who", exact=True).fill("борис")
    expect(tab.get_by_role("cell", name="settings.first")).to_have_count(0, timeout=30_000)
    expect(tab.get_by_text("100 shown, newest first")).to_be_visible(timeout=30_000)
    tab.get_by_role("button", name="Older entries").click()
    expect(tab.get_by_text("131 shown, newest first")).to_be_visible(timeout=30_000)
    tab.get_by_label("Result").select_option("unsuccessful")
    expect(tab.get_by_role("cell", name="export.request")).to_be_visible(timeout=30_000)
    expect(tab.get_by_text("1 shown, newest first")).to_be_visible(timeout=30_000)
    assert "result=unsuccessful" in tab.url
    with tab.expect_download() as download:
        tab.get_by_role("link", name="JSON").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert verify_export(path, signer.key.public_pem).entries == 1
    tab.get_by_role("button", name="Verify the log").click()
    expect(tab.get_by_text("The log is whole")).to_be_visible(timeout=30_000)
    tab.get_by_role("tab", name="Unusual access").click()
    card = tab.locator(".finding-card", has_text="Many candidates looked at in a short time")
    expect(card).to_contain_text("130 different sittings", timeout=30_000)
    shoot(tab, "unusual")
    card.get_by_role("button", name="Show the entries").click()
    expect(tab.get_by_label("Who", exact=True)).to_have_value("user:900")
    expect(tab.get_by_text("100 shown, newest first")).to_be_visible(timeout=30_000)


def test_in_russian_in_the_dark_and_with_nothing(enter, shoot):
    tab = enter(Role.AUDITOR, "/audit", "Олег", color_scheme="dark")
    tab.goto("/audit?lang=ru&who=nobody")
    expect(tab.get_by_text("Нет записей").or_(tab.get_by_text("Записей нет"))).to_be_visible()
    shoot(tab, "dark-ru")
    tab.get_by_role("tab", name="Необычный доступ").click()
    expect(tab.locator("#unusual-list .card").first).to_be_visible()
    tab.keyboard.press("ArrowLeft")
    expect(tab.get_by_role("tab", name="Кто смотрел")).to_be_focused()
