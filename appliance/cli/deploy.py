"""``kustos bundle``, ``kustos inventory``, ``kustos install``, ``kustos uninstall``: the customer's own hosts."""

import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.deploy import bundle as bundles
from appliance.deploy import inventory as inventories
from appliance.errors import BadInput
from appliance.standalone.layout import write_private

if TYPE_CHECKING:
    from appliance.deploy import runner

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def bundle() -> None:
    """Collect all that a host without internet needs, signed."""


@bundle.command("key")
@click.argument("file", type=_FILE)
def bundle_key(file: Path) -> None:
    """Make the release key FILE and its public half FILE.pub, which customers need to verify."""
    if file.exists():
        raise BadInput(f"{file} is there already; a release key is made once.")
    key = Ed25519PrivateKey.generate()
    write_private(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"))
    public = file.with_name(file.name + ".pub")
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    click.echo(f"Keep {file} off every network; give {public} to customers by another way than the bundle.")


@bundle.command("create")
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, required=True, help="Release key (`kustos bundle key`).")
@click.option("--source", type=_FOLDER, default=".", help="Checkout of the release [default: this folder].")
@click.option("--debs/--no-debs", default=True, help="With the distribution's packages, for hosts without internet.")
def bundle_create(file: Path, key: Path, source: Path, debs: bool) -> None:
    """Make the bundle FILE, for hosts of the same distribution as this machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    report = bundles.create(
        source.resolve(), file.resolve(), bundles.read_private_key(key), lambda what: click.echo(f"… {what}"), debs
    )
    _tell(report)


@bundle.command("verify")
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, required=True, help="Public half of the release key.")
def bundle_verify(file: Path, key: Path) -> None:
    """Read the whole of FILE; exit with 1 naming the first thing that is not as it was signed."""
    _tell(bundles.verify(file, bundles.read_release_key(key)))


@bundle.command("unpack")
@click.argument("file", type=_FILE)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=_FILE, required=True, help="Public half of the release key.")
def bundle_unpack(file: Path, folder: Path, key: Path) -> None:
    """Verify FILE and unpack it into FOLDER."""
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty.")
    _tell(bundles.unpack(file, folder, bundles.read_release_key(key)))


def _tell(report: bundles.BundleReport) -> None:
    size = report.size_bytes / 1e6
    click.echo(f"Kustos {report.version} for {report.system}: {report.files} files, {size:.0f} MB, signed and whole.")
    click.echo(f"SHA-256 {report.sha256}")


@click.group()
def inventory() -> None:
    """Say which host does what."""


@inventory.command("new")
@click.argument("file", type=_FILE, default="inventory.yml")
@click.option("--host-name", prompt="Name that people type in their browsers", help="As exam.example.org.")
@click.option(
    "--address", prompt="Where the host is reached (address, name, or `local` for this machine)", default="local"
)
@click.option("--user", default="root", show_default=True, help="User by whom Ansible logs in; needs sudo.")
@click.option("--turn/--no-turn", default=True, help="With a TURN server, for candidates behind closed networks.")
def inventory_new(file: Path, host_name: str, address: str, user: str, turn: bool) -> None:
    """Ask, and write the inventory FILE."""
    if file.exists():
        raise BadInput(f"{file} is there already; move it away first.")
    write_private(file, inventories.make(inventories.Answers(host_name, address, user, turn)))
    click.echo(f"Written: {file}. Next: kustos install -i {file} --check")


@click.command()
@click.option("-i", "--inventory", "file", type=_FILE, required=True, help="Inventory (`kustos inventory new`).")
@click.option("--from", "folder", type=_FOLDER, required=True, help="Folder of an unpacked bundle.")
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--tags", default="", help="Only these parts, as nginx,tls.")
def install(file: Path, folder: Path, check: bool, tags: str) -> None:
    """Put this release on the hosts of an inventory; run again, it changes only what is not as it should be."""
    from appliance.deploy import runner  # noqa: PLC0415 - Ansible is loaded by who installs only

    runner.demand_ansible()
    groups = inventories.check(file)
    hosts = sorted({host for names in groups.values() for host in names})
    click.echo(f"Kustos {metadata.version('kustos')} on {', '.join(hosts)}")
    outcome = _play(folder, "site.yml", file, check, tags)
    verb = "would change" if check else "changed"
    click.echo(f"Done: {len(outcome.steps)} tasks, {len(outcome.changed)} {verb} something.")


@click.command()
@click.option("-i", "--inventory", "file", type=_FILE, required=True, help="Inventory it was installed with.")
@click.option("--from", "folder", type=_FOLDER, required=True, help="Folder of an unpacked bundle.")
@click.option("--delete-data", is_flag=True, help="Recordings, database and keys as well. There is no way back.")
def uninstall(file: Path, folder: Path, delete_data: bool) -> None:
    """Take Kustos off the hosts of an inventory; data stay unless told otherwise."""
    from appliance.deploy import runner  # noqa: PLC0415 - Ansible is loaded by who installs only

    runner.demand_ansible()
    inventories.check(file)
    if delete_data:
        click.confirm("Recordings, database and keys will be gone for ever. Go on?", abort=True)
    outcome = _play(folder, "uninstall.yml", file, False, "", kustos_delete_data=delete_data)
    click.echo(f"Done: {len(outcome.changed)} tasks changed something.")


def _play(folder: Path, playbook: str, file: Path, check: bool, tags: str, **variables: object) -> "runner.Outcome":
    from appliance.deploy import runner  # noqa: PLC0415 - Ansible is loaded by who installs only

    begun = time.monotonic()

    def tell(step: runner.Step) -> None:
        if step.state != "skipped":
            at = time.monotonic() - begun
            click.echo(f"{at:6.1f} s  {step.state:11} {step.host}  {step.role or playbook}: {step.task}")

    known = {"kustos_version": metadata.version("kustos"), "kustos_bundle": str(folder.resolve()), **variables}
    return runner.play(folder.resolve() / "ansible", playbook, file, known, tell, check, tags)
