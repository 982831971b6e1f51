"""``kustos user``: accounts of staff, for who runs the server. Every command is in the audit log under their name."""

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_session
from appliance.cli.table import Row, print_table
from appliance.db import unit_of_work
from appliance.errors import NotFound
from appliance.models import User
from appliance.services import account_links, accounts, break_glass, companies, login_sessions, staff_changes
from appliance.services.account_links import MadeLink
from appliance.settings import Settings
from appliance.vocabulary import LinkKind, Role

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
_ROLES = click.Choice([role.value for role in Role])


@click.group()
def user() -> None:
    """Make and mend accounts of staff."""


@user.command()
@click.argument("email")
@click.option("--company", required=True, help="Short name of the organisation.")
@click.option("--name", required=True)
@click.option("--role", type=_ROLES, required=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@DATA
def invite(email: str, company: str, name: str, role: str, language: str, data: str | None) -> None:
    """Make an account for EMAIL, or a new link for one that was not taken up, and print the one-time link."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        home = companies.by_slug(session, company)
        known = _find(session, email)
        if known is None or known.password_hash is not None or known.company_id != home.id:
            known, _ = accounts.create_user(
                session, cli_actor(), own.vault, home, email, name, Role(role), None, language
            )
        link = account_links.make(session, cli_actor(), own.settings, known, LinkKind.INVITATION)
    print_link(own.settings, name, link)


@user.command()
@click.argument("email")
@click.option("--company", required=True, help="Short name of the organisation.")
@click.option("--name", required=True)
@click.option("--role", type=_ROLES, required=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.password_option(help="Asked for if it is not given; it then stands in no history of commands.")
@DATA
def create(email: str, company: str, name: str, role: str, language: str, password: str, data: str | None) -> None:
    """Make an account for EMAIL with a password and print its authenticator's secret once. `invite` is safer."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        home = companies.by_slug(session, company)
        accounts.demand_good_password(home, email, name, password)
        _, secret = accounts.create_user(
            session, cli_actor(), own.vault, home, email, name, Role(role), password, language
        )
    click.echo(f"Made {email}. Secret for the authenticator app, shown once:\n  {secret}")


@user.command()
@click.argument("email")
@click.option("--everything", is_flag=True, help="Also take away authenticator, keys and recovery codes, at once.")
@DATA
def reset(email: str, everything: bool, data: str | None) -> None:
    """Print a one-time link with which the owner of EMAIL chooses a new password."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        found = _get(session, email)
        kind = LinkKind.EVERYTHING if everything else LinkKind.PASSWORD
        link = account_links.make(session, cli_actor(), own.settings, found, kind)
    print_link(own.settings, found.name, link)


@user.command()
@click.argument("email")
@DATA
def disable(email: str, data: str | None) -> None:
    """Close the account of EMAIL: log-ins and open pages end at once."""
    with command_session(data) as session:
        staff_changes.disable(session, cli_actor(), _get(session, email))
    click.echo(f"{email} is disabled.")


@user.command()
@click.argument("email")
@DATA
def enable(email: str, data: str | None) -> None:
    """Open the account of EMAIL again."""
    with command_session(data) as session:
        staff_changes.enable(session, cli_actor(), _get(session, email))
    click.echo(f"{email} is enabled.")


@user.command()
@click.argument("email")
@DATA
def unlock(email: str, data: str | None) -> None:
    """Let EMAIL try again at once after too many failed log-ins."""
    with command_session(data) as session:
        staff_changes.unlock(session, cli_actor(), _get(session, email))
    click.echo(f"{email} may log in again.")


@user.command("end-sessions")
@click.argument("email")
@DATA
def end_sessions(email: str, data: str | None) -> None:
    """End all log-ins of EMAIL."""
    with command_session(data) as session:
        count = login_sessions.end_all(session, cli_actor(), _get(session, email))
    click.echo(f"{count} log-ins ended.")


@user.command("list")
@click.argument("company")
@DATA
def list_users(company: str, data: str | None) -> None:
    """List the accounts of COMPANY."""
    with command_session(data) as session:
        of = companies.by_slug(session, company).id
        people = accounts.staff(session, of)
        audit.record(session, cli_actor(), "user.list", ("company", of), company_id=of, count=len(people))
    print_table(company, [Row(p["email"], f"{p['role']}, {_state(p)}", p["name"]) for p in people])


@user.command("break-glass")
@click.argument("company")
@DATA
def break_glass_account(company: str, data: str | None) -> None:
    """Print the sealed emergency account of COMPANY, for an envelope. What an older envelope says is void."""
    with command_session(data) as session:
        envelope = break_glass.seal(session, cli_actor(), companies.by_slug(session, company))
    click.echo("Print this, put it into an envelope, seal it, and clear this screen.\n")
    click.echo(f"  E-mail    {envelope.email}\n  Password  {envelope.password}")
    click.echo("  One-time codes, each works once:")
    for code in envelope.codes:
        click.echo(f"    {code}")
    click.echo("\nEach use is in the audit log and shown to security officers until one takes note of it.")


def print_link(settings: Settings, name: str, made: MadeLink) -> None:
    """Print a one-time link."""
    expires = made.link.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    click.echo(f"One-time link for {name}, good until {expires}; hand it over by a way you trust:")
    click.echo(f"  {made.url(settings)}")


def _find(session: Session, email: str) -> User | None:
    return session.scalars(select(User).where(User.email == accounts.normal_email(email))).first()


def _get(session: Session, email: str) -> User:
    found = _find(session, email)
    if found is None:
        raise NotFound(f"There is no account {email}; `kustos user list COMPANY` names them.")
    return found


def _state(person: dict[str, object]) -> str:
    for word in ("disabled", "locked", "break_glass", "invited"):
        if person[word]:
            return word.replace("_", " ")
    return "active"
