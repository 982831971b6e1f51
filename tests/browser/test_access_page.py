"""The page Access in a real Chromium: grants, second persons, API clients, and who works on an exam."""

import os
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from appliance.models import Company
from appliance.services import assignments
from appliance.vocabulary import Role, SittingState
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD

SHOTS = os.environ.get("KUSTOS_TEST_SHOTS")
"""A folder for screenshots to look at; none are taken without it."""

expect.set_options(timeout=30_000)


@pytest.fixture
def open_as(browser, origin, make, session):  # noqa: F811
    """``open_as(role)``: the page of somebody of that role, in a browser of their own."""
    contexts, problems = {}, []

    def log_in(role):
        if role not in contexts:
            user = make.user(role, totp_secret=SECRET, name=f"{role.value.title()} One")
            session.commit()
            contexts[role] = browser.new_context(
                viewport={"width": 1440, "height": 1000}, base_url=origin, locale="en-GB"
            )
            page = contexts[role].new_page()
            page.set_default_timeout(60_000)
            page.goto("/login?next=/access")
            page.get_by_label("E-mail").fill(user.email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url("**/access")
            page.close()
        page = contexts[role].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(f"{role}: {error}"))
        page.on("console", lambda said: problems.append(said.text) if "Security Policy" in said.text else None)
        page.goto("/access")
        expect(page.locator("#matrix table")).to_be_visible()
        return page

    yield log_in
    for context in contexts.values():
        context.close()
    assert problems == []


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"access-{name}.png", full_page=True)


def test_the_map_is_read_by_rows_and_columns(open_as):
    page = open_as(Role.AUDITOR)
    table = page.get_by_role("table", name="Roles and permissions")
    row = table.get_by_role("row").filter(has_text="photo.view")
    cells = row.get_by_role("cell").all_inner_texts()
    assert [cell.replace("\n", "") for cell in cells] == [
        "company", "company", "sittings", "company", "—no", "ticket", "—no", "company", "—no",
    ]  # fmt: skip
    headers = table.get_by_role("columnheader").all_inner_texts()
    assert headers[:2] == ["Permission", "Administrator"]
    assert page.get_by_role("button", name="Open something…").count() == 0
    shoot(page, "auditor")


def test_faces_are_opened_for_a_ticket_and_taken_back(open_as):
    engineer = open_as(Role.SUPPORT)
    page = open_as(Role.SECURITY_OFFICER)
    expect(page.get_by_text("Nothing is open")).to_be_visible()
    page.get_by_role("button", name="Open something…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Ticket").fill("T-2041")
    dialog.get_by_label("recordings").check()
    shoot(page, "grant-dialog")
    dialog.get_by_role("button", name="Open", exact=True).click()
    row = page.locator("#grants tbody tr").filter(has_text="T-2041")
    expect(row).to_contain_text("faces, recordings")
    expect(row).to_contain_text("all sittings")
    expect(row.locator(".badge")).to_have_text("Open now")
    engineer.reload()
    expect(engineer.locator("#grants tbody tr")).to_contain_text("T-2041")
    engineer.close()
    row.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(row.locator(".badge")).to_have_text("Taken back")
    page.close()


def test_to_want_fewer_second_persons_takes_a_second_person(open_as):
    page = open_as(Role.ADMIN)
    export = page.get_by_label("Exporting a sitting's evidence")
    save = page.locator("#four-eyes").get_by_role("button", name="Save")
    export.check()
    page.get_by_label("Changing a conclusion").check()
    save.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(export).to_be_checked()
    export.uncheck()
    save.click()
    row = page.locator("#approvals tbody tr").first
    expect(row).to_contain_text("Your own: another person answers")
    expect(export).to_be_checked()
    shoot(page, "admin")
    officer = open_as(Role.SECURITY_OFFICER)
    officer.get_by_role("button", name="Agree…").click()
    dialog = officer.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Decided in Monday's meeting")
    shoot(officer, "agree-dialog")
    dialog.get_by_role("button", name="Agree", exact=True).click()
    expect(officer.locator("#approvals tbody tr").first).to_contain_text("Agreed: can be done now")
    officer.close()
    page.reload()
    export.uncheck()
    save.click()
    expect(row).to_contain_text("Done")
    expect(export).not_to_be_checked()
    page.close()


def test_a_program_gets_a_token_that_is_shown_once(open_as, origin, make, session):  # noqa: F811
    make.exam()
    session.commit()
    page = open_as(Role.ADMIN)
    page.get_by_role("button", name="New API client…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Campus system")
    dialog.get_by_label("See exams").check()
    shoot(page, "client-dialog")
    dialog.get_by_role("button", name="Make the token").click()
    shown = page.locator(".access-token").inner_text()
    headers = {"Authorization": shown.removeprefix("Authorization: ")}
    assert httpx.get(f"{origin}/api/v1/exams", headers=headers).json()["exams"]
    assert httpx.get(f"{origin}/api/v1/sittings", headers=headers).status_code == 403
    shoot(page, "token")
    page.get_by_role("button", name="I have copied it").click()
    page.reload()
    row = page.locator("#clients tbody tr").filter(has_text="Campus system")
    expect(row.locator(".badge")).to_have_text("In force")
    assert headers["Authorization"].split()[-1] not in page.content()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row.locator(".badge")).to_have_text("Revoked")
    assert httpx.get(f"{origin}/api/v1/exams", headers=headers).status_code == 401
    page.close()


def test_people_are_assigned_on_the_page_of_exams(open_as, make, session):
    make.user(name="Paula Proctor")
    make.exam(name="Algebra")
    session.commit()
    page = open_as(Role.ORGANISER)
    page.goto("/exams")
    row = page.locator("#table tbody tr").first
    expect(row).to_contain_text("1 proctor")
    row.get_by_role("button", name="Assign people to").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Paula Proctor").uncheck()
    shoot(page, "assign-dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("no proctor")
    row.get_by_role("button", name="Assign people to").click()
    page.get_by_role("dialog").get_by_label("Paula Proctor").check()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(row).to_contain_text("1 proctor")
    shoot(page, "exams")
    page.close()


def test_an_administrator_limits_an_account_and_assigns_by_name(open_as, make, session):
    rita = make.user(Role.REVIEWER, name="Rita Review")
    sitting = make.sitting(SittingState.IN_REVIEW)
    session.commit()
    page = open_as(Role.ADMIN)
    page.goto("/staff")
    row = page.get_by_role("row", name="Rita Review")
    row.get_by_role("button", name="Acts for").click()
    page.get_by_role("button", name="Limit to assigned exams").click()
    expect(row).to_contain_text("assigned exams only")
    page.goto("/exams")
    page.get_by_label("New exams go to all proctors").uncheck()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"/sittings/{sitting.id}")
    page.get_by_role("button", name="Assign…").click()
    page.get_by_role("dialog").get_by_label("Rita Review").check()
    shoot(page, "assign-by-name")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    session.rollback()
    session.expire_all()
    assert rita.limited and not session.get_one(Company, sitting.company_id).new_exams_to_proctors
    assert assignments.of_sitting(session, sitting.id) == [rita.id]
    page.close()


def test_in_russian_in_the_dark_and_when_it_cannot_be_loaded(open_as):
    page = open_as(Role.REVIEWER)
    page.emulate_media(color_scheme="dark")
    page.goto("/access?lang=ru")
    expect(page.get_by_role("heading", name="Доступ", exact=True)).to_be_visible()
    expect(page.locator("#matrix table")).to_contain_text("Смотреть записи")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "ru-dark")
    page.route("**/api/v1/access", lambda route: route.abort())
    page.goto("/access?lang=en")
    expect(page.locator("#failure")).to_be_visible()
    page.unroute("**/api/v1/access")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#matrix table")).to_be_visible()
    expect(page.locator("#failure")).to_be_hidden()
    page.close()
