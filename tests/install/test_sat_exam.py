"""A bare Debian, one command, and a candidate sits an exam on it over TLS; a reviewer sees the recording."""

import re
import sys
import time
from contextlib import contextmanager
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import expect, sync_playwright

from appliance.db import utcnow
from appliance.services import admissions
from tests.e2e.people import CHROMIUM, FLAGS, CandidatePerson, StaffPerson, webcam_files
from tests.install.conftest import HOST_NAME
from tests.running import wait_for

ADMIN, PASSWORD = "ada@acme.example", "Correct-horse-7-battery-staple"
ORIGIN = f"https://{HOST_NAME}"


class InstalledAppliance:
    """What people of tests need of an appliance, on a host of its own."""

    origin = ORIGIN

    def __init__(self, machine, database=None):
        """``machine`` serves the pages; ``database``: the host of the database, when it is another."""
        self._database = database or machine
        said = machine.run("kustos", "company", "create", "acme", "--name", "Acme Academy")
        self.integration_secret = said.split()[-1]
        options = ["--company", "acme", "--name", "Ada Admin", "--role", "admin", "--password", PASSWORD]
        said = machine.run("kustos", "user", "create", ADMIN, *options)
        self.totp_secret = said.split()[-1]

    def account(self, role):
        return {"email": ADMIN, "password": PASSWORD}

    def code(self, role):
        return pyotp.TOTP(self.totp_secret).now()

    def start_address(self, minutes=10, number=7):
        """The link that a candidate's course gives to the sitting of this number, of an exam of this length."""
        now = utcnow()
        claims = {
            "userId": str(number),
            "accountId": "acme",
            "accountName": "Acme Academy",
            "examId": "logic",
            "examName": "Logic",
            "duration": minutes,
            "schedule": False,
            "proctoring": "auto",
            "identification": "face",
            "startDate": (now - timedelta(minutes=5)).isoformat(),
            "endDate": (now + timedelta(hours=1)).isoformat(),
            "sessionId": f"logic-{number}",
            "sessionUrl": "",
            "firstName": "Ann",
            "lastName": "Example",
            "exp": int((now + timedelta(hours=1)).timestamp()),
        }
        token = admissions.sign(claims, self.integration_secret.encode())
        return f"/integration/simple/acme/start/?token={token}"

    def ask(self, query):
        """The first column of the first row, as text."""
        command = ["sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", query]
        return self._database.run(*command).strip()


@pytest.fixture(scope="module")
def appliance(installed):
    return InstalledAppliance(installed)


@contextmanager
def browsing(address, folder):
    """A browser with a webcam, for which ``address`` is that of the appliance's name."""
    picture, sound, _ = webcam_files(folder)
    flags = [
        *FLAGS,
        f"--use-file-for-fake-video-capture={picture}",
        f"--use-file-for-fake-audio-capture={sound}",
        f"--host-resolver-rules=MAP {HOST_NAME} {address}",
    ]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield launched
        launched.close()


def sits_exam(candidate, appliance, name):
    """From the course's link until both recordings are sealed."""
    candidate.page.goto(appliance.start_address())
    candidate.consent()
    candidate.check_system()
    candidate.photograph("face-photo")
    candidate.sees_exam(60)
    recording = "SELECT count(*) FROM part WHERE ended_at IS NULL"
    wait_for(lambda: appliance.ask(recording) == "2", 30, "camera and screen being recorded")
    begun = time.monotonic()
    wait_for(lambda: time.monotonic() - begun > 8, 20, "an exam of some length")
    candidate.shoot(name)
    candidate.click("Finish")
    candidate.page.get_by_role("button", name="Finish now").click()
    # A machine under load may have made a track of several parts; all of them have to be sealed.
    sealed = "SELECT count(DISTINCT track), count(*) - count(vault_object_id) FROM part"
    wait_for(lambda: appliance.ask(sealed) == "2|0", 90, "both recordings sealed")
    assert candidate.problems == []


def sees_recording(reviewer, appliance, name):
    """From the log-in to pictures of both tracks."""
    reviewer.log_in("admin")
    sitting = appliance.ask("SELECT max(id) FROM sitting")
    reviewer.page.goto(f"/sittings/{sitting}")
    video = reviewer.page.locator("figure.player video").first
    expect(video).to_be_visible(timeout=30_000)
    reviewer.page.wait_for_function(
        "() => [...document.querySelectorAll('figure.player video')].every(v => v.videoWidth > 0)", timeout=30_000
    )
    reviewer.shoot(name)
    assert reviewer.problems == []


@pytest.fixture(scope="module")
def browser(installed, tmp_path_factory):
    with browsing(installed.address, tmp_path_factory.mktemp("webcam")) as launched:
        yield launched


@pytest.fixture
def people():
    """Whose pages are kept when a test fails."""
    return []


def test_a_candidate_sits_an_exam_and_it_is_sealed(installed, appliance, browser, people, capsys):
    came = time.monotonic()
    candidate = CandidatePerson(browser, appliance, "installed-candidate", origin=ORIGIN)
    people.append(candidate)
    sits_exam(candidate, appliance, "installed-exam")
    seconds = installed.seconds + time.monotonic() - came
    with capsys.disabled():
        sys.stdout.write(f"\ninstalled and sat in {seconds:.0f} s\n")
    candidate.context.close()


def test_a_reviewer_sees_what_was_recorded(appliance, browser):
    reviewer = StaffPerson(browser, appliance, "installed-reviewer", origin=ORIGIN)
    sees_recording(reviewer, appliance, "installed-review")
    reviewer.context.close()


def test_nothing_failed_behind_what_people_saw(appliance):
    """Photos looked at, recordings analysed: what the pages do not wait for."""
    left = (
        "SELECT string_agg(task_name, ' ') FROM procrastinate_jobs WHERE task_name IN"
        " ('media.check_photo', 'media.seal', 'media.analyse_recording', 'media.read_document')"
    )
    wait_for(lambda: appliance.ask(left) == "", 120, "everything that the exam asked for to succeed")


def test_the_evidence_and_the_log_are_whole(installed):
    said = installed.run("kustos", "audit", "verify")
    assert re.search(r"\d+ entries", said)
    assert "SyntaxError" not in installed.run("kustos", "vault", "verify")


def test_a_backup_of_it_can_be_restored(installed):
    """In a place of its own, on the very host; sealed recordings are opened."""
    for folder in ("/mnt/backup", "/mnt/keys"):
        installed.run("install", "-d", "-o", "kustos", "-g", "kustos", "-m", "700", folder)
    made = installed.run("kustos", "backup", "create", "/mnt/backup/kustos", "--keys", "/mnt/keys/kustos")
    assert re.search(r"Backup \S+: \d+ acts, [1-9]\d* sealed files", made), made
    said = installed.run("kustos", "backup", "drill", "/mnt/backup/kustos", "--keys", "/mnt/keys/kustos", seconds=300)
    assert re.search(r"restored in \d+\.\d s; [1-9]\d* sealed files opened", said), said
