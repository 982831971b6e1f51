"""How often somebody may knock, counted by all processes together.

Each bucket is one moment: when it will be full again (the generic cell rate algorithm, ITU-T I.371, annex A, which
lets the same through as a token bucket). The database's clock counts, so that hosts need not agree.
"""

import hashlib
import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from appliance.db import SessionFactory
from appliance.errors import DatabaseUnavailable, TooMany

IPV6_PREFIX = 64
"""One customer of a provider has at least so many addresses: to count each alone would be to count nothing."""

_TAKE = text(
    "INSERT INTO rate_limit_state AS known (key, full_at)"
    " VALUES (:key, clock_timestamp() + make_interval(secs => :step))"
    " ON CONFLICT (key) DO UPDATE"
    " SET full_at = greatest(known.full_at, clock_timestamp()) + make_interval(secs => :step)"
    " WHERE known.full_at <= clock_timestamp() + make_interval(secs => :room) RETURNING key"
)
_WAIT = text("SELECT extract(epoch FROM full_at - clock_timestamp()) - :room FROM rate_limit_state WHERE key = :key")
_SWEEP = text("DELETE FROM rate_limit_state WHERE full_at < clock_timestamp()")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``burst`` at once, then ``per_second``, for each subject."""

    name: str
    burst: int
    per_second: float


class RateLimits:
    """The buckets of the whole appliance."""

    def __init__(self, session_factory: SessionFactory) -> None:
        """Count in this database."""
        self._session_factory = session_factory

    def take(self, limit: RateLimit, subject: str) -> None:
        """Count one knock, whatever becomes of the caller's transaction.

        Raises ``TooMany`` with ``retry_seconds`` when it is one too many, ``DatabaseUnavailable``.
        """
        step = 1 / limit.per_second
        values = {"key": key_of(limit, subject), "step": step, "room": step * (limit.burst - 1)}
        try:
            with self._session_factory.begin() as session:
                if session.execute(_TAKE, values).first() is not None:
                    return
                wait = session.execute(_WAIT, values).scalar()
        except OperationalError as error:
            raise DatabaseUnavailable from error
        raise TooMany(retry_seconds=max(1, math.ceil(wait or 0)))


def key_of(limit: RateLimit, subject: str) -> str:
    """Return the bucket of a subject."""
    return f"{limit.name}:{hashlib.sha256(subject.encode('utf-8', 'replace')).hexdigest()[:32]}"


def of_address(address: str) -> str:
    """Return what is counted as one place: the IPv4 address, or the IPv6 network that one customer has."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        mapped = known.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((known, IPV6_PREFIX), strict=False))
    return str(known)


def sweep(session: Session) -> int:
    """Forget full buckets; return how many."""
    return int(getattr(session.execute(_SWEEP), "rowcount", 0))
