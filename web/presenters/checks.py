"""Checks of the pipeline for people: each step with its words in the asker's language."""

from typing import Any

from appliance.db import to_ms, utcnow
from appliance.diagnostics.report import Report, Step, failed, verdict
from appliance.diagnostics.wording import as_text, worded
from appliance.models import PipelineCheck
from appliance.services import payloads, pipeline_checks
from web.services import Request


def check(request: Request, row: PipelineCheck, by: str) -> dict[str, Any]:
    """Return one check with all its steps so far."""
    steps = steps_of(row)
    return {**summary(request, row, by), "steps": [worded(step, request.translate) for step in steps]}


def summary(request: Request, row: PipelineCheck, by: str) -> dict[str, Any]:
    """Return one check without its steps, for a history."""
    state, found = pipeline_checks.state(row), verdict(steps_of(row))
    return {
        "id": row.id,
        "sitting_id": row.sitting_id,
        "state": state,
        "requested_ms": to_ms(row.requested_at),
        "ended_ms": payloads.ms(row.ended_at),
        "by": by,
        "version": row.version,
        "bundle": row.bundle_object_id is not None,
        "verdict": None if found is None or state in {"waiting", "running"} else worded(found, request.translate),
    }


def steps_of(row: PipelineCheck) -> list[Step]:
    """Return the steps of a check; before them the one that says that nobody carries it out."""
    steps = [Step.from_json(values) for values in row.steps]
    if pipeline_checks.unanswered(row):
        return [failed("support_gateway", "gateway_silent")]
    if pipeline_checks.state(row) == "broken":
        return [failed("support_gateway", "check_broke_off", detail=row.failure), *steps]
    return steps


def text(request: Request, row: PipelineCheck) -> str:
    """Return the check as text for a ticket."""
    at_ms = to_ms(row.ended_at or utcnow())
    return as_text(Report(row.sitting_id, at_ms, row.version, steps_of(row)), request.translate)
