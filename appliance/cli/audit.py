"""``kustos audit``: proof that the log was not altered."""

import click

from appliance.audit import verify_chain
from appliance.cli.database import command_session


@click.group()
def audit() -> None:
    """Work with the audit log."""


@audit.command()
@click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
def verify(data: str | None) -> None:
    """Walk the whole chain; name the first row that does not verify and exit with 1."""
    with command_session(data) as session:
        report = verify_chain(session)
    click.echo(f"The audit chain is whole: {report.entries} entries, head {report.head_hash}.")
