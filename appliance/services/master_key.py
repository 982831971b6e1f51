"""The master key's care: its state, another generation of it, another kind, another passphrase. All audited."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work
from appliance.errors import ImpossibleStep, VaultTampered
from appliance.models import DataKey, VaultObject
from appliance.settings import Settings
from appliance.vault import KeyRing, Vault, row_secrets
from appliance.vault.files import put
from appliance.vault.generations import MasterKind
from appliance.vault.master_keys import MARK_BYTES, generation_of, mark_of
from appliance.vault.wrapped_columns import WRAPPED, wrapped_files

BATCH: Final = 500
"""Rows rewrapped in one transaction: none is locked for longer than a page of a person's waits anyway."""

GRACE: Final = 2.0
"""Seconds in which every process has seen that there is another generation: each looks before it wraps."""

SETTLED_SECONDS: Final = 600.0
"""So long the rotation waits for transactions that began before it, and may hold something wrapped by the old key."""

_LOCK: Final = 0x6B75_7374_6D61_7374

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class House:
    """What the acts here work with."""

    settings: Settings
    session_factory: SessionFactory
    vault: Vault

    @property
    def ring(self) -> KeyRing:
        """Return the master key; raise ``ImpossibleStep`` for a bare one."""
        if not isinstance(self.vault.master_key, KeyRing):
            raise ImpossibleStep("This master key has no generations.")
        self.vault.master_key.refresh()
        return self.vault.master_key


def rotate(
    house: House, actor: Actor, kind: MasterKind | None = None, say: Say = lambda words: None, grace: float = GRACE
) -> dict[str, int]:
    """Make another master key, rewrap everything under it, destroy the former; sealed files stay as they are.

    The appliance goes on meanwhile: both generations are readable. May be killed at any point and run again, which
    goes on with what is left. Returns how many of each were rewrapped. Raises ``VaultTampered`` for what does not
    open: then the former key stays, too.
    """
    with _alone(house.session_factory):
        ring = house.ring
        resumed = bool(ring.retiring)
        target = ring.current.kind if resumed or kind is None else kind
        _record(house, actor, "rotate", kind=target.value, resumed=resumed)
        if not resumed:
            fresh = ring.begin(kind)
            say(f"Generation {fresh.number} ({fresh.kind.value}) wraps from now on.")
        time.sleep(grace)
        _settle(house.session_factory)
        counts: dict[str, int] = {}
        while left := remaining(house):
            say("To be rewrapped: " + ", ".join(f"{count} {name}" for name, count in left.items()))
            for name, count in _rewrap(house).items():
                counts[name] = counts.get(name, 0) + count
        _record(house, actor, "destroy_former", generations=[one.number for one in ring.retiring], rewrapped=counts)
        for one in ring.finish():
            say(f"Generation {one.number} ({one.kind.value}) is destroyed.")
    return counts


def change_passphrase(house: House, actor: Actor, new: str) -> None:
    """Lock the master key with another passphrase; raise ``ImpossibleStep`` where it has none."""
    kind = house.ring.current.kind
    if kind is not MasterKind.PASSPHRASE:
        raise ImpossibleStep(f"The master key is of kind {kind.value} and has no passphrase.")
    _record(house, actor, "change_passphrase")
    house.ring.change_passphrase(new)


def remaining(house: House) -> dict[str, int]:
    """Return what is not wrapped by the current generation yet, by its name; empty: nothing."""
    number = house.ring.current.number
    with unit_of_work(house.session_factory) as session:
        former = select(func.count()).select_from(DataKey).where(DataKey.wrapped.is_not(None))
        found = {"data keys in the database": session.scalar(former) or 0}
        for column in WRAPPED:
            found[str(column)] = session.scalar(_stale(column, number, func.count())) or 0
    keys = house.vault.data_keys
    found["pages of data keys"] = len([page for page in keys.pages() if generation_of(keys.head(page)) != number])
    found["files"] = len([path for path in wrapped_files(house.settings) if _generation_of_file(path) != number])
    return {name: count for name, count in found.items() if count}


def status(house: House, session: Session) -> dict[str, Any]:
    """Return generations, what is under them, and what lies in the vault; no secret."""
    ring, keys = house.ring, house.vault.data_keys
    keys_query = select(func.count(), func.count(DataKey.destroyed_at), func.count(DataKey.wrapped))
    total, destroyed, former = session.execute(keys_query.select_from(DataKey)).one()
    objects, size = session.execute(
        select(func.count(), func.coalesce(func.sum(VaultObject.size_bytes), 0))
        .select_from(VaultObject)
        .join(DataKey)
        .where(DataKey.destroyed_at.is_(None))
    ).one()
    return {
        "generations": [one.as_json() | {"place": dict(one.place)} for one in ring.generations],
        "current": ring.current.number,
        "kind": ring.current.kind.value,
        "rotating": bool(ring.retiring),
        "data_keys": {"living": total - destroyed, "destroyed": destroyed, "in_database": former},
        "pages": len(keys.pages()),
        "objects": objects,
        "bytes": int(size),
        "secrets": {str(column): session.scalar(_filled(column)) or 0 for column in WRAPPED},
    }


def adopt(house: House) -> int:
    """Move all keys that the database still holds into files; return how many. Repeatable, and safe to kill."""
    total = 0
    while True:
        with unit_of_work(house.session_factory) as session:
            moved = house.vault.adopt(session, BATCH)
        total += moved
        if not moved:
            return total


def _rewrap(house: House) -> dict[str, int]:
    counts = {"data keys": adopt(house)}
    number, keys = house.ring.current.number, house.vault.data_keys
    for page in keys.pages():
        if generation_of(keys.head(page)) != number:
            counts["data keys"] += keys.rewrap(page)
    counts["small secrets"] = sum(_rewrap_column(house, column, number) for column in WRAPPED)
    counts["files"] = 0
    for path in wrapped_files(house.settings):
        if _generation_of_file(path) != number:
            plain = house.vault.unwrap(bytes.fromhex(path.read_text(encoding="ascii")))
            put(path, (house.vault.wrap(plain).hex() + "\n").encode())
            counts["files"] += 1
    return counts


def _rewrap_column(house: House, column: InstrumentedAttribute[Any], number: int) -> int:
    """Rewrap a column row by row, in transactions of a few hundred."""
    keys = list(column.class_.__mapper__.primary_key)
    total = 0
    while True:
        with unit_of_work(house.session_factory) as session:
            rows = session.execute(_stale(column, number, *keys, column).limit(BATCH).with_for_update()).all()
            for *identity, wrapped in rows:
                place = row_secrets.place_of(column, tuple(identity))
                try:
                    fresh = house.vault.wrap(row_secrets.open_at(house.vault, wrapped, place), place)
                except VaultTampered as error:
                    raise VaultTampered(
                        f"{column} of row {identity} does not open; mend or empty it, then run this again."
                    ) from error
                own = [key == value for key, value in zip(keys, identity, strict=True)]
                session.execute(update(column.class_).where(*own).values({column.key: fresh}))
        if not rows:
            return total
        total += len(rows)


def _stale(column: InstrumentedAttribute[Any], number: int, *what: Any) -> Any:
    """Select what generation ``number`` has not wrapped; an empty value is none."""
    query = select(*what).select_from(column.class_).where(func.length(column) > 0)
    mark = mark_of(number)
    if not mark:
        return query.where(func.substring(column, 1, MARK_BYTES - 4) == mark_of(2)[:-4])
    return query.where(func.substring(column, 1, MARK_BYTES) != mark)


def _filled(column: InstrumentedAttribute[Any]) -> Any:
    return select(func.count()).select_from(column.class_).where(func.length(column) > 0)


def _generation_of_file(path: Path) -> int:
    return generation_of(bytes.fromhex(path.read_text(encoding="ascii")))


@contextmanager
def _alone(session_factory: SessionFactory) -> Iterator[None]:
    """Let no second rotation run beside this one; the lock is a connection's, so that none outlives its process."""
    with session_factory() as session, session.get_bind().engine.connect() as connection:
        locked = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not locked.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            raise ImpossibleStep("The master key is being rotated by somebody else just now.")
        try:
            yield
        finally:
            locked.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _settle(session_factory: SessionFactory) -> None:
    """Wait until every transaction that began before now has ended; raise ``ImpossibleStep`` after ten minutes."""
    older = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND xact_start < :moment"
    )
    until = time.monotonic() + SETTLED_SECONDS
    with session_factory() as session:
        moment = session.scalar(text("SELECT clock_timestamp()"))
        session.commit()
        while session.scalar(older, {"moment": moment}):
            session.commit()
            if time.monotonic() > until:
                raise ImpossibleStep("A transaction has been open for ten minutes; end it, then run this again.")
            time.sleep(0.2)


def _record(house: House, actor: Actor, act: str, **details: Any) -> None:
    with unit_of_work(house.session_factory) as session:
        audit.record(session, actor, f"master_key.{act}", ("master_key", house.ring.current.number), **details)
