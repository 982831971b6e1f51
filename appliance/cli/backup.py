"""``kustos backup``: make one, look whether it is whole, put it onto another host, and practise that."""

from pathlib import Path

import click

from appliance import audit
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_settings
from appliance.db import unit_of_work
from appliance.deploy import backup as backups
from appliance.deploy.restore_drill import drill as practise
from appliance.deploy.restore_drill import prove

_FOLDER = click.Path(path_type=Path, file_okay=False)
_DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
_KEYS = click.option("--keys", type=_FOLDER, required=True, help="Folder of the keys, on another medium.")
_MOMENT = click.option("--moment", default="", help="Which one, as 20261122T150000Z [default: the newest].")


@click.group()
def backup() -> None:
    """Keep what was entrusted to the appliance, and get it back."""


@backup.command()
@click.argument("target", type=_FOLDER)
@_KEYS
@_DATA
def create(target: Path, keys: Path, data: str | None) -> None:
    """Make a backup in TARGET; sealed files of earlier ones are not copied again."""
    with command_collaborators(data) as collaborators:
        report = backups.create(collaborators.settings, collaborators.vault, target.resolve(), keys.resolve())
        with unit_of_work(collaborators.session_factory) as session:
            audit.record(session, cli_actor(), "backup.create", ("backup", report.moment), files=report.files)
    size, copied = report.size_bytes / 1e6, report.copied_bytes / 1e6
    click.echo(f"Backup {report.moment}: {report.audit_entries} acts, {report.files} sealed files, {size:.1f} MB.")
    click.echo(f"{copied:.1f} MB of sealed files were new. Keys: {keys}; keep them apart from {target}.")


@backup.command()
@click.argument("target", type=_FOLDER)
@_MOMENT
def verify(target: Path, moment: str) -> None:
    """Read the whole backup in TARGET; exit with 1 naming the first thing that is not as it was made."""
    report = backups.verify(target, moment or backups.newest(target))
    click.echo(f"Backup {report.moment} is whole: {report.audit_entries} acts, {report.files} sealed files.")


@backup.command()
@click.argument("target", type=_FOLDER)
@_KEYS
@_MOMENT
@_DATA
def restore(target: Path, keys: Path, moment: str, data: str | None) -> None:
    """Put the backup in TARGET onto this host, whose database and vault are empty; then open sealed files of it."""
    settings = command_settings(data)
    report = backups.restore(settings, target.resolve(), keys.resolve(), moment or backups.newest(target))
    opened, entries, _ = prove(settings)
    with command_collaborators(data) as collaborators, unit_of_work(collaborators.session_factory) as session:
        audit.record(session, cli_actor(), "backup.restore", ("backup", report.moment), files=report.files)
    click.echo(f"Backup {report.moment} is back: {entries} acts in a whole audit chain, {report.files} sealed files.")
    click.echo(f"{opened} of these were opened and are what was sealed.")


@backup.command()
@click.argument("target", type=_FOLDER)
@_KEYS
@_MOMENT
@_DATA
def drill(target: Path, keys: Path, moment: str, data: str | None) -> None:
    """Restore the backup in TARGET into a place of its own, read from it, and say what it took and what is lost."""
    with command_collaborators(data) as collaborators:
        settings = collaborators.settings
        report = practise(settings, target.resolve(), keys.resolve(), moment or backups.newest(target))
        with unit_of_work(collaborators.session_factory) as session:
            audit.record(session, cli_actor(), "backup.drill", ("backup", report.moment), opened=report.opened)
    click.echo(f"Backup {report.moment} was restored in {report.seconds:.1f} s; {report.opened} sealed files opened.")
    if report.lost_entries is None:
        click.echo(f"{report.audit_entries} acts are in it; the running appliance could not be asked what is not.")
        return
    span = f", the last {report.lost_seconds:.0f} s" if report.lost_seconds is not None else ""
    click.echo(f"{report.audit_entries} acts are in it; lost would be {report.lost_entries}{span}.")
