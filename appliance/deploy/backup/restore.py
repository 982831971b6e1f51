"""A backup put onto a host: database, keys, sealed files and papers; nothing that is there is overwritten unasked."""

import contextlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, inspect, select, update

from appliance import schema
from appliance.db import unit_of_work, utcnow
from appliance.deploy.backup import state
from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.deploy.backup.postgres import Server
from appliance.deploy.backup.proof import Proof, assembled, erased_since, prove
from appliance.deploy.backup.recovery import Recovered, recovered, unpack_aside
from appliance.deploy.backup.sealing import BackupKeys
from appliance.deploy.backup.stores import Store, copy_private, files_below, worded
from appliance.digests import sha256_of
from appliance.models import DataKey, VaultObject
from appliance.settings import Settings
from appliance.vault.files import erase

AT_ONCE: Final = 4
EMPTIED: Final = """
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT format('public.%I', c.relname) AS name, c.relkind AS kind FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') LOOP
    EXECUTE format('DROP %s IF EXISTS %s CASCADE',
      CASE one.kind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, one.name);
  END LOOP;
  FOR one IN SELECT format('public.%I', c.relname) AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' LOOP
    EXECUTE format('DROP SEQUENCE IF EXISTS %s CASCADE', one.name);
  END LOOP;
  FOR one IN SELECT format('public.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS name
      FROM pg_proc p
      WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name);
  END LOOP;
  FOR one IN SELECT format('public.%I', t.typname) AS name FROM pg_type t
      WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd', 'c') AND t.typelem = 0
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', one.name);
  END LOOP;
END $$
"""
"""What the database's owner may do by himself: the database and the schema stay."""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What is back."""

    moment: str
    reaches: datetime
    """Everything committed until then is back; nothing later."""
    proof: Proof
    files: int
    """Sealed files that are in the vault now and were compared with the database's hashes."""
    missing: list[str]
    """Sealed files that the database speaks of and the backup has not."""
    erased: int
    """Keys of what was erased after the time that was restored; it stays erased."""


def demand_alone(settings: Settings) -> None:
    """Raise ``BackupFailed`` where processes still work on the database."""
    others = Server(settings.database_url).scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    if others:
        raise BackupFailed(
            f"{others} connections to the database are open: stop all processes on all hosts first "
            "(systemctl stop kustos.target)."
        )


def holds_data(settings: Settings) -> str:
    """Return what a restore would take the place of, in words; empty on a host that nobody has used yet.

    Raises ``BackupFailed`` where the database cannot be asked.
    """
    server = Server(settings.database_url)
    found = []
    engine = create_engine(settings.database_url)
    try:
        tables = inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if tables:
        companies = int(server.scalar("SELECT count(*) FROM company")) if "company" in tables else -1
        if companies:
            found.append(
                f"{companies} companies in the database" if companies > 0 else "a database of something else"
            )
    sealed = sum(1 for _ in settings.vault.rglob("*.sealed"))
    if sealed:
        found.append(f"{sealed} sealed files in {settings.vault}")
    return ", ".join(found)


def demand_unused(settings: Settings, *, replace: bool) -> str:
    """Return what would be lost; raise ``BackupFailed`` where there is any and nobody said that it may be."""
    there = holds_data(settings)
    if there and not replace:
        raise BackupFailed(f"This host is in use ({there}): use another one, or say --replace to lose what is there.")
    return there


def restore(
    settings: Settings, store: Store, keys: Path, moment: str, until: datetime | None = None, *, replace: bool = False
) -> RestoreReport:
    """Put a backup onto this host, whose processes are stopped.

    Nothing is touched before the backup was read, authenticated and recovered whole. ``replace``: what is there may
    go. Run again after a failure it goes on: sealed files that are there already are not fetched again.
    Raises ``BackupFailed``, ``BackupBroken``, ``DrillFailed``, ``AuditBroken``.
    """
    demand_unused(settings, replace=replace)
    demand_alone(settings)
    with recovered(settings, store, keys, moment, until) as found:
        _load(settings, found)
        _take_keys(settings, keys)
    schema.upgrade(settings.database_url)
    with assembled(settings) as own:
        keys_here = BackupKeys(settings.backup_keys_folder, own.vault.master_key)
        unpack_aside(store, keys_here, moment, settings.data_dir)
    erased = _mark_erased(settings)
    files, missing = _take_files(settings, store)
    proof = prove(settings)
    state.set_generation(settings, None)
    shutil.rmtree(settings.backup_work / "log", ignore_errors=True)
    return RestoreReport(moment, found.reaches, proof, files, missing, erased)


def _load(settings: Settings, found: Recovered) -> None:
    """Bring the database over; in one transaction, so that a failure leaves what was there."""
    target = Server(settings.database_url)
    with tempfile.TemporaryDirectory(dir=settings.backup_work, prefix="restore-") as name:
        dump = f"{name}/database.dump"
        source = Server(found.settings.database_url)
        plain = ["--no-owner", "--no-privileges"]
        source.run("pg_dump", "--dbname", source.database, "--format=custom", "-Z1", *plain, f"--file={dump}")
        target.scalar(EMPTIED)
        target.run("pg_restore", "--dbname", target.database, *plain, "--exit-on-error", "--single-transaction", dump)


def _take_keys(settings: Settings, keys: Path) -> None:
    """Put the backup's keys in the place of what an installation made for itself."""
    with worded(keys, keys):
        wanted = {path.relative_to(keys): path for path in files_below(keys)}
    for relative, path in sorted(wanted.items()):
        copy_private(path, settings.keys / relative, keys)
    for path in sorted(settings.keys.rglob("*")):
        if path.is_file() and path.relative_to(settings.keys) not in wanted:
            erase(path)


def _mark_erased(settings: Settings) -> int:
    """Have the database say of keys that are not there any more that they are destroyed."""
    gone = erased_since(settings)
    if gone:
        with assembled(settings) as own, unit_of_work(own.session_factory) as session:
            session.execute(update(DataKey).where(DataKey.id.in_(gone)).values(destroyed_at=utcnow()))
    return len(gone)


def _take_files(settings: Settings, store: Store) -> tuple[int, list[str]]:
    """Fetch what is not here, compare everything with the hash it was sealed with; return how many and the missing.

    Raises ``BackupBroken`` naming the first file that is not as it was sealed.
    """
    with assembled(settings) as own, unit_of_work(own.session_factory) as session:
        living = select(VaultObject.path, VaultObject.sealed_sha256).join(DataKey)
        wanted = [tuple(row) for row in session.execute(living.where(DataKey.destroyed_at.is_(None)))]

    def take(one: tuple[str, str]) -> str:
        name, digest = one
        path = settings.vault / name
        if not path.exists() or (digest and sha256_of(path) != digest):
            with contextlib.suppress(BackupBroken):
                store.fetch(f"vault/{name}", path)
            if not path.exists():
                return name
            if digest and sha256_of(path) != digest:
                raise BackupBroken(f"The sealed file {name} in the backup is not as it was made.")
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        missing = [name for name in pool.map(take, wanted) if name]
    return len(wanted) - len(missing), missing


def use_secret(settings_file: Path, settings: Settings) -> None:
    """Have the settings sign with the restored appliance's secret: links and tokens it gave out go on being good."""
    secret = settings.keys / "secret.key"
    if not secret.exists():
        return
    lines = settings_file.read_text(encoding="utf-8").splitlines(keepends=True)
    fresh = [
        f'secret_key = "{secret.read_text().strip()}"\n' if line.startswith("secret_key") else line for line in lines
    ]
    settings_file.write_text("".join(fresh), encoding="utf-8")
