"""The bar of the staff's pages: nothing is cut off, and every page that a role may see is reached from it."""

import pyotp
import pytest
from playwright.sync_api import expect

from appliance.security.permission_map import ROLE_PERMISSIONS
from appliance.vocabulary import Role
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD
from web.pages import NAVIGATION

WIDE = "() => document.documentElement.scrollWidth <= innerWidth"
INSIDE = """() => [...document.querySelectorAll('.bar-nav > a, .bar-nav > details, .bar-end')].every(
  (part) => { const box = part.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; })"""


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SECURITY_OFFICER])
def test_every_page_is_reached_and_nothing_is_cut_off(browser, origin, make, session, role, request):  # noqa: F811
    person = make.user(role, totp_secret=SECRET)
    session.commit()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=origin)
    tab = context.new_page()
    tab.goto("/login?lang=ru&next=/staff")
    tab.locator("input[name=email]").fill(person.email)
    tab.locator("input[name=password]").fill(PASSWORD)
    tab.locator("input[name=code]").fill(pyotp.TOTP(SECRET).now())
    tab.locator("main form button[type=submit]").first.click()
    tab.wait_for_url("**/staff")
    assert tab.evaluate(WIDE)
    assert tab.evaluate(INSIDE)
    links = tab.locator(".bar-nav a").evaluate_all("found => found.map((link) => link.getAttribute('href'))")
    assert len(links) == len([page for page in NAVIGATION if page.permission in ROLE_PERMISSIONS[role]])
    for address in links:
        assert tab.request.get(address).status == 200, address
    security = tab.locator(".bar-nav summary").last
    security.focus()
    tab.keyboard.press("Enter")
    menu = tab.locator(".bar-nav details[open] .menu-list")
    expect(menu).to_be_visible()
    tab.screenshot(path=str(request.config._tmp_path_factory.getbasetemp() / f"bar-{role.value}.png"))
    tab.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(security).to_be_focused()
    context.close()
