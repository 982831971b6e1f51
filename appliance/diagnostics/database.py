"""What PostgreSQL says of itself: how many connections are left, whether its log is archived and followed."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.db import unit_of_work
from appliance.diagnostics.host import Host
from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.errors import ApplianceError

FEW_LEFT_PERCENT: Final = 80
FOLLOWER_BEHIND_MB: Final = 256
"""16 segments of the log: whoever is so far behind does not keep up."""

_ASKED: Final = text(
    """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL) AS connections,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
       current_setting('archive_mode') AS archive_mode,
       archiver.archived_count, archiver.failed_count, archiver.last_failed_wal,
       coalesce(archiver.last_failed_time > coalesce(archiver.last_archived_time, 'epoch'), false) AS failing,
       extract(epoch FROM now() - archiver.last_archived_time)::float AS archived_s
FROM pg_stat_archiver AS archiver
"""
)
_SLOTS: Final = text(
    """
SELECT slot_name, active, wal_status,
       (pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) / 1048576)::float AS behind_mb
FROM pg_replication_slots ORDER BY slot_name
"""
)


def check_database_load(host: Host) -> list[Step]:
    """Connections are left, the log is archived where that is asked for, and who follows it keeps up."""
    try:
        with unit_of_work(host.session_factory) as session:
            told = dict(session.execute(_ASKED).mappings().one())
            slots = [dict(row) for row in session.execute(_SLOTS).mappings()]
    except (ApplianceError, SQLAlchemyError):
        return [skipped("connections", "not_looked_at"), skipped("archiving", "not_looked_at")]
    return [_connections(told), *_archiving(told), *(_slot(row) for row in slots)]


def _connections(told: dict[str, Any]) -> Step:
    figures: Figures = {"connections": told["connections"], "connections_most": told["most"]}
    if told["connections"] * 100 >= told["most"] * FEW_LEFT_PERCENT:
        return warning("connections", "connections_few", figures=figures)
    return passed("connections", figures=figures)


def _archiving(told: dict[str, Any]) -> list[Step]:
    if told["archive_mode"] == "off":
        return []
    figures: Figures = {"archived": told["archived_count"], "age_s": told["archived_s"]}
    if told["failing"]:
        failures = f"{told['failed_count']} failures, the last with {told['last_failed_wal']}"
        return [failed("archiving", "archiving_fails", detail=failures, figures=figures)]
    return [passed("archiving", figures=figures)]


def _slot(row: dict[str, Any]) -> Step:
    figures: Figures = {"behind_mb": None if row["behind_mb"] is None else round(row["behind_mb"], 1)}
    if row["wal_status"] == "lost":
        return failed("archiving", "follower_lost", row["slot_name"], figures=figures)
    if not row["active"] or (row["behind_mb"] or 0) > FOLLOWER_BEHIND_MB:
        return warning("archiving", "follower_behind", row["slot_name"], figures=figures)
    return passed("archiving", row["slot_name"], figures)
