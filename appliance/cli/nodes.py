"""``kustos node``: run the embedded media node; register, list, drain, resume and remove nodes; sweep stray files."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import click

from appliance import logs
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_session
from appliance.cli.table import Row, print_table
from appliance.db import unit_of_work
from appliance.services import nodes
from appliance.settings import load_settings, port_range

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
LOOK_SECONDS = 1.0
KB_PER_MB = 1024
BYTES_PER_MB = 1024 * 1024


@click.group()
def node() -> None:
    """Run and manage media nodes."""


@node.command()
@click.option("--listen", default="127.0.0.1:8888", show_default=True, metavar="HOST:PORT", help="Control port.")
@click.option("--ice-ports", metavar="FIRST-LAST", help="Its ports, UDP and TCP [default: setting ice_ports].")
def run(listen: str, ice_ports: str | None) -> None:
    """Run the embedded media node: Kurento's protocol on GStreamer."""
    # imported here, because GStreamer is loaded in this process only
    from media.node.__main__ import run as run_node  # noqa: PLC0415
    from media.node.node import Options  # noqa: PLC0415

    logs.configure()
    try:
        settings = load_settings()
        wanted = ice_ports or settings.ice_ports
        options = Options(ice_ports=port_range(wanted) if wanted else None)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ice-ports") from error
    run_node(listen, options, settings.metrics_listen)


@node.command()
@click.argument("url")
@click.option("--name", default="", help="What people call it [default: host:port].")
@click.option("--capacity", default=0, help="Sittings it takes at most [default: as many as come].")
@DATA
def register(url: str, name: str, capacity: int, data: str | None) -> None:
    """Add the media node at URL (ws://host:8888/kurento); gateways use it within seconds."""
    from media.pipelines.probe import folder_warning, probe  # noqa: PLC0415 - only this command speaks with a node

    answer = asyncio.run(probe(nodes.valid_url(url)))
    with command_collaborators(data) as collaborators:
        with unit_of_work(collaborators.session_factory) as session:
            made = nodes.register(session, cli_actor(), url, name, capacity, answer.version)
            click.echo(
                f"Node {made.name} is registered: version {answer.version}, {answer.memory_kb // KB_PER_MB} MB."
            )
        folder = collaborators.settings.recordings.absolute()
    if warning := asyncio.run(folder_warning(nodes.valid_url(url), folder, "register")):
        click.secho(f"Warning: {warning}.", fg="yellow", err=True)


@node.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@DATA
def list_(as_json: bool, data: str | None) -> None:
    """Show nodes, gateways and stray files."""
    with command_session(data) as session:
        found: dict[str, Any] = {
            "nodes": nodes.listing(session),
            "gateways": nodes.gateways(session),
            "stray_files": nodes.stray_files(session),
        }
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    print_table("Media nodes", [_node_row(one) for one in found["nodes"]])
    print_table("Gateways", [_gateway_row(one) for one in found["gateways"]])
    strays = found["stray_files"]
    if strays["count"]:
        size = strays["size_bytes"] / BYTES_PER_MB
        click.echo(f"\n{strays['count']} files without a sitting, {size:.1f} MB: see `kustos node sweep`.")


@node.command()
@click.argument("name")
@click.option("--move", is_flag=True, help="Ask running sittings to go to other nodes, one after another.")
@click.option("--wait", is_flag=True, help="Return when the node is empty and may be restarted.")
@DATA
def drain(name: str, move: bool, wait: bool, data: str | None) -> None:
    """Have a node take no new sittings, so that it can be restarted."""
    with command_collaborators(data) as collaborators:
        with unit_of_work(collaborators.session_factory) as session:
            found = nodes.get(session, name)
            nodes.drain(session, cli_actor(), found, move)
            count = nodes.sittings_on(session, found)
        click.echo(f"Node {name} takes no new sittings; it has {count}.")

        def left() -> int:
            with unit_of_work(collaborators.session_factory) as session:
                return nodes.sittings_on(session, nodes.get(session, name))

        if wait:
            _wait_until_empty(left, count)
    if wait or not count:
        click.echo(f"Node {name} is empty: it may be restarted now. Then: kustos node resume {name}")


@node.command()
@click.argument("name")
@DATA
def resume(name: str, data: str | None) -> None:
    """Have a drained node take sittings again."""
    with command_session(data) as session:
        nodes.resume(session, cli_actor(), nodes.get(session, name))
    click.echo(f"Node {name} takes sittings.")


@node.command()
@click.argument("name")
@DATA
def remove(name: str, data: str | None) -> None:
    """Forget a registered node that is empty."""
    with command_session(data) as session:
        nodes.remove(session, cli_actor(), nodes.get(session, name))
    click.echo(f"Node {name} is removed.")


@node.command()
@click.option("--delete", is_flag=True, help="Delete what no sitting can need any more; every name is audited.")
@DATA
def sweep(delete: bool, data: str | None) -> None:
    """Find files in the folder of recordings that no sitting knows."""
    from media.recordings import sweep as sweeper  # noqa: PLC0415 - only this command looks at recordings

    with command_collaborators(data) as collaborators:
        folder = collaborators.settings.recordings.absolute()
        with unit_of_work(collaborators.session_factory) as session:
            found = sweeper.delete(session, cli_actor(), folder) if delete else sweeper.find(session, folder)
    title = "Deleted" if delete else "Files without a sitting"
    remarks = {True: "may be deleted", False: "kept: may be evidence, or is nothing of ours"}
    rows = [
        Row(str(one.path), f"{one.size_bytes / BYTES_PER_MB:.1f} MB", f"{one.reason}; {remarks[one.deletable]}")
        for one in found
    ]
    if rows:
        print_table(title, rows)
    else:
        click.echo("Nothing to delete." if delete else "Every file belongs to a sitting.")


def _wait_until_empty(left: Callable[[], int], count: int) -> None:
    while count:
        time.sleep(LOOK_SECONDS)
        now = left()
        if now != count:
            click.echo(f"{now} sittings left.")
        count = now


def _node_row(one: dict[str, Any]) -> Row:
    state = one["state"] if one["answers"] else f"{one['state']}, does not answer"
    figures = [f"{one['sittings']}{'/' + str(one['capacity']) if one['capacity'] else ''} sittings"]
    if one["answers"]:
        figures += [f"{one['cpu']:.0f} % CPU", f"{one['memory_kb'] // KB_PER_MB} MB", one["version"]]
    advice = one["advice"]
    if advice:
        grown = f"{advice['from_kb'] // KB_PER_MB} to {advice['to_kb'] // KB_PER_MB} MB"
        figures.append(f"memory grew from {grown} in {advice['days']} days: drain and restart it")
    if one["failure"]:
        figures.append(one["failure"])
    return Row(one["name"], state, ", ".join(figures))


def _gateway_row(one: dict[str, Any]) -> Row:
    state = "alive" if one["alive"] else "ended" if one["ended"] else "silent"
    return Row(one["address"], state, one["id"][:8])
