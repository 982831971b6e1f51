"""``kustos vault``: the master key's generations, and the check that everything in the vault opens."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_settings
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.services import master_key, vault_check
from appliance.services.master_key import House
from appliance.vault import Vault, open_master_key
from appliance.vault.generations import MasterKind

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
JSON = click.option("--json", "as_program", is_flag=True, help="Print it for programs.")


@click.group()
def vault() -> None:
    """Look after the master key and what lies under it."""


@vault.command()
@JSON
@DATA
def status(as_program: bool, data: str | None) -> None:
    """Print the generations of the master key, and how much is under it. No secret."""
    with _house(data) as house, unit_of_work(house.session_factory) as session:
        found = master_key.status(house, session)
    if as_program:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found["generations"]:
        made = "from the beginning" if one["made_ms"] is None else _date(one["made_ms"])
        gone = f", destroyed {_date(one['destroyed_ms'])}" if one["destroyed_ms"] else ""
        click.echo(f"generation {one['number']}: {one['kind']}, {one['state']}, {made}{gone}")
    keys = found["data_keys"]
    click.echo(f"data keys: {keys['living']} living in {found['pages']} files, {keys['destroyed']} destroyed")
    if keys["in_database"]:
        click.echo(f"still in the database: {keys['in_database']}; they are moved at the next start, or by rotate")
    click.echo(f"sealed: {found['objects']} files of {found['bytes'] / 1e6:,.1f} MB")
    click.echo(f"small secrets: {sum(found['secrets'].values())}")
    if found["rotating"]:
        click.echo("A rotation is not at its end; run: kustos vault rotate")


@vault.command()
@JSON
@DATA
def verify(as_program: bool, data: str | None) -> None:
    """Open everything to the last byte: keys, small secrets, sealed files; exit with 1 if anything does not."""
    with _house(data) as house:
        report = vault_check.check(house.session_factory, house.vault)
    rate = round(report.megabytes_per_second)
    if as_program:
        figures = {
            "objects": report.objects,
            "bytes": report.bytes,
            "keys": report.keys,
            "secrets": report.secrets,
            "unbound": report.unbound,
        }
        click.echo(json.dumps({**figures, "megabytes_per_second": rate, "findings": report.findings}, indent=2))
    else:
        if report.unbound:
            click.echo(
                f"{report.unbound} secrets are of before they were bound to their rows: run `kustos vault rotate`."
            )
        for words in report.findings:
            click.echo(words)
        click.echo(
            f"{report.objects} files of {report.bytes / 1e6:,.1f} MB, {report.keys} keys, {report.secrets} secrets "
            f"in {report.seconds:.1f} s ({rate:,} MB/s): "
            + ("everything opens." if report.is_whole else f"{len(report.findings)} things are wrong.")
        )
    sys.exit(0 if report.is_whole else 1)


@vault.command()
@DATA
def rotate(data: str | None) -> None:
    """Make another master key of the same kind, rewrap everything under it, destroy the former one.

    Sealed files stay as they are, the appliance goes on. Killed, it goes on where it was when run again. Backups of
    the folder of keys from before are worth nothing afterwards: make one at once.
    """
    _rotate(data, None)


@vault.command(name="move-to")
@click.argument("kind", type=click.Choice([kind.value for kind in MasterKind]))
@DATA
def move_to(kind: str, data: str | None) -> None:
    """Make another master key of KIND and rotate to it; then set master_key to that kind."""
    _rotate(data, MasterKind(kind))
    click.echo(f"Now set: master_key = {kind}")


@vault.command(name="change-passphrase")
@DATA
def change_passphrase(data: str | None) -> None:
    """Lock the master key with another passphrase; nothing else changes, and running processes go on."""
    with _house(data) as house:
        new = click.prompt("New passphrase", hide_input=True, confirmation_prompt=True)
        master_key.change_passphrase(house, cli_actor(), new)
    click.echo("The passphrase is changed. Put the new one where processes find it at their next start.")


def _rotate(data: str | None, kind: MasterKind | None) -> None:
    with _house(data) as house:
        counts = master_key.rotate(house, cli_actor(), kind, lambda words: click.echo(words, err=True))
    click.echo("Rewrapped: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")


@contextmanager
def _house(data: str | None) -> Iterator[House]:
    """Open the appliance whichever kind its master key has: the setting may be a step ahead or behind here."""
    settings = command_settings(data)
    ring = open_master_key(settings, any_kind=True)
    with command_collaborators(data, Vault(settings.vault, ring)) as found:
        yield _of(found)


def _of(found: Collaborators) -> House:
    return House(found.settings, found.session_factory, found.vault)


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
