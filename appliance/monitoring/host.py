"""What this machine knows of itself: room on its disks, its clock, its certificate, its newest backup."""

import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from prometheus_client.metrics_core import Metric

from appliance.diagnostics import clock
from appliance.monitoring.house import gauge, gauges
from appliance.monitoring.refreshed import Group
from appliance.settings import Settings

DISK_SECONDS: Final = 10.0
CLOCK_SECONDS: Final = 60.0
CERTIFICATE_SECONDS: Final = 600.0
ANSWER_SECONDS: Final = 2.0
SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd touches it each time it set the clock right; the sandbox forbids to ask the kernel itself."""
FRESH_SECONDS: Final = 3 * 2048
"""timesyncd asks at least every 2048 s; three answers may get lost."""


def groups(settings: Settings) -> list[Group]:
    """Return what web tells of its host."""
    folders = {"recordings": settings.recordings, "vault": settings.vault, "data": settings.data_dir}
    return [
        Group("disk", lambda: disks(folders), DISK_SECONDS),
        Group("clock", lambda: clocks(settings.time_server), CLOCK_SECONDS),
        Group("certificate", lambda: certificate(settings.public_url), CERTIFICATE_SECONDS),
        Group("backup", lambda: backup(settings.data_dir / BACKUP_STAMP), DISK_SECONDS),
    ]


def disks(folders: Mapping[str, Path]) -> Iterator[Metric]:
    """Yield free and whole size where each folder lies; raise OSError when one is not there."""
    found = {name: shutil.disk_usage(folder) for name, folder in folders.items()}
    free = {name: float(usage.free) for name, usage in found.items()}
    whole = {name: float(usage.total) for name, usage in found.items()}
    yield gauges("disk_free_bytes", "Free where a folder lies", "folder", free)
    yield gauges("disk_size_bytes", "Size of the disk on which it lies", "folder", whole)


def clocks(server: str) -> Iterator[Metric]:
    """Yield whether this machine's clock is kept, and how far it is off by the settings' time server."""
    kept = clock.kernel_synchronised()
    if kept is None and SYNCHRONISED.parent.exists():
        kept = SYNCHRONISED.exists() and time.time() - SYNCHRONISED.stat().st_mtime < FRESH_SECONDS
    if kept is not None:
        yield gauge("clock_synchronised", "1 when somebody keeps this machine's clock", int(kept))
    if server:
        offset = clock.ask(server, ANSWER_SECONDS).offset_ms / 1000
        yield gauge("clock_offset_seconds", "This clock minus the time server's", offset)


def certificate(public_url: str) -> Iterator[Metric]:
    """Yield when the certificate ends that people's browsers are shown; nothing without https."""
    public = urlsplit(public_url)
    if public.scheme != "https" or not public.hostname:
        return
    shown = _shown(public.hostname, public.port or 443)
    ends = x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp()
    yield gauge("certificate_end_timestamp_seconds", "When the certificate of the public address ends", ends)


def _shown(name: str, port: int) -> bytes:
    """Ask the nginx of this host first: the public name may lead to a load balancer, or nowhere from in here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its date is wanted, whoever signed it
    for host in ("127.0.0.1", name):
        try:
            with (
                socket.create_connection((host, port), ANSWER_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=name) as secured,
            ):
                found = secured.getpeercert(binary_form=True)
        except OSError:
            continue
        if found:
            return found
    raise OSError(f"nobody shows a certificate for {name}:{port}")


BACKUP_STAMP: Final = "backup.json"
"""Below the data folder, kept by who makes backups (``appliance.deploy.backup.state``): times in Unix seconds."""


_STAMPED: Final = {
    "full_at": ("backup_timestamp_seconds", "When the newest full backup was made"),
    "full_bytes": ("backup_bytes", "What it takes"),
    "full_seconds": ("backup_duration_seconds", "How long it took"),
    "files_waiting": ("backup_files_waiting", "Files that are not in the backup yet"),
    "streamed_at": ("backup_streamed_timestamp_seconds", "Everything committed until then is in the backup"),
}


def backup(stamp: Path) -> Iterator[Metric]:
    """Yield when the newest backups were made; nothing where there was none yet."""
    try:
        told = json.loads(stamp.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    for word, (name, words) in _STAMPED.items():
        if word in told:
            yield gauge(name, words, float(told[word]))
    yield gauge("backup_failing", "1 when the newest attempt of a backup failed", int(bool(told.get("failed_at"))))
