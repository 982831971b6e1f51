"""``kustos retention``: terms, holds, erasure and certificates, for who runs the server."""

import json
import sys
from pathlib import Path

import click

from appliance import audit
from appliance.cli.actor import cli_actor
from appliance.cli.database import command_collaborators, command_session
from appliance.cli.table import Row, print_table
from appliance.db import from_ms, unit_of_work, utcnow
from appliance.errors import BadInput
from appliance.retention import certificate as certificates
from appliance.retention import erasure, log_term, overview, person_export, purge
from appliance.services import approvals, companies, holds
from appliance.vocabulary import AskedBy, FourEyesAct, HoldScope, LegalBasis

DATA = click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
FILE = click.Path(path_type=Path)


@click.group()
def retention() -> None:
    """Delete what has had its time, hold what must stay, erase one person, check certificates."""


@retention.command()
@DATA
def run(data: str | None) -> None:
    """Announce, delete and sign what is due now; the worker does it every night."""
    with command_collaborators(data) as own:
        outcome = purge.run(own, utcnow(), cli_actor())
        sealed, destroyed = log_term.run(own, utcnow(), cli_actor())
        with unit_of_work(own.session_factory) as session:
            left = erasure.undone(session)
        for number in left:
            erasure.carry_out(own, number, utcnow())
    for data_class, count in sorted(outcome.deleted.items()):
        click.echo(f"deleted: {data_class.value} of {count}")
    click.echo(
        f"{outcome.announced} announced, {outcome.withdrawn} withdrawn, {outcome.deleted.total()} deleted, "
        f"certificates: {', '.join(map(str, outcome.certificates)) or 'none'}; {len(left)} erasures taken up; "
        f"audit log: {sealed} entries sealed, {len(destroyed)} segments destroyed."
    )


@retention.command()
@click.argument("company")
@click.option("--json", "as_program", is_flag=True, help="Print it for programs.")
@DATA
def due(company: str, as_program: bool, data: str | None) -> None:
    """Print the terms of COMPANY (its short name) and what is deleted within 30 days."""
    with command_session(data) as session:
        of = companies.by_slug(session, company)
        found = overview.overview(session, of, utcnow())
        audit.record(session, cli_actor(), "retention.view", ("company", of.id), company_id=of.id)
    if as_program:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    rows = [
        Row(term["data_class"], "without end" if term["days"] is None else f"{term['days']} days", _others(term))
        for term in found["terms"]
    ]
    print_table(f"Terms (profile {found['profile']})", rows)
    soon = [
        Row(one["data_class"], str(one["count"]), f"the first on {from_ms(one['first_ms']):%Y-%m-%d}")
        for one in found["soon"]
    ]
    print_table("Deleted within 30 days", soon)
    in_force = [one for one in found["holds"] if one["released_ms"] is None]
    print_table(
        "Holds in force",
        [
            Row(f"#{one['id']}", f"{one['scope']} {one['subject_id']}", f"{one['owner']}: {one['reason']}")
            for one in in_force
        ],
    )


@retention.command()
@click.argument("company")
@click.argument("scope", type=click.Choice([scope.value for scope in HoldScope]))
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why nothing may be deleted.")
@click.option("--owner", required=True, help="Who answers for the hold.")
@DATA
def hold(company: str, scope: str, number: int, reason: str, owner: str, data: str | None) -> None:
    """Hold a sitting, a candidate or an exam of COMPANY by its NUMBER: nothing of it is deleted any more."""
    with command_session(data) as session:
        subject = holds.Subject(HoldScope(scope), number)
        row = holds.place(
            session, cli_actor(), companies.by_slug(session, company).id, subject, reason, owner, utcnow()
        )
    click.echo(f"Hold {row.id} is in force.")


@retention.command()
@click.argument("hold_id", type=int)
@click.option("--reason", required=True, help="Why it is no longer needed.")
@DATA
def release(hold_id: int, reason: str, data: str | None) -> None:
    """Release hold HOLD_ID; what it stopped is announced anew before it is deleted."""
    with command_session(data) as session:
        row, actor = holds.get(session, hold_id), cli_actor()
        approvals.demand(session, actor, FourEyesAct.HOLD_RELEASE, ("hold", row.id), row.company_id)
        holds.release(session, actor, row, reason, utcnow())
    click.echo(f"Hold {hold_id} is released.")


@retention.command()
@click.argument("company")
@click.argument("person")
@click.option("--basis", type=click.Choice([basis.value for basis in LegalBasis]), required=True, help="Legal basis.")
@click.option(
    "--asked-by", type=click.Choice([one.value for one in AskedBy]), required=True, help="Who asked for it."
)
@click.option("--reference", default="", help="Number of the letter or ticket; never a name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@DATA
def erase(company: str, person: str, basis: str, asked_by: str, reference: str, yes: bool, data: str | None) -> None:
    """Erase PERSON (id in the company's own system) everywhere, for ever, and print the certificate's number."""
    if not yes:
        click.confirm(f"Erase {person} of {company} for ever, in every copy?", abort=True)
    with command_collaborators(data) as own:
        with unit_of_work(own.session_factory) as session:
            row = erasure.request(
                session,
                cli_actor(),
                companies.person(session, company, person),
                LegalBasis(basis),
                AskedBy(asked_by),
                reference,
                utcnow(),
            )
        done = erasure.carry_out(own, row.id, utcnow())
    click.echo(f"Erased. Certificate {done.certificate_id}: kustos retention certificate show {done.certificate_id}")


@retention.command()
@click.argument("company")
@click.argument("person")
@click.option("--out", type=FILE, required=True, help="The archive to write; must not exist yet.")
@click.option("--recordings/--no-recordings", default=False, show_default=True, help="Take the films along.")
@DATA
def export(company: str, person: str, out: Path, recordings: bool, data: str | None) -> None:
    """Write all that is stored of PERSON (id in the company's own system) to an archive."""
    if out.exists():
        raise BadInput(f"{out} exists already; name a new file.")
    actor = cli_actor()
    with command_collaborators(data) as own:
        with unit_of_work(own.session_factory) as session:
            who = companies.person(session, company, person)
            row = person_export.request(session, actor, who, recordings, utcnow(), by_job=False)
        person_export.make(own, row.id, utcnow())
        with unit_of_work(own.session_factory) as session:
            made = person_export.get(session, row.id)
            if made.problem:
                raise BadInput(made.problem)
            person_export.record_download(session, actor, made)
            person_export.copy_out(session, own.vault, made, out)
            person_export.delete(session, actor, own.vault, made)
    click.echo(f"{out} is written.")


@retention.group()
def certificate() -> None:
    """Look at deletion certificates, and check them without the server."""


@certificate.command()
@click.argument("number", type=int)
@click.option("--out", type=FILE, default=None, help="File to write; its signature goes beside, with .sig.")
@DATA
def show(number: int, out: Path | None, data: str | None) -> None:
    """Print certificate NUMBER as it was signed, or write it and its signature to files."""
    with command_session(data) as session:
        row = certificates.get(session, number)
        subject = ("certificate", number)
        audit.record(session, cli_actor(), "certificate.view", subject, company_id=row.company_id)
    if out is None:
        click.echo(row.content)
        return
    out.write_bytes(row.content.encode())
    certificates.signature_file(out).write_bytes(certificates.signature_bytes(row))
    click.echo(f"{out} and {certificates.signature_file(out)} are written.")


@certificate.command()
@click.argument("file", type=FILE)
@click.option(
    "--key", type=FILE, required=True, help="The appliance's public key, as `kustos evidence key` prints it."
)
@click.option("--signature", type=FILE, default=None, help="Signature, if it is not FILE.sig.")
def verify(file: Path, key: Path, signature: Path | None) -> None:
    """Check the certificate in FILE against its signature; needs neither the server nor its database."""
    try:
        content, pem = file.read_bytes(), key.read_bytes()
        signed = (signature or certificates.signature_file(file)).read_bytes()
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}).") from error
    verdict = certificates.verify(content, signed, pem)
    click.echo(f"key fingerprint: {verdict.fingerprint}")
    if not verdict.is_genuine:
        click.echo(verdict.problem, err=True)
        sys.exit(1)
    totals = verdict.content["totals"]
    click.echo(
        f"Genuine: {verdict.content['kind']} certificate {verdict.content['number']} of "
        f"{verdict.content['company']['name']}: {totals['rows']} rows, {totals['files']} files, "
        f"{totals['bytes']} bytes, {totals['keys']} keys destroyed."
    )


def _others(term: dict[str, object]) -> str:
    exams = term["exams"]
    return f"{len(exams)} exams differ" if isinstance(exams, list) and exams else ""
