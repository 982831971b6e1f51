"""A settings file that was changed is noticed when a process starts with it: the names are told, never the values."""

import hashlib
import hmac
import json
import socket
from dataclasses import fields
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from appliance.audit.chain import Actor, record
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import ApplianceError
from appliance.models import KnownSettings
from appliance.settings import Settings

log = structlog.get_logger(__name__)

OWN_TO_EACH = frozenset({"metrics_listen"})
"""What differs from process to process by intention: no change."""

LOCK = 0x6B75_7365_7474_696E
"""Advisory lock ("kusettin"): several workers start at once."""


def note(session: Session, settings: Settings, process: str) -> list[str]:
    """Record ``settings.change`` if this kind of process started with other settings before; return their names."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    key = f"{process}@{socket.gethostname()}"
    digests = _digests(settings)
    known = session.get(KnownSettings, key)
    if known is None:
        session.add(KnownSettings(process=key, digests=digests))
        _record(session, process, key, "settings.first", sorted(digests))
        return sorted(digests)
    changed = sorted(name for name in {*digests, *known.digests} if digests.get(name) != known.digests.get(name))
    if "secret_key" in changed:
        changed = ["secret_key"]  # the key of all the other hashes: nothing can be said of those
    if changed:
        known.digests, known.at = digests, utcnow()
        _record(session, process, key, "settings.change", changed)
    return changed


def note_start(factory: SessionFactory, settings: Settings, process: str) -> None:
    """Do so at a process's start; with a database that is away it starts all the same, and next time compares."""
    try:
        with unit_of_work(factory) as session:
            note(session, settings, process)
    except (ApplianceError, SQLAlchemyError) as error:
        log.warning("settings.not_compared", problem=type(error).__name__)


def _digests(settings: Settings) -> dict[str, Any]:
    """Return a keyed hash of each value: a digest of a short secret by itself could be guessed."""
    key = settings.secret_key.encode()
    names = [field.name for field in fields(settings) if field.name not in OWN_TO_EACH]
    values = {name: getattr(settings, name) for name in names}
    texts = {name: json.dumps(value, default=str, sort_keys=True) for name, value in values.items()}
    found = {
        name: hmac.new(key, f"{name}={text}".encode(), hashlib.sha256).hexdigest() for name, text in texts.items()
    }
    found["secret_key"] = hashlib.sha256(b"kustos settings" + key).hexdigest()
    return found


def _record(session: Session, process: str, key: str, action: str, names: list[str]) -> None:
    details: dict[str, Any] = {"settings": names} if action == "settings.change" else {"count": len(names)}
    record(session, Actor.appliance(process), action, ("process", key), "success", None, **details)
