"""Small secrets in columns of the database, each bound to its table, column and row.

Who writes the database can put one account's second factor under another: it does not open there. What was wrapped
before secrets were bound opens anywhere, until the master key is rotated.
"""

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute, Session

from appliance.errors import VaultTampered
from appliance.vault.store import Vault

Column = InstrumentedAttribute[Any]


def place_of(column: Column, identity: tuple[Any, ...]) -> str:
    """Return what a secret is bound to: ``user.totp_secret:42``."""
    return f"{column.class_.__tablename__}.{column.key}:{','.join(map(str, identity))}"


def keep(session: Session, vault: Vault, row: object, column: Column, secret: bytes) -> None:
    """Wrap a secret for a row; one that is new is written first, for it must have its key."""
    session.add(row)
    session.flush()
    setattr(row, column.key, vault.wrap(secret, place_of(column, _identity(row))))


def read(vault: Vault, row: object, column: Column) -> bytes:
    """Return the secret; raise ``VaultTampered`` for an altered one and for one that was another row's."""
    return open_at(vault, getattr(row, column.key), place_of(column, _identity(row)))


def open_at(vault: Vault, wrapped: bytes, place: str) -> bytes:
    """Return a secret that belongs at a place, or was wrapped before places were told."""
    try:
        return vault.unwrap(wrapped, place)
    except VaultTampered:
        return vault.unwrap(wrapped)


def is_bound(vault: Vault, wrapped: bytes, place: str) -> bool:
    """Say whether a secret is bound to its place; raise ``VaultTampered`` when it does not belong there."""
    try:
        vault.unwrap(wrapped, place)
    except VaultTampered:
        vault.unwrap(wrapped)
        return False
    return True


def _identity(row: object) -> tuple[Any, ...]:
    identity = inspect(row, raiseerr=True).identity
    if identity is None:
        raise ValueError("a row has to be written before a secret of its own is")
    return tuple(identity)
