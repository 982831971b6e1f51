"""The export dialog in a real Chromium: nothing yet, under way, ready, downloaded and whole, deleted."""

import os
import socket
import subprocess
import sys

import pyotp
import pytest
from playwright.sync_api import expect

from appliance.db import unit_of_work
from appliance.evidence import verify
from appliance.services import exports
from appliance.vocabulary import ExportState, Role
from media.exports.make import make_export
from tests.factories import PASSWORD
from tests.media.exports.conftest import judged, recordings  # noqa: F401 - fixtures

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def origin(collaborators, settings):
    """The real web process on a port of its own; jobs are done by the test, when it wants them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        environment = {
            "PATH": os.environ["PATH"],
            "KUSTOS_DATA_DIR": str(settings.data_dir),
            "KUSTOS_DATABASE_URL": settings.database_url,
            "KUSTOS_SECRET_KEY": settings.secret_key,
        }
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--threads", "4"]
        command += ["--no-control-socket", "web.app:make_wsgi()"]
        process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        process.terminate()
        process.wait(20)


@pytest.fixture
def page(browser, origin, make, judged):  # noqa: F811
    reviewer = make.user(Role.REVIEWER, totp_secret=SECRET, name="Rita Review")
    make.session.commit()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=origin, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(60_000)  # other tests may keep every core busy
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"/login?next=/sittings/{judged.id}")
    page.get_by_label("E-mail").fill(reviewer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(f"**/sittings/{judged.id}")
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def shoot(request, page):
    """Screenshots to be looked at, in the folder that --basetemp names."""

    def take(name):
        page.screenshot(path=str(request.config._tmp_path_factory.getbasetemp() / f"export-{name}.png"))

    return take


def the_row(collaborators, sitting_id):
    with unit_of_work(collaborators.session_factory) as session:
        return exports.listing(session, sitting_id)[0]


def test_from_nothing_to_a_whole_archive_and_away_again(page, shoot, collaborators, judged, tmp_path):  # noqa: F811
    page.get_by_role("button", name="Export…").click()
    dialog = page.get_by_role("dialog", name="Export the evidence")
    expect(dialog.get_by_text("Nothing has been exported yet")).to_be_visible(timeout=30_000)
    shoot("1-none")
    send = dialog.get_by_role("button", name="Make the export")
    for name in ("Camera", "Screen"):
        dialog.get_by_label(name, exact=False).first.uncheck()
    expect(send).to_be_disabled()
    dialog.get_by_label("Camera").first.check()
    dialog.get_by_label("Side by side").check()
    expect(dialog.get_by_label("File format of the side-by-side film")).to_be_visible(timeout=30_000)
    send.click()
    expect(dialog.get_by_text("Waits for its turn")).to_be_visible(timeout=30_000)
    row = the_row(collaborators, judged.id)
    assert row.contents == ["camera", "side_by_side"]
    with unit_of_work(collaborators.session_factory) as session:
        exports.begin(session, row.id)
        exports.note_progress(session, row.id, 0.42)
    expect(dialog.get_by_text("42%")).to_be_visible(timeout=30_000)
    shoot("2-working")
    assert make_export(collaborators, row.id)
    link = dialog.locator(".export-row a.btn")
    link.wait_for()
    with page.expect_download() as download:
        link.click()
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    assert archive.name == f"kustos-sitting-{judged.id}-export-{row.id}.zip"
    assert verify([archive]).is_whole
    dialog.get_by_text("Single files, and how to check").click()
    with page.expect_download() as one:
        dialog.get_by_role("link", name="side-by-side.webm").click()
    assert one.value.suggested_filename == "side-by-side.webm"
    shoot("3-ready")
    dialog.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this export?").get_by_role("button", name="Delete").click()
    expect(dialog.get_by_text("Nothing has been exported yet")).to_be_visible(timeout=30_000)
    with unit_of_work(collaborators.session_factory) as session:
        assert exports.get(session, row.id).state is ExportState.DELETED


def test_a_failed_one_says_why_in_russian_too(page, shoot, collaborators, judged):  # noqa: F811
    for file in collaborators.settings.vault.rglob("*.sealed"):
        file.unlink()
    page.goto(f"/sittings/{judged.id}?lang=ru")
    page.get_by_role("button", name="Экспорт…").click()
    dialog = page.get_by_role("dialog", name="Экспорт доказательств")
    dialog.get_by_role("button", name="Сделать экспорт").click()
    expect(dialog.get_by_text("Ждёт своей очереди")).to_be_visible(timeout=30_000)
    assert not make_export(collaborators, the_row(collaborators, judged.id).id)
    expect(dialog.get_by_text("Экспорт не удался.")).to_be_visible(timeout=30_000)
    shoot("4-failed-ru")
