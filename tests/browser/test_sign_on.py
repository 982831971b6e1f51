"""Single sign-on in a real Chromium with a real OpenID provider: entered, tried, logged in, logged out."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.appliance.sign_on.provider import CLIENT, SECRET, OidcProvider
from tests.running import RunningAppliance, wait_for


@pytest.fixture(scope="module")
def provider(appliance: RunningAppliance) -> Iterator[OidcProvider]:
    """Knows the appliance's first identity provider by its addresses, and says that Ann showed two factors."""
    origin = appliance.origin
    started = OidcProvider(
        [f"{origin}/sign-on/1/callback"], [f"{origin}/login"], f"{origin}/sign-on/1/back-channel-logout"
    )
    started.people = {**started.people, "ann": {**started.people["ann"], "amr": ["pwd", "mfa"]}}
    started.start()
    yield started
    started.stop()


@pytest.fixture
def problems() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


def a_page(context: BrowserContext, problems: list[str]) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    return page


def a_context(browser: Browser, appliance: RunningAppliance) -> BrowserContext:
    size = {"width": 1280, "height": 900}
    return browser.new_context(viewport=size, base_url=appliance.origin, locale="en-GB")


def enter_provider(page: Page, provider: OidcProvider) -> None:
    page.goto("/sign-on")
    page.get_by_role("button", name="Add an identity provider").click()
    page.get_by_role("button", name=re.compile("^OpenID Connect")).click()
    page.get_by_label("Name on the button").fill("Example University")
    page.get_by_label("Issuer").fill(provider.issuer)
    page.get_by_label("Client ID").fill(CLIENT)
    page.get_by_label("Client secret").fill(SECRET)
    page.get_by_label("Group", exact=True).fill("proctors")
    page.get_by_label("Role", exact=True).select_option("proctor")
    page.get_by_label("Show it on the log-in page").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Example University")).to_be_visible()


def log_in_there(page: Page, login: str) -> None:
    page.goto("/login")
    page.get_by_role("link", name="Log in with Example University").click()
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()


@pytest.mark.timeout(300)
def test_from_the_administrators_page_to_both_log_outs(
    browser: Browser, appliance: RunningAppliance, provider: OidcProvider, problems: list[str]
) -> None:
    admin = a_context(browser, appliance)
    page = a_page(admin, problems)
    page.goto("/login")
    page.get_by_label("E-mail").fill(appliance.account("admin")["email"])
    page.get_by_label("Password").fill(appliance.account("admin")["password"])
    page.get_by_label("One-time code").fill(appliance.code("admin"))
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile("/room"))
    enter_provider(page, provider)
    page.get_by_role("button", name="Test", exact=True).click()
    steps = page.locator(".test-steps li")
    expect(steps).to_have_count(4)
    assert page.locator(".test-steps .tone-bad").count() == 0, steps.all_inner_texts()
    admin.close()

    ann = a_context(browser, appliance)
    page = a_page(ann, problems)
    log_in_there(page, "ann")
    page.wait_for_url(re.compile("/room"))
    expect(page.get_by_text("Ann Proctor").first).to_be_attached()

    # logging out here goes on there, and comes back to the log-in page
    page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    page.wait_for_url(re.compile(r"/login(\?|$)"))
    expect(page.get_by_role("link", name="Log in with Example University")).to_be_visible()
    page.get_by_role("link", name="Log in with Example University").click()
    expect(page.locator("input[name=login]")).to_be_visible()  # the provider asks again: it has logged out too

    # and logging out there ends the log-in here
    log_in_there(page, "ann")
    page.wait_for_url(re.compile("/room"))
    page.goto(f"{provider.issuer}/session/end?client_id={CLIENT}")
    still_open = (
        "SELECT count(*) FROM login_session JOIN sign_on_session ON login_session_id = id WHERE ended_at IS NULL"
    )
    wait_for(lambda: appliance.row(still_open)[0] == 0, 10, "the provider's log-out token")
    page.goto("/room")
    page.wait_for_url(re.compile("/login"))
    ann.close()


@pytest.mark.timeout(120)
def test_who_has_no_group_is_told_so(
    browser: Browser, appliance: RunningAppliance, provider: OidcProvider, problems: list[str]
) -> None:
    context = a_context(browser, appliance)
    page = a_page(context, problems)
    log_in_there(page, "eve")
    expect(page.get_by_role("alert")).to_contain_text("none of the groups that have a role")
    context.close()
