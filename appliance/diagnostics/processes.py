"""Are the processes alive? Workers by their heartbeat, queues by what waits, gateways by heartbeat and word."""

import socket
from typing import Any, Final

import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.db import to_ms, unit_of_work, utcnow
from appliance.diagnostics.host import SECONDS, Host
from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.errors import ApplianceError
from appliance.services import nodes

WAITING_SECONDS: Final = 6.0
"""A worker fetches within half a second, a dead one's jobs are taken over within 5 s."""

_ALIVE: Final = text(
    "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :silence)"
)
_QUEUES: Final = text(
    """
SELECT job.queue_name,
       count(*) AS waiting,
       extract(epoch FROM now() - min(greatest(coalesce(job.scheduled_at, event.at), event.at)))::float AS seconds,
       (SELECT count(*) FROM procrastinate_jobs AS busy
        JOIN procrastinate_workers AS worker ON worker.id = busy.worker_id
        WHERE busy.status = 'doing' AND busy.queue_name = job.queue_name
          AND worker.last_heartbeat > now() - make_interval(secs => :silence)) AS doing
FROM procrastinate_jobs AS job
JOIN LATERAL (SELECT coalesce(max(at), now()) AS at FROM procrastinate_events WHERE job_id = job.id) AS event ON true
WHERE job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS holder
                  WHERE holder.status = 'doing' AND holder.lock = job.lock AND holder.id <> job.id)
GROUP BY job.queue_name
ORDER BY job.queue_name
"""
)
"""Jobs that could run; one that waits for another with its lock is not late."""


def check_workers(host: Host) -> list[Step]:
    """Some worker says that it lives, and no queue waits for one."""
    silence = {"silence": host.settings.takeover_seconds}
    try:
        with unit_of_work(host.session_factory) as session:
            alive = int(session.execute(_ALIVE, silence).scalar() or 0)
            waiting = [dict(row) for row in session.execute(_QUEUES, silence).mappings()]
    except (ApplianceError, SQLAlchemyError):
        return [skipped("workers", "not_looked_at"), skipped("queues", "not_looked_at")]
    workers = passed("workers", workers=alive) if alive else failed("workers", "worker_stopped", workers=0)
    return [workers, *_queues(waiting)]


def _queues(waiting: list[dict[str, Any]]) -> list[Step]:
    late = [row for row in waiting if row["seconds"] > WAITING_SECONDS]
    if not late:
        return [passed("queues", waiting=sum(row["waiting"] for row in waiting))]
    return [_late(row["queue_name"], row) for row in late]


def _late(queue: str, row: dict[str, Any]) -> Step:
    figures: Figures = {"waiting": row["waiting"], "waiting_s": round(row["seconds"], 1)}
    if row["doing"]:
        return warning("queues", "worker_behind", queue, figures=figures)
    return failed("queues", "worker_stopped", queue, figures=figures)


def check_gateway(host: Host) -> list[Step]:
    """Every gateway that entered itself and did not say good-bye has a heartbeat; those of this machine answer, too.

    One of another machine listens behind the nginx there and is judged by its heartbeat.
    """
    known = _gateways(host)
    if not known:
        return _answer(host.settings.gateway_listen)
    living = any(row["alive"] for row in known)
    return [step for row in known for step in _look(host, row, living, row["address"] if len(known) > 1 else "")]


def _gateways(host: Host) -> list[dict[str, Any]]:
    try:
        with unit_of_work(host.session_factory) as session:
            return [row for row in nodes.gateways(session) if not row["ended"]]
    except (ApplianceError, SQLAlchemyError):
        return []  # the database's own step tells it


def _look(host: Host, row: dict[str, Any], others_live: bool, scope: str) -> list[Step]:
    machine, _, listen = row["address"].partition(" ")
    silence: Figures = {"silent_s": round((to_ms(utcnow()) - row["beat_ms"]) / 1000, 1)}
    if not row["alive"] and others_live:
        return [warning("gateway", "gateway_gone", scope, figures=silence)]
    if not listen:  # it took any port: the settings are all there is to go by
        listen = host.settings.gateway_listen
    elif machine != socket.gethostname():
        return [passed("gateway", scope) if row["alive"] else failed("gateway", "gateway_silent", scope, "", silence)]
    return _answer(listen, scope)


def _answer(listen: str, scope: str = "") -> list[Step]:
    """Ask a gateway at the address that nginx asks."""
    try:
        answer = httpx.get(f"http://{listen}/live/healthz", timeout=SECONDS, trust_env=False)
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return [failed("gateway", "gateway_silent", scope, str(error), address=listen)]
    figures: Figures = {"nodes": said.get("media_nodes"), "sockets": said.get("sockets")}
    if answer.status_code != httpx.codes.OK:
        return [failed("gateway", "gateway_not_ready", scope, figures=figures)]
    return [passed("gateway", scope, figures, answer_ms=round(answer.elapsed.total_seconds() * 1000))]
