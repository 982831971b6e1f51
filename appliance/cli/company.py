"""``kustos company``: the organisations of this appliance, for who runs the server."""

import click

from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_session
from appliance.cli.table import Row, print_table
from appliance.cli.user import DATA, print_link
from appliance.db import unit_of_work
from appliance.services import account_links, accounts, companies, profiles
from appliance.vocabulary import LinkKind, Role


@click.group()
def company() -> None:
    """Make and list organisations."""


@company.command()
@click.argument("slug")
@click.option("--name", required=True, help="As people read it.")
@click.option("--profile", type=click.Choice(sorted(profiles.PROFILES)), default="none", show_default=True)
@click.option("--support-email", default="", help="Where its candidates ask for help.")
@click.option("--admin-email", help="Invite a first administrator with this e-mail.")
@click.option("--admin-name", default="Administrator", show_default=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True, help="Of that person.")
@DATA
def create(
    slug: str,
    name: str,
    profile: str,
    support_email: str,
    admin_email: str | None,
    admin_name: str,
    language: str,
    data: str | None,
) -> None:
    """Make the organisation SLUG and, with --admin-email, a link for its first administrator."""
    link = None
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        made, secret = companies.create(session, cli_actor(), own.vault, slug, name, profile, support_email)
        if admin_email is not None:
            user, _ = accounts.create_user(
                session, cli_actor(), own.vault, made, admin_email, admin_name, Role.ADMIN, None, language
            )
            link = account_links.make(session, cli_actor(), own.settings, user, LinkKind.INVITATION)
    click.echo(f"Made {slug}, profile {profile}. Its integration secret, shown once:\n  {secret}")
    if link is not None:
        print_link(own.settings, admin_name, link)


@company.command("list")
@DATA
def list_companies(data: str | None) -> None:
    """List the organisations."""
    with command_session(data) as session:
        rows = companies.listing(session)
    print_table(
        "Organisations",
        [Row(row["slug"], f"profile {row['profile']}, staff {row['staff']}", row["name"]) for row in rows],
    )
