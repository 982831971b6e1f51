"""The page of keys in a real Chromium."""

import pyotp
from playwright.sync_api import expect

from appliance.audit import Actor
from appliance.services import master_key
from appliance.services.master_key import House
from appliance.vocabulary import Role
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD


def test_an_auditor_reads_the_state_and_takes_a_public_key(browser, origin, make, session, collaborators, request):  # noqa: F811
    collaborators.vault.seal(session, "sitting:1", "part", b"x" * 3_000_000)
    person = make.user(Role.AUDITOR, totp_secret=SECRET)
    session.commit()
    house = House(collaborators.settings, collaborators.session_factory, collaborators.vault)
    master_key.rotate(house, Actor("cli", "root", "root"), grace=0)
    folder = request.config._tmp_path_factory.getbasetemp()
    for language, scheme in (("en", "light"), ("ru", "dark")):
        context = browser.new_context(viewport={"width": 1360, "height": 900}, base_url=origin, color_scheme=scheme)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        session.refresh(person)
        person.totp_last_step = 0
        session.commit()
        tab.goto("/login?lang=en&next=/keys")
        tab.get_by_label("E-mail").fill(person.email)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
        tab.get_by_role("button", name="Log in", exact=True).click()
        tab.wait_for_url("**/keys")
        expect(tab.get_by_role("cell", name="destroyed", exact=True)).to_have_count(1)
        with tab.expect_download() as download:
            tab.get_by_role("link", name="Download PEM").first.click()
        assert download.value.path().read_text().startswith("-----BEGIN PUBLIC KEY-----")
        if language == "ru":
            tab.goto("/keys?lang=ru")
            expect(tab.get_by_role("heading", name="Ключи", exact=True)).to_be_visible()
        tab.screenshot(path=str(folder / f"keys-{language}.png"))
        context.close()
