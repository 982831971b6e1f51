"""Ask the advisories about every pinned Python and Node package: ``make audit-dependencies``.

Exit status 0: asked, and nothing is known. 1: something is known. 3: could not tell, because nobody answered; that is
no pass. Pins are checked first: what is installed must be what ``constraints.txt`` and the lock files say.
"""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120
CLEAN, KNOWN, COULD_NOT_TELL = 0, 1, 3


def pins() -> dict[str, str]:
    """Return distribution -> version, of constraints.txt and of the files whose packages are checked by hash."""
    found = {}
    for name in ("constraints.txt", "requirements-models.txt", "requirements-bench.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            pinned = re.match(r"([\w.-]+)==([^\s\\]+)", line)
            if pinned:
                found[canonicalize_name(pinned[1])] = pinned[2]
    return found


def strays() -> list[str]:
    """Return the installed distributions that are needed or used by tests and differ from their pin."""
    known = pins()
    own = sysconfig.get_path("purelib")  # setuptools adds to the search path what it brings inside itself
    return [
        f"{one.name} {one.version} is installed, {known[canonicalize_name(one.name)]} is pinned"
        for one in metadata.distributions(path=[own])
        if known.get(canonicalize_name(one.name), one.version) != one.version
    ]


def python_weaknesses() -> list[str] | None:
    """Return what is known, None where nobody answered."""
    options = ["--format", "json", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "20"]
    wanted = ROOT / "build/pins.txt"
    wanted.parent.mkdir(exist_ok=True)
    wanted.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins().items())), encoding="utf-8")
    tool = Path(sys.executable).with_name("pip-audit")
    found = _asked([tool, "-r", wanted, *options])
    if found is None or "dependencies" not in found:
        return None
    if any("skip_reason" in one for one in found["dependencies"]):
        return None
    return [f"{one['name']} {one['version']}: {v['id']}" for one in found["dependencies"] for v in one["vulns"]]


def node_weaknesses(folder: Path) -> list[str] | None:
    """Return what is known of a lock file's packages, None where nobody answered."""
    npm = shutil.which("npm")
    found = _asked([npm, "audit", "--json", "--package-lock-only"], folder) if npm else None
    if found is None or "vulnerabilities" not in found:
        return None
    return [f"{name} ({one['severity']})" for name, one in found["vulnerabilities"].items()]


def _asked(command: list, folder: Path = ROOT) -> dict | None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603, PLW1510
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return found if isinstance(found, dict) else None


def main() -> int:
    """Print one line for each source; return the exit status."""
    different = strays()
    print("\n".join(different) or "pins: everything installed is what is pinned")
    status = KNOWN if different else CLEAN
    asked = {
        "Python": python_weaknesses(),
        "Node": node_weaknesses(ROOT),
        "Node (test of Kurento's client)": node_weaknesses(ROOT / "tests/media/kurento/js"),
    }
    for source, found in asked.items():
        if found is None:
            print(f"{source}: could not tell, the advisories did not answer")
            status = status or COULD_NOT_TELL
        else:
            print(f"{source}: {'; '.join(found) or 'nothing is known'}")
            status = KNOWN if found else status
    return status


if __name__ == "__main__":
    sys.exit(main())
