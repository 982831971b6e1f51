"""Kurento by its vendor's package and in a container: what the role would write, since neither can be run here."""

import configparser
import json
import re
import shutil
import subprocess

import jinja2
import pytest
import yaml

from tests.running import ROOT

ROLE = ROOT / "ansible/roles/media_node"
IMAGE = f"docker.io/kurento/kurento-media-server@sha256:{'0' * 64}"


def rendered(name, **values):
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    known = defaults | {"media_node_ice_ports": "40000-40999", "media_node_image": IMAGE} | values
    loader = jinja2.FileSystemLoader(ROLE / "templates")
    # As Ansible has it: a block's line leaves nothing behind, an unknown name is an error.
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=True
    )
    return environment.get_template(f"{name}.j2").render(known) + "\n"


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_containers_unit_is_sound(engine, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: run .ci/packages test")
    shutil.copytree(ROOT / "systemd", tmp_path / "etc/systemd/system")
    shutil.copytree("/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    (tmp_path / "lib").symlink_to("usr/lib")  # Debian's systemd looks there as well, Ubuntu's does not
    units = tmp_path / "etc/systemd/system"
    (units / "docker.service").write_text(f"[Service]\nExecStart=/usr/bin/{engine}\n")
    unit = rendered("kurento-container.service", media_node_engine=engine)
    (units / "kurento-container.service").write_text(unit)
    program = tmp_path / "usr/bin" / engine
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    done = subprocess.run(
        ["systemd-analyze", f"--root={tmp_path}", "verify", "kurento-container.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in (done.stdout + done.stderr).splitlines() if "kurento" in line] == []


def test_a_container_may_write_recordings_and_nothing_else():
    start = re.search(r"^ExecStart=(.*?)(?<!\\)$", rendered("kurento-container.service"), re.MULTILINE | re.DOTALL)[1]
    words = start.replace("\\\n", "").split()
    assert words[-1] == IMAGE
    assert {"--read-only", "no-new-privileges", "644:644"} <= {*words}
    volumes = [words[at + 1] for at, word in enumerate(words) if word == "--volume"]
    assert [name for name in volumes if not name.endswith(":ro")] == [
        "/var/lib/kustos/recordings:/var/lib/kustos/recordings"
    ]


def test_kurento_keeps_to_the_ports_that_the_firewall_opens():
    assert json.loads(rendered("kurento.conf.json"))["mediaServer"]["net"]["websocket"]["port"] == 8888
    ports = configparser.ConfigParser()
    ports.read_string("[all]\n" + rendered("modules/kurento/BaseRtpEndpoint.conf.ini"))
    assert dict(ports["all"]) == {"minport": "40000", "maxport": "40999"}
    outside = rendered("modules/kurento/WebRtcEndpoint.conf.ini", media_node_outside_address="192.0.2.7")
    assert "externalIPv4=192.0.2.7" in outside
    assert "externalIPv4" not in rendered("modules/kurento/WebRtcEndpoint.conf.ini")
