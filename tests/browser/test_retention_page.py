"""The security officer's page: what is deleted soon, a term beyond the profile's limit, a hold, an erasure."""

from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import Candidate, Erasure
from appliance.retention import erasure, purge, terms
from appliance.services import holds
from appliance.vocabulary import DataClass, HoldScope, Role, SittingState
from tests.appliance.retention.evidence import fill
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD

BOX = Actor.appliance("test")


@pytest.fixture
def lived(make, session, collaborators):
    """A company of profile eu in which something was deleted, something is announced, and something is held."""
    company, now = make.first_company(), utcnow()
    company.profile = "eu"
    exam = make.exam(company=company, name="Algebra")
    for number, age in enumerate((120, 80, 80, 3)):
        ended = now - timedelta(days=age)
        person = make.candidate(company=company, first_name="Zoe", last_name=f"Quill {number}")
        sitting = make.sitting(
            SittingState.CONCLUDED, exam=exam, candidate=person, created_at=ended, finished_at=ended
        )
        fill(session, collaborators, sitting, ended)
    terms.set_rule(session, BOX, company, DataClass.CHAT, 60, 14, now, exam.id)
    holds.place(
        session, BOX, company.id, holds.Subject(HoldScope.SITTING, sitting.id), "Complaint 4/27", "Ann Legal", now
    )
    session.commit()
    for days in (35, 20, 0):
        purge.run(collaborators, now - timedelta(days=days))
    return company


def test_an_officer_keeps_terms_and_erases(browser, origin, make, session, collaborators, lived, tmp_path_factory):  # noqa: F811
    shots = tmp_path_factory.mktemp("retention")
    officer = make.user(Role.SECURITY_OFFICER, totp_secret=SECRET, name="Olga Officer")
    session.commit()
    context = browser.new_context(viewport={"width": 1360, "height": 900}, base_url=origin, locale="en-GB")
    page, problems = context.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    page.goto("/login?next=/retention")
    page.get_by_label("E-mail").fill(officer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/retention")
    expect(page.locator("#notice")).to_contain_text("deletions are announced")
    page.screenshot(path=shots / "terms.png", full_page=True)

    row = page.get_by_role("row").filter(has_text="Findings and scores")
    row.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Kept, days from the sitting's end").fill("30")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("AI Act, art. 26(6)")
    page.screenshot(path=shots / "limit.png")
    dialog.get_by_label("Kept, days from the sitting's end").fill("200")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(row).to_contain_text("200 d")

    page.get_by_role("tab", name="Deleted soon").press("Enter")
    expect(page.locator("#soon tbody tr").first).to_be_visible()
    page.screenshot(path=shots / "soon.png")
    page.get_by_role("tab", name="Holds").click()
    expect(page.locator("#holds")).to_contain_text("Complaint 4/27")
    page.screenshot(path=shots / "holds.png")

    page.get_by_role("tab", name="People").click()
    page.get_by_role("searchbox").fill("Quill")
    people = page.locator("#people tbody tr")
    expect(people).to_have_count(4)
    expect(people.filter(has_text="on hold").get_by_role("button", name="Erase…")).to_be_disabled()
    page.screenshot(path=shots / "people.png")
    person = session.scalars(select(Candidate).where(Candidate.last_name == "Quill 1")).one()
    people.filter(has_text="Quill 1").get_by_role("button", name="Erase…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Erase for ever").click()
    expect(dialog.get_by_role("alert")).to_contain_text("another one")
    dialog.get_by_label("Number of the letter or ticket").fill("letter 12/2027")
    dialog.get_by_label("Type the person's id to confirm").fill(person.external_id)
    page.screenshot(path=shots / "erase.png")
    dialog.get_by_role("button", name="Erase for ever").click()
    page.get_by_role("tab", name="Erasures").click()
    expect(page.locator("#erasures")).to_contain_text("under way")
    erasure.carry_out(collaborators, session.scalars(select(Erasure.id)).one(), utcnow())
    expect(page.locator("#erasures").get_by_role("link")).to_be_visible()  # the page looks by itself
    page.get_by_role("tab", name="Certificates").click()
    page.screenshot(path=shots / "certificates.png")
    page.locator("#certificates").get_by_role("link", name="Certificate").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deletion certificate")
    expect(page.locator("main")).to_contain_text("letter 12/2027")
    assert "Quill" not in page.locator("main").inner_text()
    page.screenshot(path=shots / "certificate.png", full_page=True)

    page.emulate_media(color_scheme="dark")
    page.goto("/retention?lang=ru")
    expect(page.get_by_role("heading", level=1)).to_have_text("Хранение")
    expect(page.locator("#terms tbody tr")).to_have_count(7)
    page.screenshot(path=shots / "dark-ru.png", full_page=True)
    context.close()
    assert problems == []
