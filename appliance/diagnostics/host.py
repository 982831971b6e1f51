"""Checks of the box that need no media: each a function of ``Host`` that returns its steps and never raises."""

import errno
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance import schema
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.diagnostics import clock
from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.errors import ApplianceError
from appliance.services import disk_guard
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import DiskState

MB: Final = 2**20
FULL_MB: Final = 16
"""Less than this is full: four recordings' next minute."""
ELSEWHERE: Final = {
    "database": Path("/var/lib/postgresql"),
    "program": Path("/opt/kustos"),
    "journal": Path("/var/log/journal"),
}
"""What else fills up on an installed host."""
FULL_OF_PROGRAM_MB: Final = 1024
"""Another release, a journal at its bounds or a busy night's log of the database still fit."""
FEW_INODES_PERCENT: Final = 2
CLOCK_OFF_MS: Final = 2000
"""Tokens of start links are good for minutes, timelines are read in seconds."""
AUTHORITY: Final = Path("/etc/kustos/authority.crt")
"""The appliance's own authority, where it has one, for everybody to read."""
SOON: Final = timedelta(days=14)
SECONDS: Final = 3.0
"""What anything on this machine or its network may take to answer."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the checks look at."""

    settings: Settings
    session_factory: SessionFactory
    vault: Vault | None = None
    """Opens the secrets of the companies' own TURN servers."""
    sitting_id: int | None = None
    """None: all of the appliance."""


Check = Callable[[Host], list[Step]]


def check_database(host: Host) -> list[Step]:
    """PostgreSQL answers, and is at the revision of this code."""
    try:
        with unit_of_work(host.session_factory) as session:
            version = str(session.execute(text("SHOW server_version")).scalar()).split()[0]
        schema_status = schema.status(host.settings.database_url)
    except (ApplianceError, SQLAlchemyError) as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        return [failed("database", "database_unreachable", detail=cause), skipped("migrations", "not_looked_at")]
    steps, revision, wanted = [passed("database", version=version)], schema_status.current, schema_status.head
    if revision is not None and not schema_status.expanding:  # contracting ones wait for whoever upgrades
        return [*steps, passed("migrations", revision=revision)]
    return [*steps, failed("migrations", "database_outdated", revision=revision, revision_wanted=wanted)]


def check_recordings_folder(host: Host) -> list[Step]:
    """A file can be made where the nodes write; also tells a full disk from a read-only one."""
    folder = host.settings.recordings
    try:
        folder.mkdir(parents=True, exist_ok=True)  # as the gateway does before each part
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as probe:
            probe.write(bytes(64 * 1024))
            probe.flush()
            os.fsync(probe.fileno())
    except (FileNotFoundError, FileExistsError, NotADirectoryError):
        return [failed("recordings_folder", "recordings_missing", file=str(folder))]
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        cause = "disk_full" if full else "recordings_readonly"
        return [failed("recordings_folder", cause, detail=error.strerror or "", file=str(folder))]
    return [passed("recordings_folder", file=str(folder))]


def check_disk(host: Host) -> list[Step]:
    """There is room: where recordings are written, where they are sealed, and where an installation has the rest."""
    folders = {"recordings": host.settings.recordings, "vault": host.settings.data_dir}
    return [_room(name, folder, host.settings.disk_reserve_mb) for name, folder in folders.items()] + [
        _room(name, folder, FULL_OF_PROGRAM_MB) for name, folder in ELSEWHERE.items() if folder.exists()
    ]


def _room(name: str, folder: Path, reserve_mb: int) -> Step:
    try:
        usage, nodes = shutil.disk_usage(folder), os.statvfs(folder)
    except OSError as error:
        return failed("disk", "recordings_missing", name, error.strerror or "", file=str(folder))
    figures: Figures = {"free_mb": usage.free // MB, "size_mb": usage.total // MB, "reserve_mb": reserve_mb}
    if usage.free < FULL_MB * MB:
        return failed("disk", "disk_full", name, figures=figures)
    if usage.free < reserve_mb * MB:
        return warning(
            "disk", "disk_low" if name in {"recordings", "vault"} else "disk_low_elsewhere", name, "", figures
        )
    if nodes.f_files and nodes.f_favail * 100 < nodes.f_files * FEW_INODES_PERCENT:
        share = round(nodes.f_favail * 100 / nodes.f_files, 1)
        return warning("disk", "inodes_low", name, figures={**figures, "free_inodes_percent": share})
    return passed("disk", name, figures=figures)


def check_forecast(host: Host) -> list[Step]:
    """What all admitted sittings will still record fits, by the running bit rate."""
    try:
        with unit_of_work(host.session_factory) as session:
            outlook = disk_guard.worst(session)
    except (ApplianceError, SQLAlchemyError):
        return [skipped("disk", "not_looked_at", "forecast")]
    if outlook is None:
        return [skipped("disk", "no_forecast", "forecast")]
    hours = None if outlook.full_at is None else round((outlook.full_at - utcnow()).total_seconds() / 3600, 1)
    figures: Figures = {"free_at_end_mb": outlook.free_at_end // MB, "forecast_hours": hours}
    if outlook.full_at is not None:
        return [failed("disk", "disk_will_be_full", "forecast", figures=figures)]
    if outlook.state is DiskState.OK:
        return [passed("disk", "forecast", figures)]
    closed = outlook.state is DiskState.CLOSED
    return [warning("disk", "disk_closed" if closed else "disk_tight", "forecast", figures=figures)]


def check_clock(host: Host) -> list[Step]:
    """The machine's clock is kept, and right by the time server of the settings if there is one."""
    synchronised = clock.kernel_synchronised()
    server = host.settings.time_server
    if not server:
        if synchronised:
            return [passed("clock", synchronised=True)]
        return [warning("clock", "clock_unsynchronised", synchronised=synchronised)]
    try:
        told = clock.ask(server)
    except (OSError, ValueError) as error:
        return [warning("clock", "time_server_silent", detail=str(error), source=server, synchronised=synchronised)]
    figures: Figures = {"clock_offset_ms": told.offset_ms, "round_trip_ms": told.round_trip_ms, "source": server}
    if abs(told.offset_ms) > CLOCK_OFF_MS:
        return [failed("clock", "clock_off", figures=figures)]
    return [passed("clock", figures=figures)]


def check_certificate(host: Host) -> list[Step]:
    """The certificate that ``kustos up`` made, or the one served at the public address, is valid."""
    steps = []
    try:
        for source, certificate in _certificates(host.settings):
            steps.append(_judged(source, certificate))
    except (OSError, ValueError) as error:
        steps.append(failed("certificate", "certificate_unreadable", detail=str(error)))
    return steps or [skipped("certificate", "no_certificate")]


def _certificates(settings: Settings) -> Iterator[tuple[str, x509.Certificate]]:
    for file in (settings.data_dir / "keys" / "lan.crt", AUTHORITY):
        if file.exists():
            yield str(file), x509.load_pem_x509_certificate(file.read_bytes())
    if settings.siem_ca_file:
        for one in x509.load_pem_x509_certificates(Path(settings.siem_ca_file).read_bytes()):
            yield f"SIEM: {settings.siem_ca_file}", one
    public = urlsplit(settings.public_url)
    if public.scheme == "https" and public.hostname:
        yield public.netloc, _served(public.hostname, public.port or 443)


def _served(name: str, port: int) -> x509.Certificate:
    """Return the certificate of the origin; a host that does not find its name asks itself."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its dates are looked at, whoever signed it
    try:
        plain = socket.create_connection((name, port), timeout=SECONDS)
    except socket.gaierror:
        plain = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    with plain, context.wrap_socket(plain, server_hostname=name) as secure:
        return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")


def _judged(source: str, certificate: x509.Certificate) -> Step:
    now, until = utcnow(), certificate.not_valid_after_utc
    figures: Figures = {"source": source, "valid_until": _day(until), "days_left": (until - now).days}
    if until < now:
        return failed("certificate", "certificate_expired", figures=figures)
    if certificate.not_valid_before_utc > now:
        return failed("certificate", "certificate_not_yet_valid", figures=figures)
    if until - now < SOON:
        return warning("certificate", "certificate_expires_soon", figures=figures)
    return passed("certificate", figures=figures)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def run(check: Check, host: Host) -> list[Step]:
    """Return a check's steps with the time they took."""
    begin = monotonic()
    steps = check(host)
    took_ms = round((monotonic() - begin) * 1000)
    return [replace(step, took_ms=step.took_ms or took_ms) for step in steps]


def own_version(root: Path | None = None) -> str:
    """Return the version of this installation."""
    from importlib.metadata import version  # noqa: PLC0415 - reads a file

    return version("kustos")
