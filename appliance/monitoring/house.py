"""What the database knows of the whole appliance, each group one statement or two; nothing of people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance import schema
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import DatabaseUnavailable, HostNotReady
from appliance.monitoring.refreshed import Group
from appliance.services import nodes
from appliance.settings import Settings
from appliance.vocabulary import DiskState, GapCause, NodeState, PartState, SittingState

SECONDS: Final = 5.0
"""Figures younger than this are told again."""
SLOW_SECONDS: Final = 300.0
"""Of what grows with the archive."""
STATEMENT_MS: Final = 3000
"""A figure is not worth more of the database's time."""

_STATES: Final = "SELECT state, count(*) FROM {table} GROUP BY state"
_GAPS: Final = "SELECT cause, count(*) FROM gap WHERE ended_at IS NULL GROUP BY cause"
_WAITING_PARTS: Final = """
SELECT coalesce(extract(epoch FROM now() - min(part.ended_at)), 0)::float
FROM part JOIN sitting ON sitting.id = part.sitting_id
WHERE part.state = 'stopped' AND sitting.state IN ('finished', 'processing')
"""
_QUEUES: Final = """
SELECT job.queue_name AS queue, job.status::text AS status, count(*) AS count,
       coalesce(extract(epoch FROM now() - min(greatest(job.scheduled_at, event.at))), 0)::float AS oldest
FROM procrastinate_jobs AS job
LEFT JOIN LATERAL (SELECT max(at) AS at FROM procrastinate_events WHERE job_id = job.id) AS event
       ON job.status = 'todo'
WHERE (job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now()))
   OR job.status IN ('doing', 'failed')
GROUP BY job.queue_name, job.status
"""
_WORKERS: Final = """
SELECT count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => :silence)) AS alive,
       coalesce(extract(epoch FROM now() - max(last_heartbeat)), 0)::float AS newest
FROM procrastinate_workers
"""
_CONNECTIONS: Final = """
SELECT coalesce(state, 'background') AS state, count(*) FROM pg_stat_activity
WHERE datname = current_database() GROUP BY 1
"""
_SERVER: Final = """
SELECT current_setting('max_connections')::int AS most, pg_database_size(current_database()) AS bytes,
       extract(epoch FROM now() - pg_postmaster_start_time())::float AS up,
       coalesce((SELECT max(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()), 0)::float AS oldest
"""
_NODES: Final = """
SELECT name, url, state, capacity, pipelines, cpu, memory_kb,
       (failure = '' AND seen_at IS NOT NULL AND seen_at > now() - CAST(:silence AS interval))::int AS up
FROM node WHERE state <> 'retired'
"""
_DISKS: Final = """
SELECT gateway, state, free_at_end FROM disk_outlook WHERE measured_at > now() - interval '1 minute'
"""
_REVISION: Final = "SELECT version_num FROM alembic_version"
_AUDIT: Final = """
SELECT (SELECT entries FROM audit_head LIMIT 1) AS entries,
       extract(epoch FROM now() - (SELECT max(at) FROM audit_checkpoint))::float AS checkpoint,
       (SELECT entries FROM audit_checkpoint ORDER BY number DESC LIMIT 1) AS attested,
       extract(epoch FROM now() - (SELECT max(failing_since) FROM audit_forwarding WHERE target = :target))::float
           AS failing,
       (SELECT last_id FROM audit_forwarding WHERE target = :target) AS forwarded
"""
_VAULT: Final = "SELECT count(*) AS objects, coalesce(sum(size_bytes), 0)::float AS bytes FROM vault_object"
_STRAYS: Final = "SELECT count(*) AS files, coalesce(sum(size_bytes), 0)::float AS bytes FROM stray_file"


def gauge(name: str, words: str, value: float) -> Metric:
    """Return one figure."""
    return GaugeMetricFamily(f"kustos_{name}", words, value=value)


def gauges(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return one figure for each value of a label."""
    family = GaugeMetricFamily(f"kustos_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


class House:
    """Asks one thing after another of the database."""

    def __init__(self, settings: Settings, session_factory: SessionFactory) -> None:
        """Nothing is asked yet."""
        self._settings, self._factory = settings, session_factory
        self._revision: str | None = None
        self._fits = False

    def groups(self) -> list[Group]:
        """Return what a scrape shows of the house."""
        return [Group("house", self.quick, SECONDS), Group("archive", self.slow, SLOW_SECONDS)]

    def quick(self) -> Iterator[Metric]:
        """Yield what changes by the second; without a database only that."""
        try:
            yield from self._quick()
        except DatabaseUnavailable as error:
            if isinstance(getattr(error.__cause__, "orig", None), QueryCanceled):
                raise  # it is there, and too busy for us
            yield gauge("database_up", "1 when the database answers", 0)

    def _quick(self) -> Iterator[Metric]:
        with unit_of_work(self._factory) as session:
            session.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))
            yield from self._exams(session)
            yield from self._queues(session)
            yield from _machines(session)
            yield from _database(session)
            yield from self._audit(session)

    def slow(self) -> Iterator[Metric]:
        """Yield what grows with the archive."""
        with unit_of_work(self._factory) as session:
            session.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))
            vault = session.execute(text(_VAULT)).one()
            strays = session.execute(text(_STRAYS)).one()
        yield gauge("vault_objects", "Sealed files in the vault", vault.objects)
        yield gauge("vault_bytes", "What they hold", vault.bytes)
        yield gauge("stray_files", "Files among the recordings that no sitting knows", strays.files)
        yield gauge("stray_files_bytes", "What they take", strays.bytes)

    def _exams(self, session: Session) -> Iterator[Metric]:
        states = _counts(session, _STATES.format(table="sitting"), [one.value for one in SittingState])
        yield gauges("sittings", "Sittings, by their state", "state", states)
        parts = _counts(session, _STATES.format(table="part"), [one.value for one in PartState])
        yield gauges("parts", "Recorded parts, by their state; those stopped wait to be sealed", "state", parts)
        waiting = session.execute(text(_WAITING_PARTS)).scalar_one()
        yield gauge("part_waiting_seconds", "How long the oldest part of a finished sitting waits", waiting)
        gaps = _counts(session, _GAPS, [one.value for one in GapCause])
        yield gauges(
            "gaps_open", "Tracks of running sittings that are not recorded just now, by cause", "cause", gaps
        )

    def _queues(self, session: Session) -> Iterator[Metric]:
        known = ("analysis", "default", "documents", "exports")
        rows = session.execute(text(_QUEUES)).mappings().all()
        names = sorted({*known, *(row["queue"] for row in rows)})
        text_ = "Jobs that wait, run, or failed for good"
        jobs = GaugeMetricFamily("kustos_queue_jobs", text_, labels=["queue", "state"])
        words = {"todo": "waiting", "doing": "running", "failed": "failed"}
        found = {(row["queue"], row["status"]): row for row in rows}
        for name in names:
            for status, state in words.items():
                row = found.get((name, status))
                jobs.add_metric([name, state], 0 if row is None else row["count"])
        yield jobs
        oldest = {name: _oldest(found.get((name, "todo"))) for name in names}
        yield gauges("queue_waiting_seconds", "How long the oldest job waits that could run", "queue", oldest)
        workers = session.execute(text(_WORKERS), {"silence": self._settings.takeover_seconds}).one()
        yield gauge("workers_alive", "Workers whose hearts beat", workers.alive)
        yield gauge("worker_heartbeat_age_seconds", "Age of the newest heartbeat of any worker", workers.newest)

    def _audit(self, session: Session) -> Iterator[Metric]:
        row = session.execute(text(_AUDIT), {"target": self._settings.siem_url}).one()
        entries = row.entries or 0
        yield CounterMetricFamily("kustos_audit_entries", "Entries of the audit log, ever", value=entries)
        age = row.checkpoint
        if age is not None:
            yield gauge("audit_checkpoint_age_seconds", "Age of the newest signed checkpoint of the audit log", age)
        unsigned = entries - (row.attested or 0)
        yield gauge("audit_entries_after_checkpoint", "Entries that no checkpoint vouches for yet", unsigned)
        if self._settings.siem_url:
            behind = entries - (row.forwarded or 0)
            yield gauge("audit_forwarding_behind_entries", "Entries the collector has not got yet", behind)
            yield gauge("audit_forwarding_failing_seconds", "How long the collector takes nothing", row.failing or 0)
        words = "1 when the database has the tables that this code needs; what may still go does not matter"
        yield gauge("database_schema_current", words, int(self._has_tables(session)))

    def _has_tables(self, session: Session) -> bool:
        """Look into the migrations only when the revision is another: they are a hundred files."""
        revision = session.execute(text(_REVISION)).scalar()
        if self._revision is None or revision != self._revision:
            try:
                self._fits = not schema.status(self._settings.database_url).expanding
            except HostNotReady:
                self._fits = False  # tables this code needs have been taken away
            self._revision = revision
        return self._fits


def _machines(session: Session) -> Iterator[Metric]:
    gateways = [row for row in nodes.gateways(session) if not row["ended"]]
    now_ms = utcnow().timestamp() * 1000
    ages = {
        row["address"]: (now_ms - row["beat_ms"]) / 1000 for row in gateways
    }  # the newest of an address comes last
    yield gauges("gateway_heartbeat_age_seconds", "Age of a gateway's heartbeat", "gateway", ages)
    found = [dict(row) for row in session.execute(text(_NODES), {"silence": nodes.SILENT_AFTER}).mappings()]
    sittings = nodes.counts(session)
    for one in found:
        one["sittings"] = sittings.get(one["url"], 0)
    yield gauges("node_up", "1 when a media node answers", "node", _column(found, "up"))
    draining = {one["name"]: int(one["state"] == NodeState.DRAINING.value) for one in found}
    yield gauges("node_draining", "1 when a media node takes nothing new", "node", draining)
    yield gauges("node_sittings", "Sittings with live media in a node", "node", _column(found, "sittings"))
    yield gauges("node_capacity_sittings", "How many it may have; 0: any", "node", _column(found, "capacity"))
    yield gauges("node_pipelines", "Pipelines a node has, of whomever", "node", _column(found, "pipelines"))
    yield gauges(
        "node_cpu_ratio", "Processor time of a node, as it says; 1: one core", "node", _column(found, "cpu", 0.01)
    )
    yield gauges("node_memory_bytes", "Memory of a node, as it says", "node", _column(found, "memory_kb", 1024))
    rows = session.execute(text(_DISKS)).mappings().all()
    ends = {row["gateway"]: row["free_at_end"] for row in rows}
    yield gauges("disk_free_at_end_bytes", "What is free when the admitted sittings are over", "gateway", ends)
    closed = {row["gateway"]: int(row["state"] == DiskState.CLOSED.value) for row in rows}
    yield gauges("disk_closed", "1 when no new sitting is admitted for want of room", "gateway", closed)


def _database(session: Session) -> Iterator[Metric]:
    yield gauge("database_up", "1 when the database answers", 1)
    states = {row[0]: float(row[1]) for row in session.execute(text(_CONNECTIONS))}
    known = {"active": 0.0, "idle": 0.0, "idle in transaction": 0.0}
    yield gauges("database_connections", "Connections to the database, by what they do", "state", known | states)
    row = session.execute(text(_SERVER)).one()
    yield gauge("database_connections_max", "How many it takes", row.most)
    yield gauge("database_bytes", "What the database takes on its disk", row.bytes)
    yield gauge("database_uptime_seconds", "How long it runs", row.up)
    yield gauge("database_oldest_transaction_seconds", "Age of the oldest transaction", row.oldest)


def _counts(session: Session, statement: str, known: Sequence[str]) -> dict[str, float]:
    found = {str(row[0]): float(row[1]) for row in session.execute(text(statement))}
    return dict.fromkeys(known, 0.0) | found


def _column(rows: list[dict[str, Any]], name: str, factor: float = 1) -> dict[str, float]:
    return {row["name"]: row[name] * factor for row in rows if row[name] is not None}


def _oldest(row: Any) -> float:
    return 0.0 if row is None else max(0.0, float(row["oldest"]))
