import os

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.people import CHROMIUM, webcam_files
from tests.running import RunningAppliance


@pytest.fixture(scope="session")
def playwright():
    if not os.path.exists(CHROMIUM):  # noqa: PTH110
        pytest.skip(f"{CHROMIUM} is not installed: run .ci/packages test")
    with sync_playwright() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Leave what everybody saw, and the logs, beside the message of a test that failed."""
    report = yield
    if report.failed and call.when == "call":
        for person in item.funcargs.get("people", ()):
            person.shoot(f"failed-{item.name}-{person.name}")
            report.sections.append((f"{person.name}'s page", "\n".join(person.problems) or "no problems"))
        if "appliance" in item.fixturenames:
            report.sections.append(("logs", item.funcargs["appliance"].logs()))
    return report


@pytest.fixture(scope="session")
def webcam(tmp_path_factory):
    return webcam_files(tmp_path_factory.mktemp("webcam"))


@pytest.fixture(scope="module")
def appliance(tmp_path_factory):
    started = RunningAppliance(tmp_path_factory.mktemp("appliance") / "data")
    started.start()
    yield started
    assert started.stop() == 0
