"""What a candidate's browser may report: a stranger's word, so its kind, size and rate are limited.

Of itself in every exam (``BROWSER``), and what its own analysis finds where the exam asks for that (``ON_DEVICE``):
of such a finding only figures and words of a list are kept, so that no picture and no template can come with it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, ImpossibleStep, TooMany
from appliance.models import Observation, Sitting
from appliance.services.free_text import storable
from appliance.sitting_machine import LIVE
from appliance.vocabulary import BROWSER_TYPES, ON_DEVICE_TYPES, BiometricsMode, ObservationSource, ObservationType

SOURCES: Final = frozenset({ObservationSource.BROWSER, ObservationSource.ON_DEVICE})
PER_MINUTE: Final = 30
"""New observations a minute; a person cannot switch windows faster for long."""

MAX_DETAILS: Final = 20
MAX_DETAIL_CHARS: Final = 500
CLOCKS_OWN: Final = frozenset({"pauses"})
"""Details that only the appliance writes: a pause is cut out of the score."""

FIGURES: Final = frozenset(
    {
        "score",
        "threshold",
        "min_duration_ms",
        "body",
        "faces",
        "yaw",
        "pitch",
        "eyes",
        "distance",
        "brightness",
        "difference",
        "mouth",
        "voice",
        "level",
        "x",
        "y",
        "ms_per_picture",
    }
)
WORDS: Final = {
    "reason": re.compile(r"[a-z_]{1,32}"),
    "quality": re.compile(r"[a-z_]{1,32}"),
}
MAX_MODELS: Final = 8
MODEL_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")


def admit(
    session: Session,
    sitting: Sitting,
    type: ObservationType,
    now: datetime,
    source: ObservationSource = ObservationSource.BROWSER,
    detector: str = "",
) -> Observation | None:
    """Return the source's open observation of this type, or None when a new one may be made.

    Raises ``BadInput``, ``ImpossibleStep`` or ``TooMany``.
    """
    _check_type(sitting, type, source)
    if sitting.state not in LIVE:
        raise ImpossibleStep("The exam is over.", state=sitting.state)
    mine = (Observation.sitting_id == sitting.id, Observation.source == source)
    same = select(Observation).where(*mine, Observation.type == type, Observation.ended_at.is_(None))
    if source is ObservationSource.ON_DEVICE:
        same = same.where(Observation.detector == detector)
    still_open = session.scalars(same.order_by(Observation.id.desc()).limit(1)).first()
    if still_open is not None:
        return still_open
    count = select(func.count()).select_from(Observation)
    recent = session.scalar(count.where(*mine, Observation.created_at > now - timedelta(minutes=1)))
    if (recent or 0) >= PER_MINUTE:
        raise TooMany("This browser reports too much; wait a minute.", limit=PER_MINUTE)
    return None


def _check_type(sitting: Sitting, type: ObservationType, source: ObservationSource) -> None:
    if source is ObservationSource.BROWSER:
        if type not in BROWSER_TYPES:
            raise BadInput(f"A browser cannot report “{type}”.", field="kind")
        return
    if sitting.exam.biometrics is not BiometricsMode.ON_DEVICE:
        raise BadInput("This exam is not analysed in the candidate's browser.", field="detector")
    if type not in ON_DEVICE_TYPES:
        raise BadInput(f"The analysis in a browser does not find “{type}”.", field="kind")


def clean(details: Mapping[str, Any], source: ObservationSource = ObservationSource.BROWSER) -> dict[str, Any]:
    """Return plain values only, cut to size; of a finding only what is on the lists above."""
    if source is ObservationSource.ON_DEVICE:
        return _clean_finding(details)
    kept = [(str(key), value) for key, value in details.items() if key not in CLOCKS_OWN][:MAX_DETAILS]
    return {
        storable(key[:64]): storable(value[:MAX_DETAIL_CHARS]) if isinstance(value, str) else value
        for key, value in kept
        if isinstance(value, str | int | float | bool) or value is None
    }


def _clean_finding(details: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in details.items():
        if key in FIGURES and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e7:
            kept[key] = round(value, 4)
        elif key in WORDS and isinstance(value, str) and WORDS[key].fullmatch(value):
            kept[key] = value
    if "models" in details:
        kept["models"] = clean_models(details["models"])
    return kept


def clean_models(models: Any) -> dict[str, str]:
    """Return names and hashes of models, as a browser says them. Raises ``BadInput`` for anything else."""
    if not isinstance(models, Mapping) or len(models) > MAX_MODELS:
        raise BadInput(f"models must be at most {MAX_MODELS} names with their SHA-256.", field="models")
    for name, digest in models.items():
        if not (isinstance(digest, str) and MODEL_NAME.fullmatch(str(name)) and SHA256.fullmatch(digest)):
            raise BadInput("Each model must be a name and a SHA-256 in hexadecimal digits.", field="models")
    return dict(models)
