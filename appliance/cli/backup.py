"""``kustos backup``: make one, keep it up to the minute, see that it is whole, practise, put it onto a host."""

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import structlog

from appliance import audit
from appliance.cli import host_restore
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_settings
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.deploy.backup import catalogue, full, recovery, state
from appliance.deploy.backup.drill import DrillReport
from appliance.deploy.backup.drill import drill as practise
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.full import FullReport
from appliance.deploy.backup.restore import demand_unused
from appliance.deploy.backup.restore import restore as put_back
from appliance.deploy.backup.stream import BEAT_SECONDS, Stream, run
from appliance.deploy.backup.targets import open_store
from appliance.errors import ApplianceError, BadInput
from appliance.logs import configure
from appliance.readiness import tell
from appliance.settings import Settings

_FOLDER = click.Path(path_type=Path, file_okay=False)
_TARGET = click.argument("target", default="")
_DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
_KEYS = click.option("--keys", type=_FOLDER, default=None, help="Folder of the keys [default: backup_keys].")
_MOMENT = click.option("--moment", default="", help="Which full backup [default: the newest that fits].")
_UNTIL = click.option(
    "--until", default="", help="As it was at this time: 2026-11-22T15:00:00+03:00 [default: the end]."
)

log = structlog.get_logger(__name__)


@click.group()
def backup() -> None:
    """Keep what was entrusted to the appliance, and get it back.

    TARGET is a folder on another medium, or s3://bucket/prefix [default: the setting backup_target].
    """


@backup.command()
@_TARGET
@_KEYS
@_DATA
def create(target: str, keys: Path | None, data: str | None) -> None:
    """Make a full backup in TARGET; sealed files that are there already are not copied again."""
    configure()
    with command_collaborators(data) as own:
        target, folder = _places(own.settings, target, keys)
        try:
            report = _full(own, target, folder)
        except (ApplianceError, OSError) as error:
            _note_failure(own, error)
            raise
    manifest = report.manifest
    click.echo(
        f"Backup {manifest.moment}: {manifest.audit_entries} acts, {manifest.files} sealed files, "
        f"{manifest.size_bytes / 1e6:.1f} MB of database in {report.seconds:.1f} s."
    )
    click.echo(
        f"{report.copied_bytes / 1e6:.1f} MB of sealed files were new, {report.erased} erased ones were taken out, "
        f"{len(report.expired)} backups came of age. Keys: {folder}; keep them apart from {target}."
    )


@backup.command()
@_TARGET
@_KEYS
@_DATA
def stream(target: str, keys: Path | None, data: str | None) -> None:
    """Bring everything that is committed to TARGET within the minute, until stopped: what systemd runs."""
    configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with command_collaborators(data) as own:
        target, folder = _places(own.settings, target, keys)
        full.demand_apart(own.settings, target, folder)
        tell(f"READY=1\nSTATUS=Streaming to {target}")
        there = _looked_at(own, target, folder, stop)
        if there is None:
            return

        def told(error: BackupFailed | None) -> None:
            _note_failure(own, error) if error else _note_success(own)

        try:
            run(there, stop, full=lambda: _full(own, target, folder), told=told, pulse=lambda: tell("WATCHDOG=1"))
        except BackupFailed as error:
            _note_failure(own, error)
            raise
        finally:
            tell("STOPPING=1")
            there.close()


def _looked_at(own: Collaborators, target: str, keys: Path, stop: threading.Event) -> Stream | None:
    """Return the stream once its target can be looked at; None where it is told to stop before that.

    A target that is away, or cannot be read yet, is no reason to be ended and started all the time, nor for an
    installation to fail: it is said, and tried again.
    """
    failing = False
    while True:
        try:
            there = Stream(own, target, keys)
        except BackupFailed as error:
            if not failing:
                _note_failure(own, error)
            failing = True
            tell("WATCHDOG=1")
            if stop.wait(BEAT_SECONDS):
                return None
        else:
            if failing:
                _note_success(own)
            return there


@backup.command()
@_TARGET
@_KEYS
@_MOMENT
@_DATA
def verify(target: str, keys: Path | None, moment: str, data: str | None) -> None:
    """Open every piece of the backup in TARGET; exit with 1 naming the first that is not as it was made."""
    settings = command_settings(data)
    target, folder = _places(settings, target, keys)
    store = open_store(settings, target)
    manifest, reaches = recovery.verify(store, folder, catalogue.choose(store, moment), settings)
    click.echo(f"Backup {manifest.moment} is whole and reaches until {reaches:%Y-%m-%d %H:%M:%S} UTC.")


@backup.command()
@_TARGET
@_KEYS
@_MOMENT
@_UNTIL
@click.option("--replace", is_flag=True, help="What is on this host may be lost; asks once more.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_DATA
def restore(
    target: str, keys: Path | None, moment: str, until: str, replace: bool, yes: bool, data: str | None
) -> None:
    """Put the backup in TARGET onto this host, and see that it can be read.

    As root on an installed host it also stops the units, and starts them afterwards.
    """
    if host_restore.is_root_of_installed_host(data):
        host_restore.run_all()
        return
    host_restore.keep_rights_to_itself()
    settings = command_settings(data)
    target, folder = _places(settings, target, keys)
    store, time = open_store(settings, target), _time(until)
    chosen = catalogue.choose(store, moment, time)
    there = demand_unused(settings, replace=replace)
    if there and not yes:
        click.confirm(f"This host has {there}. All of it will be lost. Go on?", abort=True, err=True)
    if host_restore.looks_only():
        return
    begun = utcnow()
    report = put_back(settings, store, folder, chosen, time, replace=replace)
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        words: dict[str, Any] = {
            "files": report.files,
            "missing": len(report.missing),
            "until": report.reaches.isoformat(),
        }
        audit.record(session, cli_actor(), "backup.restore", ("backup", report.moment), **words)
    proof = report.proof
    click.echo(f"Restored {report.moment} in {(utcnow() - begun).total_seconds():.0f} s.")
    click.echo(f"{proof.audit_entries} acts in a whole audit chain, {report.files} sealed files as they were sealed,")
    click.echo(f"{proof.opened} of these opened to the last byte.")
    click.echo(f"Lost: what was done after {report.reaches:%Y-%m-%d %H:%M:%S} UTC.")
    for name in report.missing:
        click.echo(f"Lost: the sealed file {name}, which had not reached the backup.", err=True)
    if report.erased:
        click.echo(f"{report.erased} keys were destroyed after that time; what they opened stays erased.")


@backup.command()
@_TARGET
@_KEYS
@_MOMENT
@_UNTIL
@_DATA
def drill(target: str, keys: Path | None, moment: str, until: str, data: str | None) -> None:
    """Recover the backup in TARGET in a place of its own, read from it, and say what it took and what is lost."""
    with command_collaborators(data) as own:
        target, folder = _places(own.settings, target, keys)
        store, time = open_store(own.settings, target), _time(until)
        report = practise(own.settings, store, folder, catalogue.choose(store, moment, time), time)
        _say(report)
        state.stamp(own.settings, drilled_at=state.seconds())
        if report.lost_entries is None:
            return  # nor can it be noted there
        with unit_of_work(own.session_factory) as session:
            opened = report.proof.opened
            audit.record(session, cli_actor(), "backup.drill", ("backup", report.moment), opened=opened)


def _say(report: DrillReport) -> None:
    proof = report.proof
    click.echo(f"Backup {report.moment} was restored in {report.seconds:.1f} s; {proof.opened} sealed files opened.")
    click.echo(f"Everything until {report.reaches:%Y-%m-%d %H:%M:%S} UTC is in it: {proof.audit_entries} acts.")
    if report.lost_entries is None:
        click.echo("The running appliance could not be asked what is not.")
        return
    lost, span = report.lost_entries, report.lost_seconds
    acts = f"{lost} act{'s' if lost > 1 else ''}" + (f", of the last {span:.0f} s" if span else "")
    click.echo(f"Lost would be {acts if lost else 'nothing'}.")


def _full(own: Collaborators, target: str, keys: Path) -> FullReport:
    """Make a full backup, and say so to everybody who must know: log, audit log, monitoring."""
    report = full.create(own, target, keys)
    manifest = report.manifest
    with unit_of_work(own.session_factory) as session:
        words: dict[str, Any] = {"files": manifest.files, "bytes": manifest.size_bytes, "expired": report.expired}
        audit.record(session, cli_actor(), "backup.create", ("backup", manifest.moment), **words)
    state.stamp(
        own.settings,
        full_at=state.seconds(manifest.at),
        full_seconds=round(report.seconds, 1),
        full_bytes=manifest.size_bytes,
        ended_ms=state.seconds() * 1000,
        failed_at=None,
        error=None,
    )
    log.info("backup.made", moment=manifest.moment, seconds=round(report.seconds, 1), bytes=manifest.size_bytes)
    return report


def _note_failure(own: Collaborators, error: Exception) -> None:
    words = str(getattr(error, "message", error))[:500]
    log.error("backup.failed", error=words)
    known = "failed_at" in state.read_stamp(own.settings)
    state.stamp(own.settings, failed_at=state.seconds(), error=words)
    if known:  # it is tried again every few seconds
        return
    try:
        with unit_of_work(own.session_factory) as session:
            audit.record(session, cli_actor(), "backup.fail", ("backup", "stream"), error=words)
    except ApplianceError as reason:  # the database itself, often
        log.warning("backup.failure_not_in_the_audit_log", reason=reason.message)
    except Exception:
        log.exception("backup.failure_not_in_the_audit_log")


def _note_success(own: Collaborators) -> None:
    log.info("backup.goes_on")
    state.stamp(own.settings, failed_at=None, error=None)


def _places(settings: Settings, target: str, keys: Path | None) -> tuple[str, Path]:
    """Return where the backup and its keys lie; raise ``BadInput`` where nobody said."""
    target, folder = target or settings.backup_target, keys or settings.backup_keys
    if not target or not folder:
        raise BadInput("Name where backups lie and --keys, or set backup_target and backup_keys.")
    return target, Path(folder).expanduser().resolve()


def _time(word: str) -> datetime | None:
    """Return a time as typed; without a zone it is UTC. Raise ``BadInput``."""
    if not word:
        return None
    try:
        at = datetime.fromisoformat(word)
    except ValueError as error:
        raise BadInput(f"{word} is no time; it looks like 2026-11-22T15:00:00+03:00.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
