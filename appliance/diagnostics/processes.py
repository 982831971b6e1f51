"""Are the processes alive? Workers by their heartbeat, queues by what waits, the gateway by its own word."""

from typing import Any, Final

import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.db import unit_of_work
from appliance.diagnostics.host import SECONDS, Host
from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.errors import ApplianceError

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
    """The gateway answers at its own address, as nginx asks it."""
    url = f"http://{host.settings.gateway_listen}/live/healthz"
    try:
        answer = httpx.get(url, timeout=SECONDS, trust_env=False)
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return [failed("gateway", "gateway_silent", detail=str(error), address=host.settings.gateway_listen)]
    figures: Figures = {"nodes": said.get("media_nodes"), "sockets": said.get("sockets")}
    if answer.status_code != httpx.codes.OK:
        return [failed("gateway", "gateway_not_ready", figures=figures)]
    return [passed("gateway", figures=figures, answer_ms=round(answer.elapsed.total_seconds() * 1000))]
