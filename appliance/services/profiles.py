"""What a company's compliance profile presets and what it forbids. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.errors import BadInput, BiometricsOff
from appliance.models import Company, Exam
from appliance.services.retention_terms import TERMS, Term
from appliance.vocabulary import BiometricsMode, DataClass, IdentityAction


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile; the software gives measures, it does not certify."""

    default_mode: BiometricsMode
    """Of an exam that nobody has set up yet."""
    modes: frozenset[BiometricsMode] = frozenset(BiometricsMode)
    actions: frozenset[IdentityAction] = frozenset(IdentityAction)
    attention_monitoring: bool = True
    """Whether emotion and engagement may be judged at all, should something be able to."""
    retention: Mapping[DataClass, Term] = field(default_factory=lambda: TERMS["none"])
    """Least, most and preset term of each data class."""


PROFILES: Final[Mapping[str, Profile]] = {
    "none": Profile(BiometricsMode.SERVER),
    # 572-FZ and 152-FZ, art. 11: no template without somebody having decided so; a start link is no decision.
    "ru": Profile(BiometricsMode.NONE, retention=TERMS["ru"]),
    # GDPR 22: what ends an exam is a person's decision; the appliance may pause it until one has looked.
    # AI Act 5(1)(f): no judging of emotions in education.
    "eu": Profile(
        BiometricsMode.SERVER,
        actions=frozenset(IdentityAction) - {IdentityAction.STOP},
        attention_monitoring=False,
        retention=TERMS["eu"],
    ),
}


def of(company: Company) -> Profile:
    """Return the company's profile; one that is not known has no say."""
    return PROFILES.get(company.profile, PROFILES["none"])


def mode_of(exam: Exam) -> BiometricsMode:
    """Return where this exam's faces are measured; a mode that the profile forbids is none at all."""
    return exam.biometrics if exam.biometrics in of(exam.company).modes else BiometricsMode.NONE


def action_of(exam: Exam) -> IdentityAction:
    """Return what follows on another person in the candidate's place; instead of a forbidden stop: a pause."""
    return exam.identity_action if exam.identity_action in of(exam.company).actions else IdentityAction.PAUSE


def demand_server(exam: Exam) -> None:
    """Raise ``BiometricsOff`` unless this exam's faces are measured by the appliance."""
    mode = mode_of(exam)
    if mode is not BiometricsMode.SERVER:
        raise BiometricsOff(mode=mode.value)


def check(company: Company, mode: BiometricsMode, action: IdentityAction) -> None:
    """Raise ``BadInput`` for what the profile forbids."""
    profile = of(company)
    if mode not in profile.modes:
        raise BadInput(f"The profile “{company.profile}” of this organisation forbids this mode.", field="biometrics")
    if action not in profile.actions:
        message = f"The profile “{company.profile}” of this organisation forbids ending exams automatically."
        raise BadInput(message, field="identity_action")
