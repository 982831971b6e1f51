"""``kustos inventory``: say which host does what."""

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click

from appliance.deploy import inventory as inventories
from appliance.deploy.inventory import GROUPS, MEDIA_NODES, Answers, HostAnswer
from appliance.errors import BadInput
from appliance.standalone.layout import write_private

_FILE = click.Path(path_type=Path, dir_okay=False)
_HOST_FIELDS: Final = ("groups", "address", "inner", "user")
_HOST_HELP: Final = (
    "A host, may be repeated: NAME,groups=web+gateway,address=10.0.0.2,inner=10.0.0.2,user=ops. Without any, one host"
    " does everything."
)


@click.group()
def inventory() -> None:
    """Say which host does what."""


@inventory.command("new")
@click.argument("file", type=_FILE, default="inventory.yml")
@click.option("--host-name", default=None, help="Name that people type in their browsers, as exam.example.org.")
@click.option("--address", default=None, help="Where the one host is reached: address, name, or `local`.")
@click.option("--user", default=None, help="User by whom Ansible logs in [default: root]; others need sudo.")
@click.option("--host", "hosts", multiple=True, metavar="NAME,…", help=_HOST_HELP)
@click.option("--turn/--no-turn", default=None, help="With a TURN server, for candidates behind closed networks.")
@click.option("--certificate", default=None, help="Your certificate chain, a file here; without: an own authority.")
@click.option("--key", default=None, help="Its private key, a file here.")
@click.option("--media-node", type=click.Choice(MEDIA_NODES), default=None, help="Kustos' own node, or Kurento.")
@click.option("--media-image", default=None, help="Kurento's image with its digest, for a container.")
@click.option("--analysis-workers", type=int, default=None, help="Processes that analyse, one a core [default: 2].")
@click.option("--shared-data", default=None, help="NFS share of hosts with data, server:/path, or `mounted`.")
@click.option("--shared-recordings", default=None, help="Its part for media hosts, server:/path, or `mounted`.")
@click.option("--acme-directory", default=None, help="ACME server that makes and renews the certificate.")
@click.option("--acme-contact", default=None, help="Whom it may write to.")
@click.option("--backup-target", default=None, help="Where backups go: a folder or s3://bucket/prefix.")
@click.option("--backup-keys", default=None, help="Another folder, for the keys.")
@click.option("--backup-s3-key-id", default=None, help="Id of the access key of S3.")
@click.option("--backup-s3-secret", default=None, envvar="KUSTOS_BACKUP_S3_SECRET", help="Its secret; or asked for.")
@click.option("--monitoring-from", multiple=True, help="Network of your Prometheus; may be repeated.")
@click.option("--time-server", "time_servers", multiple=True, help="Time server of your network; may be repeated.")
@click.option("--admin-network", "admin_networks", multiple=True, help="Network that may log in; without any: all.")
@click.option("--no-input", is_flag=True, help="Ask nothing; what is not given has its default.")
def inventory_new(file: Path, hosts: tuple[str, ...], no_input: bool, **given: Any) -> None:
    """Ask what is not given, check all answers, and write the inventory FILE with new secrets."""
    if file.exists():
        raise BadInput(f"{file} is there already; move it away first.")
    values: dict[str, Any] = {name: value for name, value in given.items() if value not in {None, ()}}
    values["hosts"] = tuple(_host(text) for text in hosts)
    if not no_input:
        values = _ask(values)
    if "host_name" not in values:
        raise BadInput("Say --host-name, the name that people type in their browsers.", field="host_name")
    known = {one.name for one in fields(Answers)}
    text = inventories.make(Answers(**{name: value for name, value in values.items() if name in known}))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, text)
    program = "kustos" if shutil.which("kustos") else "./install.sh"
    preflight = f"{program} preflight -i {file}" + (" --from BUNDLE" if program == "kustos" else "")
    click.echo(f"Written: {file}, for you alone to read: it holds secrets. Next: {preflight}")


def _host(text: str) -> HostAnswer:
    """Read ``NAME,groups=web+gateway,address=…``; raise ``BadInput``."""
    name, *pairs = (part.strip() for part in text.split(","))
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in _HOST_FIELDS:
            raise BadInput(f"--host {text}: “{pair}” is none of {', '.join(_HOST_FIELDS)} with =.", field="host")
        values[key] = tuple(filter(None, value.split("+"))) if key == "groups" else value
    return HostAnswer(name.lower(), **values)


def _ask(values: dict[str, Any]) -> dict[str, Any]:
    """Ask what is not answered yet, each with what most people say."""
    found = dict(values)
    if "host_name" not in found:
        found["host_name"] = click.prompt("Name that people type in their browsers, as exam.example.org")
    if not found["hosts"] and "address" not in found:
        count = click.prompt("How many hosts", default=1, type=click.IntRange(1, 64))
        found["hosts"] = tuple(_ask_host(number, count) for number in range(1, count + 1)) if count > 1 else ()
    several = len(found["hosts"]) > 1
    if not several:
        question = "Where the host is reached (address, name, or `local` for this machine)"
        _prompt(found, "address", question, "local")
        if found["address"] != "local":
            _prompt(found, "user", "User by whom Ansible logs in", "root")
        if "turn" not in found:
            found["turn"] = click.confirm("A TURN server on it, for candidates behind closed networks", default=True)
    if "acme_directory" not in found:
        _prompt(found, "certificate", "Your certificate chain, a file here (empty: an authority is made)", "")
    if found.get("certificate"):
        _prompt(found, "key", "Its private key, a file here", "")
    _prompt(found, "media_node", "Media node", MEDIA_NODES[0], type=click.Choice(MEDIA_NODES))
    if found["media_node"] == "container":
        _prompt(found, "media_image", "Kurento's image with its digest", "")
    _prompt(found, "analysis_workers", "Processes that analyse, one a core", 2, type=int)
    if several:
        _prompt(found, "shared_data", "Share of /var/lib/kustos (server:/path, `mounted`, empty: not needed)", "")
        _prompt(found, "shared_recordings", "Share of recordings for media hosts (the same)", "")
    _ask_backup(found)
    for name, question in (
        ("monitoring_from", "Networks of your Prometheus (10.0.0.0/24, several with spaces, empty: none)"),
        ("time_servers", "Time servers of your network (several with spaces, empty: what the hosts have)"),
        ("admin_networks", "Networks that may log in by ssh (several with spaces, empty: all)"),
    ):
        if name not in found:
            found[name] = tuple(click.prompt(question, default="", show_default=False).split())
    return found


def _ask_backup(found: dict[str, Any]) -> None:
    _prompt(found, "backup_target", "Where backups go (folder or s3://bucket/prefix, empty: nowhere)", "")
    if found["backup_target"]:
        _prompt(found, "backup_keys", "Another folder for the keys, apart from the data", "")
    if found["backup_target"].startswith("s3://"):
        _prompt(found, "backup_s3_key_id", "Id of the access key of S3", "")
        _prompt(found, "backup_s3_secret", "Its secret", "", hide_input=True)


def _ask_host(number: int, count: int) -> HostAnswer:
    click.echo(f"Host {number} of {count}")
    name = click.prompt("  Name, as web-1.example.org")
    groups = click.prompt(f"  What it does ({' '.join(GROUPS)}; several with spaces)", default=" ".join(GROUPS))
    address = click.prompt("  Where it is reached from here (address, name, or `local`)", default=name)
    inner = "" if inventories.is_ipv4(address) else click.prompt("  IPv4 address at which the other hosts reach it")
    user = "root" if address == "local" else click.prompt("  User by whom Ansible logs in", default="root")
    return HostAnswer(name.strip().lower(), tuple(groups.split()), address, inner, user)


def _prompt(found: dict[str, Any], name: str, question: str, default: Any, **more: Any) -> None:
    if name not in found:
        found[name] = click.prompt(question, default=default, show_default=default != "", **more)
