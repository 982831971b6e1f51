"""Single sign-on in a real Chromium with a real OpenID provider: entered, tried, logged in, logged out."""

import dataclasses
import re
import socket
import threading
from collections.abc import Iterator

import pyotp
import pytest
import waitress
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.collaborators import Collaborators
from appliance.models import LoginSession, SignOnSession
from appliance.vocabulary import Role
from tests.appliance.sign_on.provider import CLIENT, SECRET, OidcProvider
from tests.factories import PASSWORD, Factories
from web.app import create_app

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def origin(collaborators: Collaborators) -> Iterator[str]:
    """The pages alone, without gateway, workers and media: nothing here needs them."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://localhost:{listening.getsockname()[1]}"
        settings = dataclasses.replace(collaborators.settings, demo=True, public_url=address)
        application = create_app(dataclasses.replace(collaborators, settings=settings))
        server = waitress.create_server(application, sockets=[listening], threads=8)
        thread = threading.Thread(target=server.run)
        thread.start()
        yield address
        server.close()
        thread.join(10)


@pytest.fixture
def provider(origin: str) -> Iterator[OidcProvider]:
    """Knows the first identity provider by its addresses, and says that Ann showed two factors."""
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
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    return page


def a_context(browser: Browser, origin: str) -> BrowserContext:
    size = {"width": 1280, "height": 900}
    return browser.new_context(viewport=size, base_url=origin, locale="en-GB")


def enter_provider(page: Page, provider: OidcProvider) -> None:
    page.goto("/sign-on")
    page.get_by_role("button", name="Add an identity provider").click()
    page.get_by_role("button", name=re.compile("^OpenID Connect")).click()
    page.get_by_label("Name on the button").fill("Example University")
    page.get_by_label("Issuer").fill(provider.issuer)
    page.get_by_label("Client ID").fill(CLIENT)
    page.get_by_label("Client secret").fill(SECRET)
    page.get_by_label("Group", exact=True).fill("proctors")
    page.get_by_label("Role", exact=True).select_option("reviewer")
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
def test_from_the_administrators_page_to_the_log_out_there(
    browser: Browser, origin: str, provider: OidcProvider, session: Session, make: Factories, problems: list[str]
) -> None:
    account = make.user(Role.ADMIN, totp_secret=TOTP_SECRET)
    session.commit()
    admin = a_context(browser, origin)
    page = a_page(admin, problems)
    page.goto("/login")
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(pyotp.TOTP(TOTP_SECRET).now())
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile("/room"))
    enter_provider(page, provider)
    page.get_by_role("button", name="Test", exact=True).click()
    steps = page.locator(".test-steps li")
    expect(steps).to_have_count(4)
    assert page.locator(".test-steps .tone-bad").count() == 0, steps.all_inner_texts()
    admin.close()

    ann = a_context(browser, origin)
    page = a_page(ann, problems)
    log_in_there(page, "ann")
    page.wait_for_url(re.compile("/archive"))
    expect(page.get_by_text("Ann Proctor").first).to_be_attached()

    # logging out here goes on there
    page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    page.wait_for_url(re.compile("/session/end"), wait_until="commit")
    session.rollback()
    logins = select(func.count()).select_from(SignOnSession).join(LoginSession)
    assert session.scalar(logins.where(LoginSession.ended_at.is_(None))) == 0
    ann.close()

    eve = a_context(browser, origin)
    page = a_page(eve, problems)
    log_in_there(page, "eve")
    expect(page.get_by_role("alert")).to_contain_text("none of the groups that have a role")
    eve.close()
