"""``kustos health``: ask every process of this host whether it is well."""

import json
import sys
from pathlib import Path

import click

from appliance.cli.table import Row, print_table
from appliance.monitoring.processes import SOCKETS, Process, ask_all

WORDS = {True: "well", False: "NOT WELL"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--sockets", type=click.Path(path_type=Path, file_okay=False), default=SOCKETS, show_default=True)
def health(as_json: bool, sockets: Path) -> None:
    """Ask each process of this host; exit with 1 when one is not well, or none is there."""
    found = ask_all(sockets)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2))
    elif found:
        print_table("Processes", [_row(one) for one in found])
    else:
        click.echo(f"No process tells of itself below {sockets}.", err=True)
    sys.exit(0 if found and all(one.is_well for one in found) else 1)


def _row(one: Process) -> Row:
    return Row(one.name, WORDS[one.is_well], "; ".join(f"{name}: {words}" for name, words in one.problems.items()))
