"""``kustos up``: the whole appliance on this machine, until Ctrl-C."""

import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from types import FrameType

import click

from appliance import schema
from appliance.cli.table import Row, print_table
from appliance.collaborators import Collaborators, assemble
from appliance.db import unit_of_work
from appliance.services import master_key
from appliance.services.demo import DemoAccounts
from appliance.services.demo import ensure as ensure_demo
from appliance.services.master_key import House
from appliance.settings import load_settings
from appliance.standalone import certificate, nginx, preflight, supervision
from appliance.standalone.layout import AT_MOST, Layout, Ports
from appliance.standalone.postgres import EmbeddedPostgres

READY_SECONDS = 180.0
"""A first start on a slow disk, with all processors busy; on the reference machine it is under 12."""


class _Stop(Exception):
    """Ctrl-C, or a polite kill."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=".data", show_default=True, help="Data folder.")
@click.option("--demo", is_flag=True, help="Make a company, exams and staff to play with.")
@click.option("--port", default=8080, show_default=True, help="Port of http://localhost.")
@click.option("--https-port", default=None, type=int, help="Port of https on the LAN [default: --port + 363].")
@click.option("--gateways", default=1, show_default=True, type=click.IntRange(1, AT_MOST), help="How many run.")
@click.option("--nodes", default=1, show_default=True, type=click.IntRange(1, AT_MOST), help="How many run.")
def up(data: Path, demo: bool, port: int, https_port: int | None, gateways: int, nodes: int) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    logging.basicConfig(level=logging.WARNING)
    layout, ports = Layout(data.expanduser().resolve()), Ports.from_public(port, https_port, gateways, nodes)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    begin = time.monotonic()
    layout.make()
    click.get_current_context().with_resource(layout.claimed())
    preflight.check_host(layout, ports)
    postgres = EmbeddedPostgres(layout.postgres)
    supervisor: subprocess.Popen[bytes] | None = None
    try:
        database_url = postgres.start()
        layout.write_settings(database_url, ports, demo)
        accounts = _prepare(layout, demo)
        pem, key = certificate.ensure_certificate(layout.keys)
        supervisor = supervision.start(
            supervision.write_configuration(layout, ports, nginx.write_configuration(layout, ports, pem, key))
        )
        ready = supervision.wait_until_ready(
            supervision.probes(ports, database_url), supervisor, layout.logs, READY_SECONDS
        )
        _print_welcome(layout, ports, ready, accounts, time.monotonic() - begin)
        _watch(supervisor, postgres)
    except _Stop:
        click.echo("\nStopping …", err=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if supervisor is not None:
            _end(supervisor)
        postgres.stop()
    click.echo("Stopped.", err=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Stop


def _prepare(layout: Layout, demo: bool) -> DemoAccounts | None:
    """Bring the schema up to date and make the demo's data."""
    os.environ["KUSTOS_SETTINGS"] = str(layout.settings_file)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    collaborators: Collaborators = assemble(settings)
    master_key.adopt(House(settings, collaborators.session_factory, collaborators.vault))
    if not demo:
        return None
    with unit_of_work(collaborators.session_factory) as session:
        return ensure_demo(session, collaborators.vault, settings)


def _watch(supervisor: subprocess.Popen[bytes], postgres: EmbeddedPostgres) -> None:
    while True:
        try:
            supervisor.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if postgres.ensure_running():
                click.echo("PostgreSQL had died; it was started again.", err=True)
        else:
            click.echo("The supervisor ended by itself; stopping.", err=True)
            return


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(timeout=supervision.SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()


def _print_welcome(
    layout: Layout, ports: Ports, ready: dict[str, float], accounts: DemoAccounts | None, seconds: float
) -> None:
    origin = f"http://localhost:{ports.http}"
    rows = [
        Row("This machine", origin),
        Row("Your LAN", f"https://{certificate.lan_address()}:{ports.https}", "self-signed certificate"),
        Row("Data", str(layout.data), f"logs in {layout.logs}"),
        Row("Ready", ", ".join(("PostgreSQL", *ready)), f"after {seconds:.1f} s"),
    ]
    print_table("Kustos is running", rows)
    if accounts is None:
        return
    print_table(
        "Demo accounts (page with current one-time codes: " + origin + "/demo)",
        [
            Row(str(one.role), one.email, f"password {one.password}   TOTP {one.totp_secret}")
            for one in accounts.staff
        ],
    )
    print_table("Candidates", [Row(name, origin + path) for name, path in accounts.candidate_links.items()])
    click.echo("Ctrl-C stops everything; the data stay.")
