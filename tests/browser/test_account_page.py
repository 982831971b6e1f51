"""One's own account in a real Chromium, with a virtual authenticator: from the invitation to the locked page."""

import re
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from appliance.db import utcnow
from appliance.models import LoginSession, SecurityKey, User
from appliance.vocabulary import Role
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD

CHOSEN = "heron lantern pocket glacier"
KEY = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}


@pytest.fixture
def home(origin):  # noqa: F811
    """The same process under a host name: security keys belong to names, not numbers."""
    return origin.replace("127.0.0.1", "localhost")


@pytest.fixture
def shots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("account-shots")
    return lambda page, name: page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.fixture
def open_page(browser, home):
    """``open_page()``: a tab of a browser of its own; errors of our scripts fail the test."""
    contexts, problems = [], []

    def open_it(**options):
        options = {"viewport": {"width": 1180, "height": 900}, "locale": "en-GB", **options}
        context = browser.new_context(base_url=home, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


def plug_in_key(page):
    """Give the browser a security key that is touched at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]


def log_in(page, user, next_page, code=None):
    page.goto(f"/login?next={next_page}")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(code or pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(f"**{next_page}")


def change(session, what):
    session.execute(what)
    session.commit()


def long_ago(session):
    change(session, update(LoginSession).values(proved_at=utcnow() - timedelta(hours=1)))


def test_from_an_invitation_to_a_log_in_by_key(open_page, make, session, shots):
    admin_user = make.user(Role.ADMIN, totp_secret=SECRET, name="Alma Admin")
    make.user(Role.PROCTOR, name="Paula Proctor", locked_until=utcnow() + timedelta(minutes=9))
    session.commit()
    admin = open_page()
    log_in(admin, admin_user, "/staff")
    admin.get_by_role("button", name="Invite somebody").click()
    admin.get_by_label("Name").fill("Rita Review")
    admin.get_by_label("E-mail").fill("rita@example.org")
    admin.get_by_label("Role").select_option("security_officer")
    admin.get_by_role("button", name="Make the invitation").click()
    link = admin.locator(".link-once").inner_text()
    shots(admin, "link")
    admin.get_by_role("button", name="I have kept it").click()
    expect(admin.get_by_role("row", name=re.compile("Rita Review")).get_by_text("Invited")).to_be_visible()
    admin.get_by_label("Acts for Paula Proctor").click()
    expect(admin.get_by_role("button", name="Disable")).to_be_in_viewport()
    shots(admin, "staff")
    admin.get_by_role("button", name="Unlock").click()
    expect(admin.get_by_text("They may try again.")).to_be_visible()

    rita = open_page()
    plug_in_key(rita)
    rita.goto("/join" + link.partition("/join")[2])
    rita.get_by_label("New password").fill("password12345")
    rita.get_by_label("The same again").fill("password12345")
    rita.get_by_role("button", name="Go on").click()
    expect(rita.get_by_role("alert")).to_contain_text("easily guessed")
    assert "#" not in rita.url
    rita.get_by_label("New password").fill(CHOSEN)
    rita.get_by_label("The same again").fill(CHOSEN)
    shots(rita, "join")
    rita.get_by_role("button", name="Go on").click()
    rita.wait_for_url("**/account")
    expect(rita.get_by_text("Finish setting up your account")).to_be_visible()
    rita.wait_for_load_state("networkidle")  # its notices are not open to her yet, and do not lead her in circles
    shots(rita, "enrolment")
    set_up_authenticator(rita, shots)
    rita.wait_for_url("**/audit")

    rita.goto("/account")
    rita.get_by_role("button", name="Add a key").click()
    rita.get_by_label("Name").fill("Blue key")
    rita.get_by_role("button", name="Touch the key now").click()
    expect(rita.get_by_text("Blue key")).to_be_visible()
    expect(rita.get_by_text("The security key is registered.")).to_be_visible()
    shots(rita, "account")

    rita.goto("/login")
    rita.context.clear_cookies()
    rita.goto("/login")
    rita.get_by_label("E-mail").fill("rita@example.org")
    rita.get_by_label("Password").fill(CHOSEN)
    shots(rita, "login")
    rita.get_by_role("button", name="Use a security key").click()
    rita.wait_for_url("**/audit")
    session.expire_all()
    key = session.query(SecurityKey).one()
    assert key.sign_count > 0 and key.last_used_at is not None


def set_up_authenticator(page, shots):
    page.get_by_role("button", name="Set up", exact=True).click()
    secret = page.locator(".setup .mono").inner_text().replace(" ", "")
    shots(page, "authenticator")
    page.get_by_label("Type the code").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Type the code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".codes li")).to_have_count(10)
    shots(page, "codes")
    page.get_by_role("button", name="I have kept them").click()


def renew_codes(page):
    page.get_by_role("button", name="Make new codes").click()
    page.get_by_role("dialog").get_by_role("button", name="Make new codes").click()


def test_dangerous_acts_ask_again_and_go_on(open_page, make, session, shots):
    user = make.user(Role.REVIEWER, totp_secret=SECRET, name="Rita Review")
    session.commit()
    page = open_page()
    device, authenticator = plug_in_key(page)
    log_in(page, user, "/account")
    page.get_by_role("button", name="Add a key").click()
    page.get_by_role("button", name="Touch the key now").click()
    expect(page.locator(".codes li")).to_have_count(10)  # who has none yet gets them with the next second factor
    page.get_by_role("button", name="I have kept them").click()
    expect(page.locator("#keys li")).to_have_count(1)

    long_ago(session)
    renew_codes(page)
    expect(page.get_by_text("Please confirm that it is you")).to_be_visible()
    shots(page, "proof")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("needs your second factor once more")).to_be_visible()
    renew_codes(page)
    page.get_by_role("button", name="Use a security key").click()
    expect(page.locator(".codes li")).to_have_count(10)
    code = page.locator(".codes li").first.inner_text()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 left")).to_be_visible()

    # A copy of the key counts behind: it is refused, a recovery code helps.
    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
    change(session, update(SecurityKey).values(sign_count=10_000))
    plug_in_key(page)
    long_ago(session)
    page.get_by_role("button", name="Set up another phone").click()
    page.get_by_label("One-time code").fill(code.lower())
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".setup img")).to_be_visible()


def test_a_page_that_nobody_touches_covers_itself(open_page, make, session, shots, settings):
    user = make.user(Role.SECURITY_OFFICER, totp_secret=SECRET, name="Selma Security")
    session.commit()
    page = open_page()
    page.clock.install()
    log_in(page, user, "/account")
    expect(page.get_by_text("Where you are logged in")).to_be_visible()
    page.clock.run_for((settings.lock_minutes * 60 - 30) * 1000)
    expect(page.get_by_text("Is anybody there?")).to_be_visible()
    shots(page, "warning")
    page.mouse.move(300, 300)
    expect(page.get_by_text("Is anybody there?")).to_be_hidden()
    page.clock.run_for((settings.lock_minutes * 60 + 2) * 1000)
    expect(page.get_by_text("This page is locked")).to_be_visible()
    expect(page.get_by_text("Where you are logged in")).to_be_hidden()
    shots(page, "locked")
    session.expire_all()
    assert session.query(LoginSession).one().locked_at is not None
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Password").fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("alert").filter(has_text="not right")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("Where you are logged in")).to_be_visible()

    # A page that is opened of a log-in that sleeps asks before it shows anything.
    change(session, update(LoginSession).values(active_at=utcnow() - timedelta(hours=1), last_seen_at=utcnow()))
    page.goto("/audit")
    page.wait_for_url("**/locked?next=/audit")
    shots(page, "locked-page")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    page.wait_for_url("**/audit")


def test_the_page_in_russian_and_dark(open_page, make, session, shots):
    user = make.user(Role.PROCTOR, totp_secret=SECRET, name="Павел Проктор", language="ru")
    session.commit()
    page = open_page(color_scheme="dark", locale="en-GB")
    log_in(page, user, "/account")
    page.goto("/account?lang=ru")
    expect(page.get_by_role("heading", name="Моя учётная запись")).to_be_visible()
    expect(page.locator("#sessions li")).to_have_count(1)
    shots(page, "russian-dark")
    page.set_viewport_size({"width": 420, "height": 900})
    shots(page, "narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert session.get(User, user.id).language == "ru"
