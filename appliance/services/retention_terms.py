"""How long each data class may and must be kept by profile, and where that stands. Pure.

The laws seldom name days. Where they do not, the figure is the house's reading, said as such, and the company's own
rule may be stricter within the limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.vocabulary import DataClass

WARN_DAYS: Final = 14
"""Announced so long before, unless the company says otherwise."""

LEAST_WARN_DAYS: Final = 3
MOST_WARN_DAYS: Final = 90

LONGEST: Final = 36500
"""Days: what no calendar overflows with."""

_D = DataClass


@dataclass(frozen=True, slots=True)
class Term:
    """Days from the end of a sitting on."""

    default: int
    least: int = 1
    most: int | None = None
    """None: may be kept without end."""
    least_rule: str = "a deletion must be announced before it is done"
    most_rule: str = ""

    def within(self, days: int | None) -> int | None:
        """Return ``days`` brought within the limits: a profile that was changed counts at once."""
        if days is None:
            return self.most
        return max(self.least, days if self.most is None else min(days, self.most))


_AI_ACT: Final = "AI Act, art. 26(6): logs of a high-risk system are kept for at least six months"
_STORAGE: Final = "GDPR, art. 5(1)(e): no longer than the purpose needs; an exam's result is final within that time"
_BIOMETRIC: Final = "GDPR, art. 9 and 5(1)(c): a template serves to compare sittings of one course of study"
_RU_PURPOSE: Final = "152-FZ, art. 5(7) and 21(4): no longer than the purpose needs"
_RU_LOG: Final = "FSTEC, measure RSB.1, in our reading: records of security events are kept for three months at least"

_NONE: Final[Mapping[DataClass, Term]] = {
    _D.RECORDING: Term(180),
    _D.PHOTO: Term(180),
    _D.TEMPLATE: Term(365),
    _D.CHAT: Term(365),
    _D.METRICS: Term(365),
    _D.LOG: Term(365),
    _D.PERSON: Term(1095),
}
_EU: Final[Mapping[DataClass, Term]] = {
    _D.RECORDING: Term(90, most=365, most_rule=_STORAGE),
    _D.PHOTO: Term(90, most=365, most_rule=_STORAGE),
    _D.TEMPLATE: Term(180, most=730, most_rule=_BIOMETRIC),
    _D.CHAT: Term(180, most=730, most_rule=_STORAGE),
    _D.METRICS: Term(365, least=184, most=1826, least_rule=_AI_ACT, most_rule=_STORAGE),
    _D.LOG: Term(365, least=184, most=1826, least_rule=_AI_ACT, most_rule=_STORAGE),
    _D.PERSON: Term(730, most=1826, most_rule=_STORAGE),
}
_RU: Final[Mapping[DataClass, Term]] = {
    _D.RECORDING: Term(180, most=1095, most_rule=_RU_PURPOSE),
    _D.PHOTO: Term(180, most=1095, most_rule=_RU_PURPOSE),
    _D.TEMPLATE: Term(90, most=365, most_rule="152-FZ, art. 11 and 21(4): biometric data end with their purpose"),
    _D.CHAT: Term(365, most=1095, most_rule=_RU_PURPOSE),
    _D.METRICS: Term(365, most=1826, most_rule=_RU_PURPOSE),
    _D.LOG: Term(365, least=92, most=1826, least_rule=_RU_LOG, most_rule=_RU_PURPOSE),
    _D.PERSON: Term(1095, most=1826, most_rule=_RU_PURPOSE),
}

TERMS: Final[Mapping[str, Mapping[DataClass, Term]]] = {"none": _NONE, "eu": _EU, "ru": _RU}
