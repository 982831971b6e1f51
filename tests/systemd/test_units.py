"""The units are sound, and let their processes do nothing but their work."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.standalone.layout import Ports
from appliance.standalone.supervision import programs
from tests.running import ROOT

UNITS = sorted((ROOT / "systemd").glob("*.service"))
STARTED_OTHERWISE = {"kustos-backup"}
"""By a timer."""
MOST = 2.5
"""Exposure as `systemd-analyze security` counts it, 0 (locked in) to 10."""


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Path:
    """A root in which the units lie as an installation puts them."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: run .ci/packages test")
    root = tmp_path_factory.mktemp("host")
    shutil.copytree(ROOT / "systemd", root / "etc/systemd/system")
    shutil.copytree("/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    (root / "lib").symlink_to("usr/lib")  # Debian's systemd looks there as well, Ubuntu's does not
    for path in ("opt/kustos/current/venv/bin/kustos", "usr/bin/kurento-media-server"):
        program = root / path
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    return root


def instance(unit: Path) -> str:
    return unit.name.replace("@.", "@1.")


def analyse(host: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", f"--root={host}", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_is_locked_in(host, unit):
    said = analyse(host, "security", "--offline=true", instance(unit))
    exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", said)[1])
    assert exposure <= MOST, said


def test_a_service_that_is_not_locked_in_would_be_found(host):
    loose = host / "etc/systemd/system/loose.service"
    loose.write_text("[Service]\nExecStart=/opt/kustos/current/venv/bin/kustos web\n")
    said = analyse(host, "security", "--offline=true", "loose.service")
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", said)[1]) > MOST


def test_systemd_has_nothing_to_say_against_the_units(host):
    said = analyse(host, "verify", "kustos.target", *(instance(unit) for unit in UNITS))
    ours = [line for line in said.splitlines() if "kustos" in line]
    assert ours == []


def test_every_process_of_the_appliance_has_a_unit():
    started = {
        tuple(line.removeprefix("ExecStart=/opt/kustos/current/venv/bin/kustos ").split())
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    }
    without_addresses = {tuple(word for word in words if not word.startswith(("--listen", "$"))) for words in started}
    for program in programs(Ports.from_public(8080)):
        words = tuple(word for word in program.arguments if not word.startswith(("--listen", "127.")))
        assert words in without_addresses, words


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.stem not in STARTED_OTHERWISE], ids=lambda unit: unit.name
)
def test_a_unit_comes_back_with_the_host(host, unit):
    """systemctl reads what a unit says itself, not what a drop-in of all says."""
    subprocess.run(["systemctl", f"--root={host}", "enable", instance(unit)], check=True, capture_output=True)
    assert (host / "etc/systemd/system/kustos.target.wants" / instance(unit)).is_symlink()
