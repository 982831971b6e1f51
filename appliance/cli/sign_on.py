"""``kustos sign-on``: list a company's identity providers, try one, look who is gone from a directory."""

import json
import sys
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators
from appliance.cli.table import Row, print_table
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.models import IdentityProvider
from appliance.services import identity_providers, sign_on_checks, sign_on_recheck
from appliance.sign_on.fetch import Fetcher
from appliance.sign_on.oidc import OidcClient
from appliance.vocabulary import IdentityProviderKind

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group("sign-on")
def sign_on() -> None:
    """Single sign-on: identity providers of the companies."""


@sign_on.command("list")
@JSON
@DATA
def list_(as_json: bool, data: str | None) -> None:
    """Show all identity providers and what the last look for people who are gone has found."""
    with command_collaborators(data) as collaborators, unit_of_work(collaborators.session_factory) as session:
        found = [_described(session, collaborators, row) for row in _all(session)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There is no identity provider; an administrator adds one on the page /sign-on.")
        return
    print_table("Identity providers", [_row(one) for one in found])


@sign_on.command()
@click.argument("number", type=int)
@click.option("--user", "username", default="", help="Look this user name up in the directory, too.")
@JSON
@DATA
def test(number: int, username: str, as_json: bool, data: str | None) -> None:
    """Try the identity provider NUMBER (see `kustos sign-on list`) step by step; status 1 when one fails."""
    with command_collaborators(data) as collaborators, unit_of_work(collaborators.session_factory) as session:
        settings = collaborators.settings
        client = OidcClient(Fetcher(loopback=identity_providers.allows_loopback(settings)))
        provider = identity_providers.get(session, number)
        found = sign_on_checks.test(session, cli_actor(), collaborators.vault, settings, client, provider, username)
        name = provider.name
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print_table(name, [Row(step["code"], step["state"], step["detail"]) for step in found["steps"]])
        if found["person"]:
            _print_person(found["person"])
    if any(step["state"] == "failed" for step in found["steps"]):
        sys.exit(1)


@sign_on.command()
@DATA
def recheck(data: str | None) -> None:
    """Look now, rather than within the hour, who is gone from the directories; their accounts are disabled."""
    with command_collaborators(data) as collaborators:
        with unit_of_work(collaborators.session_factory) as session:
            names = {
                row.id: row.name for row in _all(session) if row.kind is IdentityProviderKind.LDAP and row.enabled
            }
        for number, name in names.items():
            with unit_of_work(collaborators.session_factory) as session:
                found = sign_on_recheck.recheck(
                    session, cli_actor(), collaborators.vault, collaborators.settings, number
                )
            figures = f"{found.people} people, {found.disabled} disabled, {found.changed} with another role"
            click.echo(f"{name}: {found.problem or figures}")
    if not names:
        click.echo("No directory is switched on.")


def _all(session: Session) -> list[IdentityProvider]:
    return list(session.scalars(select(IdentityProvider).order_by(IdentityProvider.company_id, IdentityProvider.id)))


def _described(session: Session, collaborators: Collaborators, row: IdentityProvider) -> dict[str, Any]:
    return {"company": row.company.slug, **identity_providers.described(session, row, collaborators.settings)}


def _row(one: dict[str, Any]) -> Row:
    state = "on the log-in page" if one["enabled"] else "switched off"
    remarks = [one["kind"], one["company"], f"{one['people']} people"]
    if one["recheck"].get("problem"):
        remarks.append(one["recheck"]["problem"])
    return Row(f"{one['id']}  {one['name']}", state, ", ".join(remarks))


def _print_person(person: dict[str, Any]) -> None:
    role = "disabled in the directory" if person["disabled"] else person["role"] or "none: would not be let in"
    rows = [Row("name", person["name"]), Row("e-mail", person["email"] or "-"), Row("role", role)]
    print_table(person["dn"], [*rows, *(Row("group", group) for group in person["groups"])])
