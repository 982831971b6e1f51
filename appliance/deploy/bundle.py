"""A bundle: everything a host without internet needs, in one tar, signed.

Inside: ``wheels/`` (this release, with npm's files for its pages, and all it needs from PyPI), ``debs/`` (the
distribution's packages, a repository), ``models/`` (networks made at set-up), ``ansible/``, ``systemd/``,
``install.sh``, ``sbom.json`` (CycloneDX), ``manifest.json`` (size and SHA-256 of every file) and ``SHA256SUMS`` (the
same for coreutils), both signed (Ed25519 over the bytes, RFC 8032). The same inputs give the same bytes.
"""

import hashlib
import json
import shutil
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

from appliance.deploy import bill, packages, wheels
from appliance.digests import sha256_of
from appliance.errors import ApplianceError, BadInput
from appliance.evidence.key import read_public_key

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
SIGNATURES: Final = {MANIFEST: "manifest.sig", SUMS: "SHA256SUMS.sig"}
FORMAT: Final = 1
_UNLISTED: Final = {SUMS, *SIGNATURES, *SIGNATURES.values()}
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


@dataclass(frozen=True, slots=True)
class SetUp:
    """What ``make setup`` made beside the sources."""

    networks: tuple[Path, ...]
    npm: tuple[str, ...]
    """Packages, as ``name@version``, whose files are among the pages'."""


def create(
    source: Path,
    target: Path,
    key: Ed25519PrivateKey,
    set_up: SetUp,
    tell: Tell,
    debs: bool = True,
    inputs: Path | None = None,
) -> BundleReport:
    """Make the bundle of the checkout ``source`` in the file ``target``; it is for hosts of this machine's system.

    ``inputs``: an unpacked bundle whose packages and foreign wheels are taken instead of being fetched.
    Raises ``BundleFailed``, ``WheelsFailed`` and ``PackagesUnknown`` with what is missing or what pip or apt said.
    """
    with tempfile.TemporaryDirectory(prefix="kustos-bundle-", dir=target.parent) as name:
        folder = Path(name)
        tell("wheels")
        wheels.collect(source, folder / "wheels", inputs / "wheels" if inputs else None)
        if debs:
            tell("packages of the distribution")
            if inputs:
                shutil.copytree(inputs / "debs", folder / "debs")
            else:
                packages.collect(folder / "debs")
        tell("networks, playbooks, units")
        own_files(source, folder, set_up)
        system = packages.system() if debs else "any"
        seal(folder, key, set_up, _system_of(inputs) if inputs and debs else system)
        tell("tar")
        _pack(folder, target)
    return verify(target, key.public_key())


def _system_of(inputs: Path) -> str:
    return str(json.loads((inputs / MANIFEST).read_text(encoding="utf-8"))["system"])


def verify(path: Path, key: Ed25519PublicKey) -> BundleReport:
    """Read a whole bundle; raise ``BundleBroken`` naming the first file that is not as it was signed."""
    with _opened(path) as tar:
        manifest = _signed_manifest(tar, key)
        files: dict[str, Any] = dict(manifest["files"])
        for member in tar.getmembers():
            if member.isdir() or member.name in _UNLISTED:
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


def own_files(source: Path, folder: Path, set_up: SetUp) -> None:
    """Copy what the checkout ``source`` itself has for hosts: playbooks, units, networks, ``install.sh``."""
    for name in ("ansible", "systemd"):
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ansible"))
    (folder / "models").mkdir()
    for path in set_up.networks:
        shutil.copyfile(path, folder / "models" / path.name)
    shutil.copyfile(source / "ansible" / "install.sh", folder / "install.sh")
    (folder / "install.sh").chmod(0o755)


def seal(folder: Path, key: Ed25519PrivateKey, set_up: SetUp, system: str) -> None:
    """Write what is in ``folder`` into its bill of materials and its two lists, and sign these."""
    version = metadata.version("kustos")
    (folder / bill.FILE).write_bytes(bill.bill(folder, version, system, set_up.npm))
    manifest = _manifest(folder, version, system)
    lists = {MANIFEST: manifest, SUMS: _sums(manifest)}
    for name, content in lists.items():
        (folder / name).write_bytes(content)
        (folder / SIGNATURES[name]).write_bytes(key.sign(content))


def _manifest(folder: Path, version: str, system: str) -> bytes:
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in _UNLISTED:
            files[name] = {"size": path.stat().st_size, "sha256": sha256_of(path)}
    content = {"format": FORMAT, "version": version, "system": system, "files": files}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _sums(manifest: bytes) -> bytes:
    """Return the manifest as ``sha256sum --check`` reads it, for hosts that have no Kustos yet."""
    hashes = {name: file["sha256"] for name, file in json.loads(manifest)["files"].items()}
    hashes[MANIFEST] = hashlib.sha256(manifest).hexdigest()
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def _pack(folder: Path, target: Path) -> None:
    """Write the tar in one order, with one owner and one date; a wheel and a deb are compressed already."""
    fresh = target.with_name(target.name + ".new")
    with tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as tar:
        paths = sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())
        first = [folder / name for name in (MANIFEST, SIGNATURES[MANIFEST], SUMS, SIGNATURES[SUMS])]  # read first
        for path in [*first, *(path for path in paths if path not in first)]:
            entry = tar.gettarinfo(path, path.relative_to(folder).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = wheels.EPOCH
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
    texts = {}
    for name, signature in SIGNATURES.items():
        texts[name] = _content(tar, name)
        try:
            key.verify(_content(tar, signature), texts[name])
        except InvalidSignature as error:
            raise BundleBroken(f"The bundle's {name} was not signed by this key; do not install it.") from error
    manifest: dict[str, Any] = json.loads(texts[MANIFEST])
    if manifest.get("format") != FORMAT:
        raise BundleBroken("The bundle has a format that this release does not know; use its own installer.")
    if texts[SUMS] != _sums(texts[MANIFEST]):
        raise BundleBroken(f"The bundle's {SUMS} and {MANIFEST} differ; do not install it.")
    return manifest


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        return b"".join(_pieces(tar, tar.getmember(name)))
    except KeyError as error:
        raise BundleBroken(f"The bundle has no {name}.") from error


def _pieces(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member)
    while file is not None and (piece := file.read(_PIECE)):
        yield piece


def _digest(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
