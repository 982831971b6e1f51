"""``kustos audit``: proof that the log was not altered, exports of it that prove themselves, and its public key."""

import gzip
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

import click
from sqlalchemy import text

from appliance.audit import Verdict, Witnesses, record, verify_all
from appliance.audit.export import ExportVerdict, verify_export, whole
from appliance.audit.statements import Signer
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_settings
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.errors import AuditBroken, BadInput
from appliance.vault import Vault, open_master_key

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
FILE = click.Path(path_type=Path)


@click.group()
def audit() -> None:
    """Work with the audit log."""


@audit.command()
@click.option("--export", "export_file", type=FILE, default=None, help="Check this export; needs no server.")
@click.option("--key", "key_file", type=FILE, default=None, help="The public key, as `kustos audit key` prints it.")
@DATA
def verify(export_file: Path | None, key_file: Path | None, data: str | None) -> None:
    """Walk the whole chain; name the first row that does not verify and exit with 1.

    Says what the last checkpoint covers and what lies after it.
    """
    if export_file is not None:
        pem = _read(key_file) if key_file else None
        _tell_export(verify_export(export_file, pem))
        return
    with command_collaborators(data) as own:
        signer = Signer.of(own.settings, own.vault)
        try:
            with unit_of_work(own.session_factory) as session:
                verdict = verify_all(session, Witnesses(signer.public_key, own.settings.audit, own.vault))
        except AuditBroken as error:
            _note(own, "failed", problem=error.message)
            raise
        _note(own, "success", entries=verdict.entries, head_hash=verdict.head_hash)
    _tell(verdict)


@audit.command()
@click.argument("file", type=FILE)
@click.option("--since", type=click.DateTime(), default=None, help="From the first entry at or after this (UTC).")
@DATA
def export(file: Path, since: datetime | None, data: str | None) -> None:
    """Write the log to FILE (NAME.gz: compressed), to be checked anywhere with the public key alone."""
    if file.exists():
        raise BadInput(f"{file} exists already; name a new file.")
    moment = since.replace(tzinfo=utcnow().tzinfo) if since else None
    with command_collaborators(data) as own:
        signer = Signer.of(own.settings, own.vault)
        with unit_of_work(own.session_factory) as session:  # the act comes first: no export without its entry
            record(session, cli_actor(), "audit.export", ("audit", "all"), file=file.name, since=since)
        with unit_of_work(own.session_factory) as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            count = _write(file, whole(session, signer, moment))
    click.echo(f"{file} holds {count} entries; check it with: kustos audit verify --export {file} --key KEY.pem")


@audit.command()
@DATA
def key(data: str | None) -> None:
    """Print the public key that the audit log is signed with, and on stderr its fingerprint."""
    settings = command_settings(data)
    signer = Signer.of(settings, Vault(settings.vault, open_master_key(settings)))
    click.echo(signer.key.public_pem.decode(), nl=False)
    click.echo(f"fingerprint: {signer.key.fingerprint}", err=True)


@audit.command()
@click.argument("action")
@click.option(
    "--subject", default="appliance:this", show_default=True, metavar="KIND:ID", help="What it was done to."
)
@click.option("--result", type=click.Choice(["success", "refused", "failed"]), default="success", show_default=True)
@click.option("--detail", "details", multiple=True, metavar="NAME=VALUE", help="May be repeated; never a secret.")
@DATA
def note(action: str, subject: str, result: str, details: tuple[str, ...], data: str | None) -> None:
    """Write ACTION (such as ansible.deploy) to the log: for playbooks and scripts that act on the appliance."""
    noun, dot, verb = action.partition(".")
    kind, colon, subject_id = subject.partition(":")
    pairs = [detail.partition("=") for detail in details]
    if not (dot and noun and verb) or not (colon and kind) or not all(equals for _, equals, _ in pairs):
        raise BadInput("ACTION is noun.verb, --subject KIND:ID, --detail NAME=VALUE.")
    with command_collaborators(data) as own, unit_of_work(own.session_factory) as session:
        said = {name: value for name, _, value in pairs}
        record(session, cli_actor(), action, (kind, subject_id), result, None, said=said)
    click.echo("Noted.")


def _note(own: Collaborators, result: str, **details: object) -> None:
    with unit_of_work(own.session_factory) as session:
        record(session, cli_actor(), "audit.verify", ("audit", "all"), result, None, **details)


def _tell(verdict: Verdict) -> None:
    click.echo(f"The audit chain is whole: {verdict.entries} entries, head {verdict.head_hash}.")
    if verdict.segments:
        erased = f", {verdict.erased} entries of them erased by the retention rules" if verdict.erased else ""
        click.echo(f"  {verdict.segments} sealed segments{erased}")
    _tell_cover(verdict, verdict.entries)


def _tell_export(verdict: ExportVerdict) -> None:
    if verdict.filter is not None:
        click.echo(f"The export is as it was signed: {verdict.entries} entries, each as it was written.")
        click.echo("  It is a choice: that nothing is left out, the signature vouches for, not the chain.")
    else:
        last = verdict.first + verdict.entries + verdict.erased - 1
        click.echo(f"The audit chain is whole: entries {verdict.first} to {last}, head {verdict.head_hash}.")
        _tell_cover(verdict, last)
    if verdict.key_is_yours:
        click.echo("The signatures fit the public key that you gave:")
    else:
        click.echo("The signatures fit the key in the file. Compare its fingerprint, or give the key with --key:")
    click.echo(f"  {verdict.fingerprint}")


def _tell_cover(verdict: Verdict, last: int) -> None:
    if verdict.covered_at:
        click.echo(f"  {verdict.checkpoints} signed checkpoints; the last covers entries up to {verdict.covered},")
        click.echo(f"  signed {verdict.covered_at}; {last - verdict.covered} entries lie after it")
    else:
        click.echo("  no signed checkpoint covers it: it is held together by the chain alone")
    for remark in verdict.notes:
        click.secho(f"  Look at this: {remark}", fg="yellow")


def _write(file: Path, rows: Iterable[str]) -> int:
    count = 0
    try:
        with _opened(file) as target:
            for row in rows:
                count += row.startswith('{"hash":')
                target.write(row)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise BadInput(f"{file}: cannot be written ({error.strerror}).") from error
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return count


def _opened(file: Path) -> IO[str]:
    if file.name.endswith(".gz"):
        return gzip.open(file, "xt", encoding="ascii", newline="\n", compresslevel=6)
    return file.open("x", encoding="ascii", newline="\n")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}).") from error
