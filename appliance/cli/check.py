"""``kustos check``: why is there no picture? Of one sitting, or of the whole appliance."""

import asyncio
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from appliance.cli.database import command_collaborators
from appliance.collaborators import Collaborators, assemble
from appliance.db import unit_of_work
from appliance.diagnostics.report import Report, Step, StepState
from appliance.diagnostics.wording import conclusion, explanation, line
from appliance.errors import ApplianceError
from appliance.models import PipelineCheck
from appliance.services import pipeline_checks
from appliance.settings import load_settings

COLOURS = {StepState.PASSED: "green", StepState.WARNING: "yellow", StepState.FAILED: "red"}


@click.command()
@click.option("--sitting", "sitting_id", type=int, help="Number of the live sitting to walk along.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
@click.option("--quick", is_flag=True, help="Without the synthetic candidate: a few seconds.")
@click.option("--bundle", type=click.Path(path_type=Path, dir_okay=False), help="Write the ZIP for a ticket here.")
@click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
@click.option("--row", type=int, hidden=True, help="Carry out a check that was asked for on the page.")
def check(
    sitting_id: int | None, as_json: bool, quick: bool, bundle: Path | None, data: str | None, row: int | None
) -> None:
    """Say why there is no picture: walk along a sitting's path, or send a synthetic candidate through every node.

    The exit status is 1 when a step failed.
    """
    from media.checks.bundle import pack, to_json  # noqa: PLC0415 - loads the media libraries

    if row is not None:
        sys.exit(_carry_out(assemble(load_settings()), row))
    if bundle is not None:
        _demand_writable(bundle)
    with command_collaborators(data) as collaborators:
        report, packed = _look(collaborators, sitting_id, as_json, not quick)
        if bundle is not None:
            bundle.write_bytes(pack(collaborators.settings, report, packed))
    if as_json:
        click.echo(to_json(report), nl=False)
    else:
        _print_conclusion(report)
        if bundle is not None:
            click.echo(f"\nFor the ticket: {bundle}")
    sys.exit(0 if report.ok else 1)


def _demand_writable(file: Path) -> None:
    """Say before the check, which takes its time, that its result cannot be kept there."""
    try:
        file.touch()
    except OSError as error:
        who = getpass.getuser()
        raise click.FileError(str(file), f"{error.strerror}. It is written as the user {who}: try /tmp") from error


def _look(
    collaborators: Collaborators, sitting_id: int | None, quiet: bool, trials: bool
) -> tuple[Report, dict[str, str]]:
    from media.checks.runner import run  # noqa: PLC0415 - loads the media libraries

    async def show(steps: Sequence[Step]) -> None:
        for step in steps if not quiet else ():
            click.secho(line(step), fg=COLOURS.get(step.state))

    finding = asyncio.run(run(collaborators, sitting_id, show, trials))
    return finding.report, finding.materials


def _print_conclusion(report: Report) -> None:
    click.echo()
    first, *rest = conclusion(report)
    found = report.verdict
    click.secho(first, bold=True, fg=COLOURS[found.state if found is not None else StepState.PASSED])
    for text in rest:
        click.echo(f"  {text}")
    for step in report.steps:
        if step is not found and step.state in {StepState.FAILED, StepState.WARNING}:
            click.secho(f"\n{line(step)}", fg=COLOURS[step.state])
            for text in explanation(step):
                click.echo(f"  {text}")


def _carry_out(collaborators: Collaborators, row: int) -> int:
    """Fill the row of a check that a gateway has claimed; its bundle is sealed with the sitting's other evidence."""
    from appliance.diagnostics.host import own_version  # noqa: PLC0415
    from media.checks.bundle import pack  # noqa: PLC0415 - loads the media libraries
    from media.checks.runner import run  # noqa: PLC0415

    def write(steps: Sequence[Step]) -> None:
        with unit_of_work(collaborators.session_factory) as session:
            pipeline_checks.add_steps(session, row, [step.to_json() for step in steps])

    async def publish(steps: Sequence[Step]) -> None:
        await asyncio.to_thread(write, steps)

    with unit_of_work(collaborators.session_factory) as session:
        sitting_id = pipeline_checks.begin(session, row, own_version())
    try:
        finding = asyncio.run(run(collaborators, sitting_id, publish))
    except ApplianceError as error:
        with unit_of_work(collaborators.session_factory) as session:
            pipeline_checks.end(session, row, failure=error.message)
        return 1
    packed = pack(collaborators.settings, finding.report, finding.materials)
    with unit_of_work(collaborators.session_factory) as session:
        check = session.get_one(PipelineCheck, row)
        sealed = collaborators.vault.seal(session, pipeline_checks.purpose(check), "bundle", packed)
        pipeline_checks.end(session, row, sealed.id)
    return 0 if finding.report.ok else 1
