"""``kustos compliance report`` and ``settings``: how each measure stands, and everything that is set."""

import json
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.cli.actor import cli_actor
from appliance.cli.compliance import compliance as compliance_group
from appliance.cli.database import command_collaborators
from appliance.db import unit_of_work
from appliance.errors import NotFound
from appliance.models import Company
from appliance.services import companies, compliance

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
COMPANY = click.option("--company", "slug", default=None, help="Short name of the company [default: all].")
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")

_COLOURS = {"met": "green", "not met": "red", "could not tell": "yellow", "depends on IT": "cyan"}


@compliance_group.command()
@COMPANY
@JSON
@DATA
def report(slug: str | None, as_json: bool, data: str | None) -> None:
    """Print measure by measure: setting, evidence, test, state. A report, no certificate."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        found = []
        for company in _companies(session, slug):
            found.append(compliance.report(session, own.settings, company))
            compliance.note_view(session, cli_actor(), company, "report")
    if as_json:
        click.echo(json.dumps({"reports": found}, ensure_ascii=False, indent=2))
        return
    for one in found:
        _print(one)


@compliance_group.command()
@COMPANY
@DATA
def settings(slug: str | None, data: str | None) -> None:
    """Print every setting as JSON; of secrets only whether they are set."""
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        found = []
        for company in _companies(session, slug):
            found.append(compliance.settings_export(own.settings, company))
            compliance.note_view(session, cli_actor(), company, "settings")
    click.echo(json.dumps({"settings": found}, ensure_ascii=False, indent=2))


def _companies(session: Session, slug: str | None) -> list[Company]:
    if slug is not None:
        return [companies.by_slug(session, slug)]
    found = list(session.scalars(select(Company).order_by(Company.slug)))
    if not found:
        raise NotFound("There is no company yet.")
    return found


def _print(found: dict[str, Any]) -> None:
    company = found["company"]
    click.secho(f"\n{company['name']} ({company['slug']}), profile {found['profile']}", bold=True)
    requirement = ""
    for row in found["measures"]:
        if row["requirement"] != requirement:
            requirement = row["requirement"]
            click.secho(f"\n{requirement}", underline=True)
        click.echo(f"  {click.style(row['state'], fg=_COLOURS[row['state']]):<25} {row['measure']}")
        click.echo(f"      setting:  {row['setting']}")
        click.echo(f"      evidence: {row['evidence']}")
        for test in row["tests"]:
            click.echo(f"      test:     {test}")
    counts = ", ".join(f"{count} {state}" for state, count in found["counts"].items())
    click.echo(f"\n{counts}. This says what is set and what was tested; it certifies nothing.")
