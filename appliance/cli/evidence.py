"""``kustos evidence``: exports of sittings, made and checked."""

import getpass
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from appliance.audit import Actor
from appliance.cli.database import command_collaborators, command_settings
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import ApplianceError, BadInput
from appliance.evidence import EvidenceKey, in_house, verify
from appliance.evidence.key import read_public_key
from appliance.evidence.report import as_json, as_lines
from appliance.services import exports, sittings
from appliance.vault import Vault, open_master_key
from appliance.vocabulary import ExportContainer, ExportContent

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
FILE = click.Path(path_type=Path)


@click.group()
def evidence() -> None:
    """Export a sitting's evidence, and check an export without the server."""


@evidence.command(name="verify")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--sitting", "sitting_ids", type=int, multiple=True, help="Check this sitting where it lies instead.")
@click.option(
    "--public-key", type=FILE, default=None, help="The appliance's key, as `kustos evidence key` prints it."
)
@click.option("--json", "as_program", is_flag=True, help="Print the outcome for programs.")
@DATA
def verify_(
    files: tuple[Path, ...], sitting_ids: tuple[int, ...], public_key: Path | None, as_program: bool, data: str | None
) -> None:
    """Check FILES: an export's archive, the folder it was unpacked into, or files of it beside their manifest.

    Says which file was altered, cut short, is missing or does not belong; exits with 1 if anything is wrong.
    Needs neither the server nor its database. With --sitting it checks what lies in this house, and needs both.
    """
    if bool(files) == bool(sitting_ids):
        raise BadInput("Name the files of an export, or sittings of this house by --sitting.")
    if sitting_ids:
        _verify_here(sitting_ids, public_key, as_program, data)
        return
    try:
        pem = None if public_key is None else public_key.read_bytes()
        report = verify(list(files), pem)
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}).") from error
    if as_program:
        click.echo(json.dumps(as_json(report), ensure_ascii=False, indent=2))
    else:
        for line in as_lines(report):
            click.echo(line)
    sys.exit(0 if report.is_whole else 1)


def _verify_here(sitting_ids: tuple[int, ...], public_key: Path | None, as_program: bool, data: str | None) -> None:
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        settings = own.settings
        pem = public_key.read_bytes() if public_key else None
        if pem is None:
            pem = EvidenceKey.load_or_create(settings.evidence_key_file, own.vault).public_pem
        reports = []
        for sitting_id in sitting_ids:
            sittings.get(session, sitting_id)
            found = in_house.verify_sitting(session, settings.manifests, read_public_key(pem), sitting_id, own.vault)
            reports.append(found)
    if as_program:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        for report in reports:
            click.echo("\n".join(in_house.as_lines(report)))
    sys.exit(0 if all(report.is_whole for report in reports) else 1)


@evidence.command()
@DATA
def key(data: str | None) -> None:
    """Print the public key that exports are signed with, and on stderr its fingerprint."""
    settings = command_settings(data)
    vault = Vault(settings.vault, open_master_key(settings))
    signer = EvidenceKey.load_or_create(settings.evidence_key_file, vault)
    click.echo(signer.public_pem.decode(), nl=False)
    click.echo(f"fingerprint: {signer.fingerprint}", err=True)


@evidence.command()
@click.option("--sitting", "sitting_id", type=int, required=True, help="Number of the sitting.")
@click.option("--out", type=FILE, required=True, help="The archive to write; must not exist yet.")
@click.option(
    "--content",
    "contents",
    multiple=True,
    type=click.Choice([content.value for content in ExportContent]),
    help="What goes in; may be repeated [default: camera, screen, originals].",
)
@click.option(
    "--container",
    type=click.Choice([container.value for container in ExportContainer]),
    default=ExportContainer.WEBM.value,
    show_default=True,
    help="Of the side-by-side film.",
)
@click.option("--records/--no-records", default=True, show_default=True, help="Take incidents and chat along.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True, help="Of drawn words.")
@DATA
def export(
    sitting_id: int,
    out: Path,
    contents: tuple[str, ...],
    container: str,
    records: bool,
    language: str,
    data: str | None,
) -> None:
    """Write a sitting's evidence to an archive. The act is in the audit log under your system account."""
    if out.exists():
        raise BadInput(f"{out} exists already; name a new file.")
    wanted = [ExportContent(word) for word in contents] or [
        ExportContent.CAMERA,
        ExportContent.SCREEN,
        ExportContent.ORIGINALS,
    ]
    with command_collaborators(data) as collaborators:
        with unit_of_work(collaborators.session_factory) as session:
            sitting = sittings.get(session, sitting_id)
            row = exports.request(
                session,
                _account(),
                collaborators.settings,
                sitting,
                wanted,
                container=ExportContainer(container),
                with_records=records,
                language=language,
                by_job=False,
            )
        try:
            _write(collaborators, row.id, out)
        finally:
            with unit_of_work(collaborators.session_factory) as session:
                exports.delete(session, _account(), collaborators.vault, exports.get(session, row.id))
    click.echo(f"{out} is written; check it with: kustos evidence verify {out}")


def _write(collaborators: Collaborators, export_id: int, out: Path) -> None:
    from media.exports.make import copy_out, make_export  # noqa: PLC0415 - loads FFmpeg

    ready = make_export(collaborators, export_id)
    with unit_of_work(collaborators.session_factory) as session:
        row = exports.get(session, export_id)
        if not ready:
            raise ApplianceError(row.problem)
        exports.record_download(session, _account(), row)
    try:
        copy_out(collaborators, row, out)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written ({error.strerror}).") from error


def _account() -> Actor:
    return Actor("cli", str(os.getuid()), getpass.getuser())
