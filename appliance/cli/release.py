"""``kustos release``: what an upgrade does and asks on one host; called by its playbooks."""

import json
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import click

from appliance import schema as schemas
from appliance.cli.actor import cli_actor
from appliance.collaborators import assemble
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.deploy import switching
from appliance.settings import load_settings

_AT = click.option("--at", "addresses", multiple=True, required=True, help="Address of the media nodes' host.")


@click.group()
def release() -> None:
    """Look at the release that runs here, and hand over to another one."""


@release.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Say which release this is, where the schema is, and when the last backup was made."""
    settings = load_settings()
    schema = schemas.status(settings.database_url)
    with unit_of_work(assemble(settings).session_factory) as session:
        backup = switching.last_backup(session)
    version = metadata.version("kustos")
    if as_json:
        hours = None if backup is None else round((utcnow() - backup).total_seconds() / 3600, 2)
        at = None if backup is None else to_ms(backup)
        known = {"version": version, "schema": asdict(schema), "backup_ms": at, "backup_hours": hours}
        click.echo(json.dumps(known))
        return
    click.echo(f"Kustos {version}, schema {schema.current} (knows up to {schema.head}).")
    click.echo(f"Last backup: {f'{backup:%Y-%m-%d %H:%M} UTC' if backup else 'none'}.")


@release.command()
@_AT
@click.option("--move", is_flag=True, help="Ask running sittings to go to other nodes, one after another.")
def drain(addresses: tuple[str, ...], move: bool) -> None:
    """Have the media nodes of a host take no new sittings; print their names as JSON."""
    with unit_of_work(assemble(load_settings()).session_factory) as session:
        click.echo(json.dumps(switching.begin_drain(session, cli_actor(), addresses, move)))


@release.command()
@_AT
@click.option("--minutes", type=float, default=60, show_default=True, help="How long.")
def wait(addresses: tuple[str, ...], minutes: float) -> None:
    """Wait until nobody sits an exam on a host's media nodes; exit with 1 when that takes too long."""
    switching.wait_until_empty(assemble(load_settings()).session_factory, addresses, minutes, click.echo)


@release.command()
@click.argument("names", nargs=-1)
def resume(names: tuple[str, ...]) -> None:
    """Have media nodes take sittings again that `kustos release drain` named."""
    with unit_of_work(assemble(load_settings()).session_factory) as session:
        switching.end_drain(session, cli_actor(), names)


@release.command()
@click.option("--seconds", type=float, default=60, show_default=True, help="What they get to become ready.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def check(folder: Path, seconds: float) -> None:
    """See whether every process of this host is of the release in FOLDER and does its work; exit with 1 if not."""
    running = switching.wait_until_sound(load_settings(), folder.resolve(), seconds)
    click.echo(f"{len(running)} processes of {folder.resolve().name} do their work.")
