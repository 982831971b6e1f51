"""The pictures that show why an observation was made; the worker seals them, people look at them."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import from_ms
from appliance.errors import NotFound
from appliance.models import EvidencePicture, Observation, Sitting
from appliance.services import purposes
from appliance.vault import Vault

MOST = 2
"""Of one observation."""


class Shot(NamedTuple):
    """A picture in the vault that is not an observation's yet."""

    at_ms: int
    vault_object_id: int


def seal(session: Session, vault: Vault, sitting_id: int, at_ms: int, jpeg: bytes) -> Shot:
    """Put a picture into the vault, under the key that everything of its sitting has."""
    return Shot(at_ms, vault.seal(session, purposes.pictures(sitting_id), "evidence_picture", jpeg).id)


def attach(observation: Observation, shots: Iterable[Shot]) -> None:
    """Make pictures an observation's; more than two are left out."""
    for shot in shots:
        number = len(observation.pictures) + 1
        if number <= MOST:
            picture = EvidencePicture(
                number=number, taken_at=from_ms(shot.at_ms), vault_object_id=shot.vault_object_id
            )
            observation.pictures.append(picture)


def get(session: Session, observation: Observation, number: int) -> EvidencePicture:
    """Return one picture; raise ``NotFound``."""
    query = select(EvidencePicture).filter_by(observation_id=observation.id, number=number)
    row = session.scalars(query).first()
    if row is None:
        raise NotFound("This finding has no such picture.", observation_id=observation.id)
    return row


def record_view(session: Session, actor: Actor, sitting: Sitting, observation: Observation, number: int) -> None:
    """Write to the audit log that a person looks at a picture."""
    subject = ("observation", observation.id)
    audit.record(
        session,
        actor,
        "observation.picture",
        subject,
        company_id=sitting.company_id,
        sitting_id=sitting.id,
        type=observation.type,
        number=number,
    )
