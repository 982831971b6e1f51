"""``kustos schema``: the database's tables, brought to this release."""

import json
from dataclasses import asdict

import click

from appliance import schema as schemas
from appliance.settings import load_settings


@click.group()
def schema() -> None:
    """Work with the database's schema."""


@schema.command()
@click.option("--contract", is_flag=True, help="Also take away what only the former release needs: no host runs it.")
def upgrade(contract: bool) -> None:
    """Bring the schema to this release, as far as the former one runs beside it; does nothing where it is there."""
    url = load_settings().database_url
    before = schemas.current(url)
    (schemas.upgrade if contract else schemas.expand)(url)
    after = schemas.status(url)
    if before == after.current:
        click.echo(f"The schema is at {after.current}.")
    else:
        click.echo(f"The schema was brought from {before} to {after.current}.")
    _tell_contracting(after)


@schema.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Say where the schema is, and which revisions wait."""
    found = schemas.status(load_settings().database_url)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"The schema is at {found.current}; this release knows revisions up to {found.head}.")
    if found.newer:
        click.echo("A newer release brought it there; this one runs beside it.")
    for revision in found.pending:
        click.echo(f"  waits: {revision.number} ({revision.phase}) {revision.what}")
    _tell_contracting(found)


def _tell_contracting(found: schemas.SchemaStatus) -> None:
    if found.contracting:
        names = ", ".join(one.number for one in found.contracting)
        click.echo(
            f"{names} would take away what the former release needs; when no host runs it any more: "
            "kustos schema upgrade --contract"
        )
