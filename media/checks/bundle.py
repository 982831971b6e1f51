"""The ZIP for a ticket: report, descriptions, statistics, picture of the pipeline, ends of logs. No secret."""

import io
import json
import platform
import re
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from appliance.db import libpq_url
from appliance.diagnostics.report import Report
from appliance.diagnostics.wording import as_text, worded
from appliance.settings import Settings

TAIL_BYTES: Final = 200_000
"""Of each log: the last quarter of an hour of a busy appliance."""
LOGS: Final = 40
"""Files; one a process, with those turned over."""
HIDDEN: Final = "[hidden]"
TOKENS: Final = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]+|(?<=a=ice-pwd:)\S+|(?<=inline:)\S+|(?<=a=crypto:)\S.*")
"""Signed tokens; in a session description the passwords of ICE and keys of SRTP."""
HEADERS: Final = re.compile(r"((?:authorization|cookie)[\"']?\s*[=:]\s*).+", re.IGNORECASE)
NAMED: Final = re.compile(r"((?:password|passwd|secret|token|credential)\w*[\"']?\s*[=:]\s*)\S+", re.IGNORECASE)

Materials = dict[str, str]
"""Name in the ZIP -> text."""


def pack(settings: Settings, report: Report, materials: Materials) -> bytes:
    """Return the ZIP."""
    own = _secrets(settings)
    files = {"report.txt": as_text(report), "report.json": to_json(report), "versions.txt": versions(report)}
    files |= materials | logs(settings)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, cleaned(text, own))
    return buffer.getvalue()


def to_json(report: Report) -> str:
    """Return the report as programs read it."""
    found = report.verdict
    value: dict[str, Any] = {
        "sitting_id": report.sitting_id,
        "at_ms": report.at_ms,
        "version": report.version,
        "ok": report.ok,
        "verdict": None if found is None else worded(found),
        "steps": [worded(step) for step in report.steps],
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def versions(report: Report) -> str:
    """Return what runs here."""
    packages = sorted(f"{one.metadata['Name']} {one.version}" for one in distributions())
    return (
        "\n".join([f"kustos {report.version}", platform.platform(), platform.python_version(), "", *packages]) + "\n"
    )


def logs(settings: Settings) -> Materials:
    """Return the ends of this machine's logs: those of ``kustos up``."""
    found: Materials = {}
    for file in sorted((settings.data_dir / "logs").glob("*.log"))[:LOGS]:
        try:
            found[f"logs/{file.name}"] = tail(file)
        except OSError as error:
            found[f"logs/{file.name}"] = f"cannot be read: {error.strerror}\n"
    return found


def tail(file: Path) -> str:
    """Return the last lines of a file."""
    with file.open("rb") as log:
        size = log.seek(0, io.SEEK_END)
        log.seek(max(0, size - TAIL_BYTES))
        text = log.read().decode(errors="replace")
    return text if size <= TAIL_BYTES else text.partition("\n")[2]


def cleaned(text: str, secrets: list[str]) -> str:
    """Return the text without any secret of this appliance and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return NAMED.sub(rf"\1{HIDDEN}", HEADERS.sub(rf"\1{HIDDEN}", TOKENS.sub(HIDDEN, text)))


def _secrets(settings: Settings) -> list[str]:
    url = libpq_url(settings.database_url)
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return [secret for secret in (settings.secret_key, settings.turn_secret, password) if secret]
