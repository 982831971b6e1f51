"""The distribution's packages that a host needs, with all they need themselves, as a repository in a folder.

apt is asked what it would install on a host that has nothing at all; so the answer does not depend on this machine.
"""

import gzip
import hashlib
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from appliance.errors import ApplianceError

WANTED: Final = (
    "python3-venv",
    "python3-apt",
    "python3-gi",
    "gir1.2-gstreamer-1.0",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-plugins-bad-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-nice",
    "fonts-dejavu-core",
    "tesseract-ocr",
    "tesseract-ocr-rus",
    "python3-ldap",
    "tpm2-tools",
    "postgresql",
    "nginx-light",
    "prometheus",
    "coturn",
    "dehydrated",
    "nftables",
    "nfs-common",
    "openssl",
    "sudo",
    "systemd-timesyncd",
)
"""What the roles install; a test holds it against them."""


class PackagesUnknown(ApplianceError):
    """apt cannot say which packages are needed."""


def system() -> str:
    """Return the distribution that packages of this machine fit, as ``debian-12``."""
    words = {}
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        words[name] = value.strip('"')
    return f"{words.get('ID', 'linux')}-{words.get('VERSION_ID', '0')}"


def collect(folder: Path) -> int:
    """Download the packages into ``folder``, with an index that apt reads; return how many.

    Raises ``PackagesUnknown`` with what apt said.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:  # /tmp may be another file system, or memory
        status = Path(name) / "status"
        status.touch()
        options = [
            "-o",
            f"Dir::State::status={status}",
            "-o",
            f"Dir::Cache::archives={name}",
            "-o",
            "Debug::NoLocking=1",
        ]
        install = ["apt-get", "-qq", "-y", *options, "--no-install-recommends", "install", *WANTED]
        _run([*install[:1], "--print-uris", *install[1:]])  # says what is wrong before anything is fetched
        (Path(name) / "partial").mkdir()
        _run([*install[:1], "--download-only", *install[1:]])
        found = sorted(Path(name).glob("*.deb"))
        for path in found:
            path.rename(folder / unquote(path.name).replace(":", "_"))
    return index(folder)


def index(folder: Path) -> int:
    """Write the list that apt reads for the packages in ``folder``; return how many there are."""
    found = sorted(folder.glob("*.deb"))
    text = "\n".join(_entry(path) for path in found)
    (folder / "Packages").write_text(text, encoding="utf-8")
    (folder / "Packages.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return len(found)


def _entry(path: Path) -> str:
    """Return the package's own description with where it lies and what it must be (deb822, as dpkg-scanpackages)."""
    control = _run(["dpkg-deb", "--field", str(path)]).rstrip()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{control}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words, own paths
    if done.returncode:
        raise PackagesUnknown(f"{command[0]}: {done.stderr.strip()[-2000:]}; run `apt-get update` and try again.")
    return done.stdout
