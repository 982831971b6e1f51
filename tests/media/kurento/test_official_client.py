"""The official client of Kurento drives the node, unchanged."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.media.node.clips import Recorded, colour_at, write_clip

FOLDER = Path(__file__).parent / "js"
CLIENT = FOLDER / "node_modules" / "kurento-client" / "package.json"


@pytest.mark.timeout(120)
def test_the_official_client_drives_the_node(own_node, tmp_path):
    """Talk to oneself by WebRTC through a Composite into a file."""
    assert CLIENT.exists(), "`make setup-test` installs the official client into tests/media/kurento/js"
    assert json.loads(CLIENT.read_text())["version"] == "7.3.0"
    source, target = write_clip(tmp_path / "in.webm", "green", 20.0, (160, 120)), tmp_path / "out.webm"
    command = ["node", "drive.mjs", own_node.url, source.as_uri(), target.as_uri()]
    run = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=90)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["version"] == "7.3.0"
    assert told["modules"] == ["core", "elements", "filters"]
    assert told["kinds"] == ["PlayerEndpoint", "WebRtcEndpoint", "WebRtcEndpoint", "RecorderEndpoint"]
    assert told["connected"] and told["flow"] == "FLOWING" and told["flowingIn"] and told["dot"]
    assert "GATHERING" in told["states"]
    assert told["stats"].count("inboundrtp") == 2
    assert (told["name"], told["parent"]) == ("corridor", True)
    assert told["error"][0] == 40700 and "Seek fails" in told["error"][1]
    assert told["gone"] == 40101
    found = Recorded.of(target)
    assert colour_at(found.pictures[-1][1], 0.5, 0.5) == "green"
    assert found.tones() == {"green"}


def test_the_lock_can_be_read_by_the_npm_of_debian_and_ubuntu():
    """npm 9 ends at an override of what is no version: one of a registry is forced here on a client that wants a
    branch. A newer npm writes that wish into the lock again; "*" has to be put into its place."""
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    wishes = [wish for package in packages.values() for wish in package.get("dependencies", {}).items()]
    wishes += json.loads((FOLDER / "package.json").read_text())["overrides"].items()
    assert [wish for name, wish in wishes if name == "reconnect-ws"] == ["*", "0.1.0"]
    assert [wish for wish in wishes if not re.fullmatch(r"[\^~<>=|*x.0-9 -]+", wish[1])] == []
