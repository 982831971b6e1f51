"""An entry as a SIEM reads it: RFC 5424 with structured data, or ArcSight's Common Event Format in the same frame."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final

from appliance.audit.canonical import iso
from appliance.db import to_ms
from appliance.models import AuditEntry

FACILITY: Final = 13
"""Log audit (RFC 5424, 6.2.1)."""

SEVERITY: Final = {"success": 6, "refused": 4, "failed": 4}
"""Informational; warning."""

CEF_SEVERITY: Final = {"success": 3, "refused": 6, "failed": 6}

MAX_DETAILS: Final = 1000
"""Characters. A receiver need not take more than 2048 bytes (RFC 5424, 6.1); the hash names the entry in full."""

SD_ID: Final = "audit@32473"
"""32473 is the enterprise number for documentation (RFC 5612); we have none of our own."""

_NOT_NAME: Final = re.compile(r"[^\x21-\x7e]")


def rfc5424(entry: AuditEntry, host: str) -> bytes:
    """Return the message with every column as structured data and one readable line."""
    params = " ".join(f'{name}="{_sd(value)}"' for name, value in _columns(entry).items())
    words = f"{entry.actor_name or entry.actor_kind} {entry.action} {entry.subject_kind} {entry.subject_id}"
    text = f"{words}: {entry.result} {_details(entry)}".replace("\n", " ")
    return f"{_header(entry, host)} [{SD_ID} {params}] ".encode() + b"\xef\xbb\xbf" + text.encode()


def cef(entry: AuditEntry, host: str) -> bytes:
    """Return the message as CEF version 0 (extension names of the ArcSight dictionary)."""
    severity = CEF_SEVERITY.get(entry.result, 6)
    head = "|".join(_cef_head(word) for word in ("Kustos", "Kustos", "1", entry.action, entry.action))
    fields = {
        "externalId": entry.id,
        "rt": to_ms(entry.at),
        "suid": f"{entry.actor_kind}:{entry.actor_id}",
        "suser": entry.actor_name,
        "src": entry.address,
        "act": entry.action,
        "outcome": entry.result,
        "cs1Label": "hash",
        "cs1": entry.hash,
        "cs2Label": "subject",
        "cs2": f"{entry.subject_kind}:{entry.subject_id}",
        "cs3Label": "company",
        "cs3": entry.company_id or "",
        "msg": _details(entry),
    }
    extension = " ".join(f"{name}={_cef_value(str(value))}" for name, value in fields.items() if value != "")
    return f"{_header(entry, host)} - CEF:0|{head}|{severity}|{extension}".encode()


def journal(entry: AuditEntry, host: str) -> bytes:
    """Return the datagram of journald's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    columns = {f"KUSTOS_{name.upper()}": value for name, value in _columns(entry).items()}
    priority = SEVERITY.get(entry.result, 4)
    text = f"{entry.actor_name or entry.actor_kind} {entry.action} {entry.subject_kind} {entry.subject_id}"
    fields = {"MESSAGE": f"{text}: {entry.result} {_details(entry)}", "PRIORITY": str(priority), **columns}
    fields |= {"SYSLOG_FACILITY": str(FACILITY), "SYSLOG_IDENTIFIER": "kustos", "KUSTOS_HOST": host}
    return b"".join(_journal_field(name, value.encode()) for name, value in fields.items())


FORMATS: Final[Mapping[str, Callable[[AuditEntry, str], bytes]]] = {"rfc5424": rfc5424, "cef": cef}


def _header(entry: AuditEntry, host: str) -> str:
    priority = FACILITY * 8 + SEVERITY.get(entry.result, 4)
    return f"<{priority}>1 {iso(entry.at.astimezone(UTC))} {_name(host, 255)} kustos - {_name(entry.action, 32)}"


def _columns(entry: AuditEntry) -> dict[str, str]:
    columns: dict[str, Any] = {
        "id": entry.id,
        "actor": f"{entry.actor_kind}:{entry.actor_id}",
        "name": entry.actor_name,
        "address": entry.address,
        "action": entry.action,
        "result": entry.result,
        "subject": f"{entry.subject_kind}:{entry.subject_id}",
        "company": entry.company_id or "",
        "hash": entry.hash,
    }
    return {name: str(value) for name, value in columns.items()}


def _details(entry: AuditEntry) -> str:
    text = json.dumps(entry.details, ensure_ascii=False, sort_keys=True) if entry.details else ""
    return text if len(text) <= MAX_DETAILS else text[:MAX_DETAILS] + "…"


def _name(text: str, limit: int) -> str:
    """Return a header field: printable ASCII without spaces, or the nil value."""
    return _NOT_NAME.sub("_", text)[:limit] or "-"


def _sd(value: str) -> str:
    for letter in ("\\", '"', "]"):
        value = value.replace(letter, "\\" + letter)
    return value.replace("\n", " ").replace("\r", " ")


def _cef_head(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def _cef_value(value: str) -> str:
    return value.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n").replace("\r", "\\r")


def _journal_field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"
