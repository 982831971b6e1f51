"""``kustos upgrade`` and ``kustos rollback``: from one release to the next while exams go on, and back."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from appliance.cli.install import FAILED, FROM, INTERRUPTED, INVENTORY, JSON, QUIET, RUNS, Said
from appliance.cli.progress import Progress
from appliance.deploy import inventory as inventories
from appliance.deploy import run_log, runner, runs

STAYED: Final = 5
"""Exit status: sittings went on for longer than was to be waited; nothing was switched on that host."""
GIVEN_UP: Final = "Wait until nobody sits an exam on it"
NAMED: Final = "Name everything that is missing"
SETTLED: Final = "Forget that this host was on its way"
LED_BACK: Final = "Have the former release be the one in use"
"""Tasks of the role ``release`` by which one sees how it went."""

_ARRIVED: Final = (
    "The new release runs on all hosts, and works; what else belongs to it is not complete. Mend what is named and "
    "run the same command again, or go back: kustos rollback -i … --from …"
)

_SITTINGS = click.option(
    "--sittings",
    type=click.Choice(["wait", "move", "interrupt"]),
    default="wait",
    show_default=True,
    help="What becomes of sittings on a media node that is restarted: it waits for their end; has them go to other "
    "nodes; or costs them a gap of some seconds, which is marked and given back.",
)
_MINUTES = click.option("--wait-minutes", default=60.0, show_default=True, help="How long each host's sittings get.")


@click.command()
@INVENTORY
@FROM
@_SITTINGS
@_MINUTES
@click.option("--backup-hours", default=24.0, show_default=True, help="How old the last backup may be.")
@click.option("--without-backup", is_flag=True, help="Go on although there is none that is young enough.")
@RUNS
@QUIET
@JSON
def upgrade(
    file: Path,
    folder: Path,
    sittings: str,
    wait_minutes: float,
    backup_hours: float,
    without_backup: bool,
    runs_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring the hosts of an inventory to this bundle's release, one after the other, and back if it does not work.

    Exit status: 0 done, 1 it failed, and which release runs is said, 5 sittings went on for too long, 130 stopped.
    """
    runner.demand_ansible()
    told = {
        "kustos_sittings": sittings,
        "kustos_wait_minutes": wait_minutes,
        "kustos_backup_hours": backup_hours,
        "kustos_without_backup": without_backup,
    }
    order = runs.Order("upgrade", "upgrade.yml", file, folder, runs_folder or run_log.default_folder(), told)
    said = Said(quiet, as_json)
    hosts = sorted({host for names in inventories.check(file).values() for host in names})
    said.line(f"To Kustos {metadata.version('kustos')} on {', '.join(hosts)}")
    try:
        result = _run(order, quiet, as_json)
    except runner.InstallInterrupted as error:
        _tell(f"Stopped. Run it again to go on, or `kustos rollback` to go back. {_where(error)}")
        sys.exit(INTERRUPTED)
    except runner.InstallFailed as error:
        _tell(f"The upgrade failed. {error.message}")
        outcome = error.details.get("outcome")
        steps = outcome.steps if isinstance(outcome, runner.Outcome) else []
        failed = [step for step in steps if step.state in {"failed", "unreachable"}]
        if failed and failed[0].task == GIVEN_UP:
            sys.exit(STAYED)
        if any(step.task == SETTLED for step in steps):
            _tell(_ARRIVED)
        elif not (failed and failed[0].task == NAMED):
            _lead_back(order, quiet, as_json)
        _tell(_where(error))
        sys.exit(FAILED)
    said.line(f"Done: Kustos {metadata.version('kustos')} runs.", always=True)
    said.end(result)


@click.command()
@INVENTORY
@FROM
@_SITTINGS
@_MINUTES
@RUNS
@QUIET
@JSON
def rollback(
    file: Path,
    folder: Path,
    sittings: str,
    wait_minutes: float,
    runs_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring all hosts back to the release that ran before the last upgrade; data since then stay.

    It is refused when the schema was contracted since.
    """
    runner.demand_ansible()
    told = {"kustos_sittings": sittings, "kustos_wait_minutes": wait_minutes, "kustos_back": True}
    order = runs.Order("rollback", "rollback.yml", file, folder, runs_folder or run_log.default_folder(), told)
    said = Said(quiet, as_json)
    result = said.run(order)
    _say_led_back(result.outcome)
    said.end(result)


def _run(order: runs.Order, quiet: bool, as_json: bool) -> runs.Result:
    progress = Progress(0, quiet=quiet, as_json=as_json)
    try:
        return runs.carry_out(order, runner.Listener(progress.ended, progress.began))
    finally:
        progress.close()


def _lead_back(order: runs.Order, quiet: bool, as_json: bool) -> None:
    """Put the former release back where it had been left already, and say so."""
    back = runs.Order("rollback", "rollback.yml", order.inventory, order.bundle, order.runs)
    try:
        result = _run(back, quiet, as_json)
    except (runner.InstallFailed, runner.InstallInterrupted) as error:
        _tell(f"Going back failed, too: {error.message}")
        _tell("See to the host that is named, then: kustos rollback -i … --from …")
        return
    _say_led_back(result.outcome)


def _say_led_back(outcome: runner.Outcome) -> None:
    hosts = sorted({step.host for step in outcome.changed if step.task == LED_BACK})
    if hosts:
        _tell(f"The former release runs again on {', '.join(hosts)}, and answers; it runs on the schema as it is.")
    else:
        _tell("No host had left its release: the one that ran goes on running.")


def _where(error: runner.InstallFailed | runner.InstallInterrupted) -> str:
    return f"Every task: {error.details['folder']}/{run_log.TASKS}" if "folder" in error.details else ""


def _tell(words: str) -> None:
    if words:
        click.echo(words, err=True)
