"""``kustos install`` and ``kustos uninstall``: the customer's own hosts."""

import time
from importlib import metadata
from pathlib import Path

import click

from appliance.deploy import inventory as inventories
from appliance.deploy import runner

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_INVENTORY = click.option(
    "-i", "--inventory", "file", type=_FILE, required=True, help="As `kustos inventory new` writes."
)
_FROM = click.option("--from", "folder", type=_FOLDER, required=True, help="Folder of an unpacked bundle.")


@click.command()
@_INVENTORY
@_FROM
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--tags", default="", help="Only these parts, as nginx,tls.")
def install(file: Path, folder: Path, check: bool, tags: str) -> None:
    """Put this release on the hosts of an inventory; run again, it changes only what is not as it should be."""
    runner.demand_ansible()
    groups = inventories.check(file)
    hosts = sorted({host for names in groups.values() for host in names})
    click.echo(f"Kustos {metadata.version('kustos')} on {', '.join(hosts)}")
    outcome = _play(folder, "site.yml", file, check, tags)
    verb = "would change" if check else "changed"
    click.echo(f"Done: {len(outcome.steps)} tasks, {len(outcome.changed)} {verb} something.")


@click.command()
@_INVENTORY
@_FROM
@click.option("--delete-data", is_flag=True, help="Recordings, database and keys as well. There is no way back.")
def uninstall(file: Path, folder: Path, delete_data: bool) -> None:
    """Take Kustos off the hosts of an inventory; data stay unless told otherwise."""
    runner.demand_ansible()
    inventories.check(file)
    if delete_data:
        click.confirm("Recordings, database and keys will be gone for ever. Go on?", abort=True)
    outcome = _play(folder, "uninstall.yml", file, False, "", kustos_delete_data=delete_data)
    click.echo(f"Done: {len(outcome.changed)} tasks changed something.")


def _play(folder: Path, playbook: str, file: Path, check: bool, tags: str, **variables: object) -> runner.Outcome:
    begun = time.monotonic()

    def tell(step: runner.Step) -> None:
        if step.state != "skipped":
            at = time.monotonic() - begun
            click.echo(f"{at:6.1f} s  {step.state:11} {step.host}  {step.role or playbook}: {step.task}")

    known = {"kustos_version": metadata.version("kustos"), "kustos_bundle": str(folder.resolve()), **variables}
    return runner.play(folder.resolve() / "ansible", playbook, file, known, tell, check, tags)
