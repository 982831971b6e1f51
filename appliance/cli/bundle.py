"""``kustos bundle``: what an installation is made of."""

from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.deploy import bundle as bundles
from appliance.errors import BadInput
from appliance.standalone.layout import write_private

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
@click.option("--inputs", type=_FOLDER, help="Unpacked bundle whose packages and wheels are taken, not fetched anew.")
def bundle_create(file: Path, key: Path, source: Path, debs: bool, inputs: Path | None) -> None:
    """Make the bundle FILE, for hosts of the same distribution as this machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    private = bundles.read_private_key(key)
    made = bundles.create(source.resolve(), file.resolve(), private, set_up(), _progress, debs, inputs)
    _tell(made)


def set_up() -> bundles.SetUp:
    """Return what `make setup` made in this environment; the network is made when it is not there yet."""
    from media.biometrics.browser_files import RUNTIME  # noqa: PLC0415 - heavy, and wanted by this command alone
    from media.biometrics.onnx_file import onnx_path  # noqa: PLC0415

    return bundles.SetUp((onnx_path(),), (RUNTIME,))


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


def _progress(what: str) -> None:
    click.echo(f"… {what}")


def _tell(report: bundles.BundleReport) -> None:
    size = report.size_bytes / 1e6
    click.echo(f"Kustos {report.version} for {report.system}: {report.files} files, {size:.0f} MB, signed and whole.")
    click.echo(f"SHA-256 {report.sha256}")
