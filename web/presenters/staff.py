"""Answers to what staff did, with the names of people in place of their ids."""

from typing import TYPE_CHECKING, Any

from appliance.models import Incident, Observation
from appliance.services import payloads
from appliance.services.actors import names

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def incident_payload(session: "Session", row: Incident) -> dict[str, Any]:
    """Return an incident as the answer to what was done to it."""
    session.flush()
    return {"incident": payloads.incident(row, names(session, [row.created_by_id]))}


def observation_payload(session: "Session", row: Observation) -> dict[str, Any]:
    """Return an observation as the answer to what was decided of it."""
    session.flush()
    return {"observation": payloads.observation(row, names(session, [row.decided_by_id]))}
