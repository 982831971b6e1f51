"""What a process makes once and hands to every service call."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, QueuePool, event

from appliance.db import SessionFactory, make_engine, make_session_factory
from appliance.errors import SettingInvalid
from appliance.metrics import gauge
from appliance.settings import Settings
from appliance.vault import Vault, open_master_key

MIN_SECRET_LENGTH = 32
"""HS256 asks for a key as long as its hash (RFC 7518, 3.2)."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Settings, the way to the database, and the vault of this process."""

    settings: Settings
    session_factory: SessionFactory
    vault: Vault


_POOL: Final = gauge("database_pool_connections", "Connections that work in this process has in hand")
_POOL_MAX: Final = gauge("database_pool_connections_max", "How many it can have at once; who wants more waits")


def _count_connections(engine: Engine) -> None:
    pool = engine.pool
    if isinstance(pool, QueuePool):
        _POOL_MAX.set(pool.size() + pool._max_overflow)  # there is no other way to ask
    event.listen(engine, "checkout", lambda *_: _POOL.inc())
    event.listen(engine, "checkin", lambda *_: _POOL.dec())


def assemble(settings: Settings, vault: Vault | None = None) -> Collaborators:
    """Make the collaborators of this process; raise ``SettingInvalid`` where a setting they need is missing.

    Nothing is connected yet: the pool connects at the first use. ``vault``: one that was opened otherwise.
    """
    for name in ("database_url", "secret_key"):
        if not getattr(settings, name):
            raise SettingInvalid(f"{name} is not set; give it in the settings file or as KUSTOS_{name.upper()}")
    if len(settings.secret_key) < MIN_SECRET_LENGTH:
        raise SettingInvalid(f"secret_key is too short; make one with: openssl rand -hex {MIN_SECRET_LENGTH}")
    # A thread of a process works with one session at a time; each process has at most as many threads.
    engine = make_engine(settings.database_url)
    _count_connections(engine)
    vault = vault or Vault(settings.vault, open_master_key(settings))
    return Collaborators(settings, make_session_factory(engine), vault)
