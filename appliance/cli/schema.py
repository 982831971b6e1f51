"""``kustos schema``: the database's tables, brought to this release."""

import click

from appliance import schema as schemas
from appliance.settings import load_settings


@click.group()
def schema() -> None:
    """Work with the database's schema."""


@schema.command()
def upgrade() -> None:
    """Bring the schema to this release; does nothing where it is there already. Other processes may run meanwhile."""
    settings = load_settings()
    before = schemas.current(settings.database_url)
    schemas.upgrade(settings.database_url)
    after = schemas.current(settings.database_url)
    click.echo(
        f"The schema is at {after}." if before == after else f"The schema was brought from {before} to {after}."
    )
