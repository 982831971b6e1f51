"""``kustos preflight``: are the hosts of an inventory fit to be installed on?"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from appliance.deploy import inventory as inventories
from appliance.deploy import run_log, runner, runs
from appliance.deploy.fitness import Severity
from appliance.deploy.preflight import Report, examine

COLOURS = {Severity.REFUSED: "red", Severity.WARNING: "yellow"}
MARKS = {Severity.REFUSED: "STOP", Severity.WARNING: "WARN"}
NOT_READY = 3


@click.command()
@click.option(
    "-i",
    "--inventory",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="As `kustos inventory new` writes.",
)
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Folder of an unpacked bundle.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: findings, and what was seen on each host.")
def preflight(file: Path, folder: Path, as_json: bool) -> None:
    """Look at every host of an inventory and name every problem at once, with its fix. Changes nothing.

    Exit status: 0 nothing stands in the way, 3 something does.
    """
    runner.demand_ansible()
    inventories.check(file)
    order = runs.Order("preflight", "", file, folder, run_log.default_folder())
    sys.exit(0 if look_ahead(order, as_json=as_json) else NOT_READY)


def look_ahead(order: runs.Order, *, quiet: bool = False, as_json: bool = False) -> bool:
    """Look, tell, and return whether nothing stands in the way."""
    with tempfile.TemporaryDirectory(prefix="kustos-preflight-") as private:
        report = examine(order.inventory, order.bundle, Path(private) / "run")
    if as_json:
        click.echo(json.dumps({"preflight": to_json(report)}, ensure_ascii=False))
    else:
        _tell(report, quiet)
    return report.ok


def to_json(report: Report) -> dict[str, object]:
    """Return the report as programs read it."""
    return {
        "ok": report.ok,
        "hosts": report.hosts,
        "findings": [asdict(finding) for finding in report.findings],
        "seen": report.probes,
    }


def _tell(report: Report, quiet: bool) -> None:
    for host in report.hosts:
        found = [one for one in report.findings if one.host == host]
        found = [one for one in found if not quiet or one.severity is Severity.REFUSED]
        if not found:
            if not quiet:
                click.echo(f"{host}: fit.")
            continue
        click.echo(f"{host}:")
        for one in sorted(found, key=lambda finding: finding.severity is not Severity.REFUSED):
            click.echo(click.style(f"  {MARKS[one.severity]} {one.key}: {one.said}", fg=COLOURS[one.severity]))
            click.echo(f"       -> {one.fix}")
