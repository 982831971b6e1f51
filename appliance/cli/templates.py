"""``kustos templates``: enrolled faces of a company, for who runs the server: counted, renewed, revoked."""

import json

import click

from appliance.audit import record
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_session
from appliance.db import unit_of_work
from appliance.services import biometric_inventory, companies
from appliance.services import templates as service

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")


@click.group()
def templates() -> None:
    """Look after the enrolled faces of a company; nothing prints a face."""


@templates.command()
@click.argument("company")
@DATA
def show(company: str, data: str | None) -> None:
    """Print what is stored of faces in COMPANY (its short name) as one JSON object."""
    with command_session(data) as session:
        row = companies.by_slug(session, company)
        record(session, cli_actor(), "template.list", ("company", row.id), company_id=row.id)
        found = biometric_inventory.inventory(session, row.id)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@templates.command()
@click.argument("company")
@DATA
def renew(company: str, data: str | None) -> None:
    """Protect all templates of COMPANY by a new secret and destroy the old one; nobody is enrolled again."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        count = service.renew(session, cli_actor(), own.vault, companies.by_slug(session, company).id)
    click.echo(f"{count} templates are protected anew.")


@templates.command()
@click.argument("company")
@click.argument("person")
@click.option("--reason", default="", help="For the audit log.")
@DATA
def revoke(company: str, person: str, reason: str, data: str | None) -> None:
    """Make the templates of PERSON (id in the company's own system) unreadable for ever, in every copy."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        candidate = companies.person(session, company, person)
        count = biometric_inventory.revoke(session, cli_actor(), own.vault, candidate, reason)
    click.echo(f"{count} templates are unreadable from now on.")
