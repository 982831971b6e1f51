"""What the candidate's page shows of its own sitting."""

from typing import TYPE_CHECKING, Any

from appliance.models import Sitting
from appliance.services import (
    challenge_states,
    chats,
    check_ins,
    conversations,
    identity_actions,
    incidents,
    networks,
    payloads,
)
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import BiometricsMode
from web.services import now_ms

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def summary(sitting: Sitting) -> dict[str, Any]:
    """Return the sitting as the candidate may know it: no score, no conclusion, no names of those who decide."""
    shown = payloads.sitting(sitting)
    for hidden in ("score", "conclusion", "proctor"):
        shown.pop(hidden)
    return shown


def content_url(sitting: Sitting) -> str:
    """Return the LMS's page that the exam shows in a frame; empty for an exam with its own questions."""
    return str(payloads.exam_of(sitting)["content_url"])


def state(session: "Session", settings: Settings, vault: Vault, sitting: Sitting) -> dict[str, Any]:
    """Return everything the candidate's page shows, in the shape of docs/contracts.md."""
    session.flush()
    text = check_ins.consent_text(sitting.language, sitting.exam.biometrics)
    return {
        "sitting": summary(sitting),
        "step": sitting.step.value,
        "csrf": sitting.csrf_token,
        "language": sitting.language,
        "server_ms": now_ms(),
        "consent": {"version": text.version, "text": text.text, "language": text.language},
        "rules": sitting.exam.rules,
        "exam": payloads.exam_of(sitting),
        **networks.for_browser(sitting.exam.company, vault, settings, f"sitting-{sitting.id}"),
        "warnings": [payloads.incident(row) for row in incidents.warnings(session, sitting.id)],
        "messages": chats.to_payloads(session, sitting, chats.history(session, sitting.id)),
        "conversations": [
            conversations.payload(row, sitting.id) for row in conversations.open_ones(session, sitting_id=sitting.id)
        ],
        "photos": {kind: _own_photo(photo) for kind, photo in check_ins.photo_states(session, sitting).items()},
        "challenges": challenge_states.own(session, sitting),
        "paused_for": identity_actions.pause_reason(session, sitting),
        **({"detection": sitting.exam.detection} if sitting.exam.biometrics is BiometricsMode.ON_DEVICE else {}),
        "answers": sitting.answers,
        "support_email": sitting.exam.company.support_email,
    }


def _own_photo(photo: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out what the comparison said: it is the proctor's to judge, and would teach how to get past it."""
    return (
        None if photo is None else {"state": photo["state"], "hints": photo["hints"], "taken_ms": photo["taken_ms"]}
    )
