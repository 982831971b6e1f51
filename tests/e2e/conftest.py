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


@pytest.fixture(scope="session")
def webcam(tmp_path_factory):
    return webcam_files(tmp_path_factory.mktemp("webcam"))


@pytest.fixture(scope="module")
def appliance(tmp_path_factory):
    started = RunningAppliance(tmp_path_factory.mktemp("appliance") / "data")
    started.start()
    yield started
    assert started.stop() == 0
