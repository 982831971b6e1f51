"""``kustos compliance``: papers made from the live settings."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from appliance import audit
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators
from appliance.db import unit_of_work, utcnow
from appliance.models import Company
from appliance.retention import dpia as assessment
from appliance.retention import processing_record
from appliance.services import companies
from appliance.settings import Settings

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
HTML = click.option("--html", is_flag=True, help="A page to print instead of Markdown.")
OUT = click.option("--out", type=click.Path(path_type=Path), default=None, help="File to write; else it is printed.")

Writer = Callable[[Session, Settings, Company, datetime], str]


@click.group()
def compliance() -> None:
    """Write the papers that a regulator asks for, from the live settings."""


@compliance.command()
@click.argument("company")
@HTML
@OUT
@DATA
def record(company: str, html: bool, out: Path | None, data: str | None) -> None:
    """Write the record of processing of COMPANY (its short name): GDPR art. 30, 152-FZ."""
    _write(processing_record.record, "record", company, html, out, data)


@compliance.command()
@click.argument("company")
@HTML
@OUT
@DATA
def dpia(company: str, html: bool, out: Path | None, data: str | None) -> None:
    """Write the template of the data protection impact assessment of COMPANY: GDPR art. 35."""
    _write(assessment.template, "dpia", company, html, out, data)


def _write(writer: Writer, name: str, slug: str, html: bool, out: Path | None, data: str | None) -> None:
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        company = companies.by_slug(session, slug)
        text = writer(session, own.settings, company, utcnow())
        subject = ("company", company.id)
        audit.record(session, cli_actor(), f"compliance.{name}", subject, company_id=company.id)
        said = processing_record.as_html(text, company.name) if html else text
    if out is None:
        click.echo(said)
    else:
        out.write_text(said, encoding="utf-8")
        click.echo(f"{out} is written.")
