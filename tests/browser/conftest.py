"""A running appliance and a proctor by REST for the tests of a module, one browser for all of them."""

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.e2e.people import CandidatePerson, launch
from tests.running import RunningAppliance


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    running = RunningAppliance(tmp_path_factory.mktemp("browser") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = launch(playwright)
    yield started
    started.close()


class Sitter(CandidatePerson):
    """A candidate on the page, with what the tests ask of it."""

    def __init__(self, browser: Browser, appliance: RunningAppliance, name: str = "candidate") -> None:
        super().__init__(browser, appliance, name)
        self.page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?" during the exam

    def shoot(self, title: str) -> None:
        """Leave no screenshots: the end-to-end test does."""

    def view(self, name: str, seconds: float = 20) -> None:
        self.page.locator(f"body[data-view^={name}]").wait_for(timeout=seconds * 1000)

    def start_auto_exam(self) -> None:
        """From the demo page into the running exam that nobody watches."""
        self.enter("auto")
        self.consent()
        self.check_system()
        self.photograph("face")
        self.view("exam", 30)

    def enter_waiting_room(self) -> None:
        self.enter("online")
        self.check_in()
        self.view("waiting", 30)

    def media_is_live(self, page: Page | None = None) -> None:
        tracks = (page or self.page).locator(".self-tracks")
        tracks.get_by_text("Camera: on").wait_for(state="attached", timeout=20_000)
        tracks.get_by_text("Screen: on").wait_for(state="attached", timeout=20_000)

    def remaining_seconds(self) -> int:
        minutes, seconds = self.page.locator(".timer-face").inner_text().split(":")
        return int(minutes) * 60 + int(seconds)


@pytest.fixture
def sitter(browser: Browser, appliance: RunningAppliance) -> Iterator[Sitter]:
    person = Sitter(browser, appliance)
    yield person
    person.context.close()
    assert person.problems == []


@pytest.fixture
def make_sitter(appliance: RunningAppliance) -> Iterator[Callable[[Browser], Sitter]]:
    """Candidates in browsers that a test has started itself."""
    people: list[Sitter] = []

    def make(browser: Browser) -> Sitter:
        people.append(Sitter(browser, appliance))
        return people[-1]

    yield make
    for person in people:
        person.context.close()


class Proctor:
    """Acts by REST, as the room's page does."""

    def __init__(self, appliance: RunningAppliance) -> None:
        self._client = httpx.Client(base_url=appliance.origin)
        account = appliance.account("proctor")
        form = {"email": account["email"], "password": account["password"], "code": appliance.code("proctor")}
        csrf = _csrf(self._client.get("/login").text)
        answer = self._client.post("/login", data={**form, "csrf_token": csrf, "next": ""})
        assert answer.status_code == 303, answer.text
        self._client.headers["X-CSRF-Token"] = _csrf(self._client.get("/room").text)

    def act(self, sitting_id: int, act: str, **body: object) -> dict[str, object]:
        answer = self._client.post(f"/api/v1/sittings/{sitting_id}/{act}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def say(self, sitting_id: int, text: str, kind: str = "message") -> None:
        self.act(sitting_id, "messages", text=text, kind=kind, ref=f"ref-{text}")


def _csrf(html: str) -> str:
    block = re.search(r'id="page-data">(.*?)</script>', html, re.DOTALL)
    assert block is not None
    return json.loads(block.group(1))["csrf"]


@pytest.fixture(scope="module")
def proctor(appliance: RunningAppliance) -> Proctor:
    return Proctor(appliance)
