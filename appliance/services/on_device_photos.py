"""Photos of the check-in that the candidate's own browser judged and kept: only what it says of them comes here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import BadInput
from appliance.models import IdentityPhoto, Sitting
from appliance.services import browser_reports, check_ins, identity_actions, identity_checks
from appliance.vocabulary import BiometricsMode, IdentityCheckKind, IdentityVerdict, PhotoKind, PhotoSource


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a browser says of a photo; as trustworthy as that browser."""

    usable: bool
    hints: tuple[str, ...] = ()
    verdict: IdentityVerdict | None = None
    """Of the document's portrait against the face; of a new face photo against the earlier one."""
    distance: float | None = None
    models: Mapping[str, str] = field(default_factory=dict)


def submit(session: Session, actor: Actor, sitting: Sitting, kind: PhotoKind, judged: Judgement) -> IdentityPhoto:
    """Keep a photo without a picture; an older one is superseded. Raises as ``check_ins.submit_photo``."""
    if sitting.exam.biometrics is not BiometricsMode.ON_DEVICE:
        raise BadInput("This exam wants the photo itself.", field="kind")
    models = browser_reports.clean_models(judged.models)
    check_ins.begin_photo(session, sitting, kind)
    row = IdentityPhoto(
        sitting_id=sitting.id,
        kind=kind,
        source=PhotoSource.ON_DEVICE,
        width=0,
        height=0,
        hints=[],
        models=models,
        verdict=_verdict(kind, judged),
        distance=judged.distance if kind is PhotoKind.DOCUMENT else None,
    )
    check_ins.keep_photo(session, actor, sitting, row, usable=judged.usable, models=models)
    if kind is PhotoKind.DOCUMENT and row.verdict is not None:
        said: dict[str, Any] = {"source": PhotoSource.ON_DEVICE.value, "models": models}
        kept = IdentityCheckKind.DOCUMENT
        identity_checks.keep(session, actor, sitting, row, kept, row.verdict, row.distance, said)
    elif judged.usable:
        identity_actions.go_on(session, sitting, judged.verdict)
    hints = list(judged.hints)
    check_ins.set_photo_verdict(session, actor, row, row.verdict, row.distance, hints)
    return row


def _verdict(kind: PhotoKind, judged: Judgement) -> IdentityVerdict | None:
    """A good face photo has no verdict: it is what others are compared with."""
    if not judged.usable:
        return IdentityVerdict.UNDETERMINED
    return judged.verdict if kind is PhotoKind.DOCUMENT else None
