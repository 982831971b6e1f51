from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import text

from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from media.checks.runner import run
from tests.live import until


class Checked:
    """A report, and ways to say what a test expects of it."""

    def __init__(self, finding, published):
        self.report, self.materials, self.published = finding.report, finding.materials, published

    def states(self):
        return {
            f"{step.key}[{step.scope}]" if step.scope else step.key: step.state.value for step in self.report.steps
        }

    def of(self, key, scope=None):
        return next(s for s in self.report.steps if s.key == key and (scope is None or s.scope == scope))

    @property
    def named(self):
        """Step and cause of the verdict; None when all is well."""
        found = self.report.verdict
        return None if found is None else (found.key, found.cause)

    @property
    def troubles(self):
        return [
            (step.key, step.scope, step.state.value, step.cause, step.detail, step.figures)
            for step in self.report.steps
            if step.state.value in {"failed", "warning"}
        ]


@pytest_asyncio.fixture
async def living_worker(worker, session_factory):
    """A worker that has said that it lives."""
    process = worker()

    def alive():
        with unit_of_work(session_factory) as session:
            query = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '2 seconds'"
            return session.execute(text(query)).scalar()

    await until(alive, 30, "worker")
    return process


OF_THE_MACHINE = {("clock", "clock_unsynchronised"), ("node", "node_busy")}
"""A machine that runs tests may have a clock that nobody keeps, and be busy: said rightly, not our business."""


@pytest.fixture
def check(collaborators, node, gateway):
    """``await check(sitting.id)`` or ``await check(None)``; ``settings=`` overrides."""
    base = replace(
        collaborators.settings,
        gateway_listen=f"127.0.0.1:{gateway.port}",
        kurento_urls=(node.url,),
        disk_reserve_mb=1,
        takeover_seconds=2.0,
    )

    async def look(sitting_id, **changed):
        told = Collaborators(replace(base, **changed), collaborators.session_factory, collaborators.vault)
        published = []

        async def publish(steps):
            published.extend(steps)

        checked = Checked(await run(told, sitting_id, publish), published)
        checked.report.steps[:] = [
            step for step in checked.report.steps if (step.key, step.cause) not in OF_THE_MACHINE
        ]
        return checked

    return look
