"""What a company's compliance profile presets and what it forbids: one table of hard limits. Pure.

Password rules stand in ``appliance.security.password_rules``, terms in ``retention_terms``, both by the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.errors import BadInput, BiometricsOff
from appliance.models import Company, Exam
from appliance.services.retention_terms import TERMS, Term
from appliance.settings import Settings
from appliance.vocabulary import BiometricsMode, DataClass, FourEyesAct, IdentityAction


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How log-ins end and lock; the names are those of ``Settings``, so that either can be asked."""

    session_minutes: int
    idle_minutes: int
    lock_minutes: int
    login_attempts: int
    lockout_minutes: int


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
    sessions: SessionRules = SessionRules(1440, 480, 60, 10, 5)
    """Limits of the appliance's settings: the most of each, of ``lockout_minutes`` the least."""
    four_eyes: frozenset[FourEyesAct] = frozenset()
    """What takes two people in a company that is new in this profile; it may choose otherwise."""


PROFILES: Final[Mapping[str, Profile]] = {
    "none": Profile(BiometricsMode.SERVER),
    # 572-FZ and 152-FZ, art. 11: no template without somebody having decided so; a start link is no decision.
    # FSTEC's measures UPD.6 and UPD.10: few attempts, and locked when nobody is there. The figures are our reading.
    "ru": Profile(
        BiometricsMode.NONE,
        retention=TERMS["ru"],
        sessions=SessionRules(720, 60, 15, 5, 15),
        four_eyes=frozenset({FourEyesAct.ERASURE, FourEyesAct.HOLD_RELEASE}),
    ),
    # GDPR 22: what ends an exam is a person's decision; the appliance may pause it until one has looked.
    # AI Act 5(1)(f): no judging of emotions in education.
    "eu": Profile(
        BiometricsMode.SERVER,
        actions=frozenset(IdentityAction) - {IdentityAction.STOP},
        attention_monitoring=False,
        retention=TERMS["eu"],
        sessions=SessionRules(720, 120, 30, 10, 10),
        # GDPR 22(3), AI Act 14: a conclusion that is changed afterwards has two people behind it
        four_eyes=frozenset({FourEyesAct.ERASURE, FourEyesAct.CONCLUSION_CHANGE}),
    ),
}


def of(company: Company) -> Profile:
    """Return the company's profile; one that is not known has no say."""
    return PROFILES.get(company.profile, PROFILES["none"])


def session_rules(company: Company, settings: Settings) -> SessionRules:
    """Return what counts for the company's staff: the appliance's settings within the profile's limits."""
    limits = of(company).sessions
    return SessionRules(
        session_minutes=min(settings.session_minutes, limits.session_minutes),
        idle_minutes=min(settings.idle_minutes, limits.idle_minutes),
        lock_minutes=min(settings.lock_minutes, limits.lock_minutes),
        login_attempts=min(settings.login_attempts, limits.login_attempts),
        lockout_minutes=max(settings.lockout_minutes, limits.lockout_minutes),
    )


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
