"""``kustos backup stream``, as systemd runs it."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.running import ROOT, wait_for


@pytest.fixture
def streaming(settings, places, tmp_path):
    """The process; its target is no folder when it starts."""
    file = tmp_path / "kustos.toml"
    words = {"data_dir": str(settings.data_dir), "database_url": settings.database_url, "secret_key": "x" * 40}
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in words.items()))
    file.chmod(0o600)
    (tmp_path / "medium").write_text("not mounted yet")
    code = "from appliance.cli import backup; backup.BEAT_SECONDS = 0.5; from appliance.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "backup", "stream", places[0], "--keys", str(places[1])],
        env=os.environ | {"KUSTOS_SETTINGS": str(file)},
        cwd=ROOT,
    )
    yield process
    process.kill()
    process.wait()


def told(settings):
    try:
        return json.loads(settings.backup_stamp_file.read_text())
    except FileNotFoundError:
        return {}


def test_a_target_that_cannot_be_read_yet_is_said_and_tried_again(streaming, settings, tmp_path):
    wait_for(lambda: "cannot be read" in told(settings).get("error", ""), 60, "what fails to be said")
    assert streaming.poll() is None
    (tmp_path / "medium").unlink()
    wait_for(lambda: "error" not in told(settings) and told(settings).get("full_at"), 120, "a full backup")
    streaming.send_signal(signal.SIGTERM)
    assert streaming.wait(60) == 0
