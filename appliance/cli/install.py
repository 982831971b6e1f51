"""``kustos install`` and ``kustos uninstall``: the customer's own hosts."""

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import click

from appliance.cli.preflight import look_ahead
from appliance.cli.progress import Progress, by_host, clock
from appliance.deploy import inventory as inventories
from appliance.deploy import run_log, runner, runs
from appliance.errors import ApplianceError
from appliance.standalone.layout import write_private

FAILED, NOT_READY, CHECK_FAILED, INTERRUPTED = 1, 3, 4, 130
"""Exit statuses: a task failed; the hosts are not ready and nothing was touched; it is installed, and something of it
does not work; stopped by Ctrl-C or a signal."""

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
INVENTORY: Final = click.option(
    "-i", "--inventory", "file", type=_FILE, required=True, help="As `kustos inventory new` writes."
)
FROM: Final = click.option("--from", "folder", type=_FOLDER, required=True, help="Folder of an unpacked bundle.")
RUNS: Final = click.option(
    "--runs",
    "runs_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where runs are kept [default: /var/log/kustos/runs for root, else ~/.local/state/kustos/runs].",
)
QUIET: Final = click.option("-q", "--quiet", is_flag=True, help="Failures and the last lines only.")
JSON: Final = click.option("--json", "as_json", is_flag=True, help="A line of JSON a task, for programs.")


@click.command()
@INVENTORY
@FROM
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--tags", default="", help="Only these parts, as nginx,tls.")
@click.option("--skip-preflight", is_flag=True, help="Do not look first whether the hosts are fit.")
@click.option("--skip-verify", is_flag=True, help="Do not check afterwards what was installed.")
@RUNS
@QUIET
@JSON
def install(
    file: Path,
    folder: Path,
    check: bool,
    tags: str,
    skip_preflight: bool,
    skip_verify: bool,
    runs_folder: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Put this release on the hosts of an inventory; run again, it changes only what is not as it should be.

    A run that failed or was killed is simply run again. Exit status: 0 done, 1 a task failed, 3 the hosts are not
    ready and nothing was touched, 4 installed but a check failed, 130 stopped.
    """
    order = _order("install", "site.yml", file, folder, runs_folder, check=check, tags=tags)
    said = Said(quiet, as_json)
    said.line(f"Kustos {metadata.version('kustos')} on {', '.join(_hosts(file))}")
    before = runs.interrupted_before(order)
    if before is not None and not check:
        said.line(f"The run of {before.begun[:19]} UTC ended {before.state}; this one goes on where it ended.")
    if not skip_preflight and not look_ahead(order, quiet=quiet, as_json=as_json) and not check:
        said.line("Nothing was touched. Mend what is named above and run this again; --skip-preflight insists.")
        sys.exit(NOT_READY)
    result = said.run(order, verify=not skip_verify and not tags)
    verb = "would change" if check else "changed"
    count = len(result.outcome.steps)
    said.line(f"Done: {count} tasks, {len(result.outcome.changed)} {verb} something.", always=True)
    said.end(result)
    sys.exit(CHECK_FAILED if said.tell_checks(result.checks) else 0)


@click.command()
@INVENTORY
@FROM
@click.option("--delete-data", is_flag=True, help="Recordings, database and keys as well. There is no way back.")
@click.option("--yes", is_flag=True, help="Do not ask before data are deleted.")
@RUNS
@QUIET
@JSON
def uninstall(
    file: Path, folder: Path, delete_data: bool, yes: bool, runs_folder: Path | None, quiet: bool, as_json: bool
) -> None:
    """Take Kustos off the hosts of an inventory; data stay unless told otherwise.

    Database, recordings, keys and settings stay where they are, and a later install finds them again.
    """
    told: dict[str, Any] = {"kustos_delete_data": delete_data, "kustos_run_by": run_log.whose()}
    order = _order("uninstall", "uninstall.yml", file, folder, runs_folder, **told)
    if delete_data and not yes:
        click.confirm("Recordings, database and keys will be gone for ever. Go on?", abort=True)
    said = Said(quiet, as_json)
    found: dict[str, dict[str, Any]] = {}

    def returned(host: str, task: str, result: dict[str, Any]) -> None:
        if task == "See what will be deleted":
            found[host] = {"said": str(result.get("stdout") or "").strip()}

    result = said.run(order, returned=returned)
    said.line(f"Done: {len(result.outcome.changed)} tasks changed something.", always=True)
    if delete_data and result.folder is not None:
        _certify(result.folder, found, said)
    elif not delete_data:
        said.line("Database, recordings, keys and settings are left as they were; install again finds them.")
    said.end(result)
    runs.remove_installer()


def _certify(folder: Path, found: dict[str, dict[str, Any]], said: "Said") -> None:
    summary = json.loads((folder / run_log.SUMMARY).read_text(encoding="utf-8"))
    hosts = {host: one["said"].splitlines() for host, one in sorted(found.items())}
    content = {"deleted": hosts, "at": summary["ended"], "by": summary["by"], "run": summary["run"]}
    file = folder / "deletion.json"
    write_private(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    for host, lines in hosts.items():
        for text in lines:
            said.line(f"Deleted on {host}: {text}", always=True)
    said.line(f"Kept as {file}", always=True)


def _order(
    kind: str,
    playbook: str,
    file: Path,
    folder: Path,
    runs_folder: Path | None,
    check: bool = False,
    tags: str = "",
    **variables: Any,
) -> runs.Order:
    runner.demand_ansible()
    inventories.check(file)
    place = runs_folder or run_log.default_folder()
    return runs.Order(kind, playbook, file, folder, place, variables, check, tags)


def _hosts(file: Path) -> list[str]:
    return sorted({host for names in inventories.check(file).values() for host in names})


class Said:
    """What a command says of a run: to people, or to programs."""

    def __init__(self, quiet: bool, as_json: bool) -> None:
        """As the options of the command."""
        self._quiet, self._json = quiet, as_json

    def line(self, text: str, always: bool = False) -> None:
        """Say a sentence."""
        if self._json:
            click.echo(text, err=True)
        elif always or not self._quiet:
            click.echo(text)

    def run(
        self,
        order: runs.Order,
        verify: bool = False,
        returned: Callable[[str, str, dict[str, Any]], None] = lambda _host, _task, _result: None,
    ) -> runs.Result:
        """Carry the order out, telling how it goes; when it does not come to its end, say what to do and exit."""
        what = order.play()
        total = 0 if order.tags else runner.expected_tasks(what.folder, what.playbook)
        progress = Progress(total, quiet=self._quiet, as_json=self._json)
        listener = runner.Listener(progress.ended, progress.began, returned, progress.phase)
        try:
            return runs.carry_out(order, listener, verify)
        except runner.InstallInterrupted as error:
            self._broken_off(error, progress, f"Stopped after {clock(progress.elapsed).strip()}.")
            sys.exit(INTERRUPTED)
        except runner.InstallFailed as error:
            self._broken_off(error, progress, click.style("kustos: ", fg="red", bold=True) + error.message)
            sys.exit(FAILED)
        finally:
            progress.close()

    def _broken_off(self, error: ApplianceError, progress: Progress, words: str) -> None:
        progress.close()
        click.echo(words, err=True)
        click.echo("What was done stays. Run the same command again: it goes on where this one ended.", err=True)
        if "folder" in error.details:
            click.echo(f"Every task of this run: {error.details['folder']}/{run_log.TASKS}", err=True)

    def end(self, result: runs.Result) -> None:
        """Say how it went on each host, and where it is kept."""
        if self._json:
            outcome = result.outcome
            values: dict[str, Any] = {
                "tasks": len(outcome.steps),
                "changed": len(outcome.changed),
                "failed": len(outcome.failed),
            }
            values |= {"folder": str(result.folder or ""), "noted": result.noted}
            click.echo(json.dumps({"done": values, "checks": result.checks}, ensure_ascii=False))
            return
        for text in by_host(result.outcome):
            self.line(text)
        if result.folder is not None:
            self.line(f"  every task: {result.folder}/{run_log.TASKS}")

    def tell_checks(self, checks: dict[str, dict[str, Any]]) -> bool:
        """Say what the hosts found wrong with themselves; return whether something failed."""
        bad = False
        for host, report in sorted(checks.items()):
            steps = report.get("steps") or []
            found = [step for state in ("failed", "warning") for step in steps if step["state"] == state]
            failed = not steps or any(step["state"] == "failed" for step in found)
            bad = bad or failed
            if not steps:
                self.line(f"{host}: `kustos check` did not run: {report.get('unreadable', '')}", always=True)
                continue
            words = f"{len(found)} of them not well:" if found else "all is well."
            self.line(f"Checked {host}: {len(steps)} steps, {words}", always=failed)
            for step in found:
                for text in _words_of(step):
                    self.line(f"  {text}", always=failed)
        return bad


def _words_of(step: dict[str, Any]) -> list[str]:
    """Return a step of a report in JSON as lines."""
    mark, colour = ("FAIL", "red") if step["state"] == "failed" else ("WARN", "yellow")
    scope = f" [{step['scope']}]" if step["scope"] else ""
    figures = ", ".join(f"{name} {value}" for name, value in step["shown"])
    head = f"{mark} {step['title']}{scope}{': ' if figures else ''}{figures}"
    below = [step["cause_text"], f"-> {step['remedy']}" if step["remedy"] else "", step["detail"]]
    return [click.style(head, fg=colour), *(f"     {text}" for text in below if text)]
