"""The job in a real worker process: killed in the middle, asked to stop, and at last ready."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from appliance.db import unit_of_work
from appliance.evidence import verify
from appliance.models import Export
from appliance.services import exports
from appliance.vocabulary import ExportContent, ExportState, Role
from media.exports.make import copy_out

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def worker(settings):
    """``worker()``: a process of the queue of exports; ended with the test."""
    running = []

    def start():
        environment = {
            **os.environ,
            "KUSTOS_DATA_DIR": str(settings.data_dir),
            "KUSTOS_DATABASE_URL": settings.database_url,
            "KUSTOS_SECRET_KEY": settings.secret_key,
            "KUSTOS_TAKEOVER_SECONDS": "2",
            "KUSTOS_HEARTBEAT_SECONDS": "0.5",
        }
        command = [sys.executable, "-m", "appliance.cli", "worker", "--queue", "exports"]
        running.append(subprocess.Popen(command, env=environment))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def until(condition, seconds, what):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"no {what} within {seconds} s"
        time.sleep(0.02)


def test_a_killed_and_a_stopped_worker_are_succeeded(worker, collaborators, judged, make, session, tmp_path):
    actor = make.actor(make.user(Role.REVIEWER))
    contents = [ExportContent.SIDE_BY_SIDE]
    row = exports.request(session, actor, collaborators.settings, judged, contents)
    session.commit()

    def state():
        session.expire_all()
        return session.get(Export, row.id).state

    folder = collaborators.settings.data_dir / "exports" / str(row.id)

    def at_work():
        return folder.exists() or state() is ExportState.READY

    first = worker()
    until(at_work, 60, "export under way")
    first.kill()
    first.wait()
    shutil.rmtree(folder, ignore_errors=True)  # what it left behind says nothing of its successor
    second = worker()
    until(at_work, 60, "export under way again")
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    if state() is not ExportState.READY:
        assert not folder.exists(), "who is asked to stop tidies up"
        worker()
    until(lambda: state() is ExportState.READY, 90, "ready export")
    assert not folder.exists()
    path = tmp_path / "export.zip"
    with unit_of_work(collaborators.session_factory) as fresh:
        ready = exports.get(fresh, row.id)
    copy_out(collaborators, ready, path)
    assert verify([path]).is_whole
