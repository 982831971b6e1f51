"""Which passwords a company takes, by its compliance profile. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zxcvbn import zxcvbn

from appliance.errors import BadInput
from appliance.security.passwords import MAX_LENGTH, MIN_LENGTH

_JUDGED: Final = 72
"""The estimate's time grows with the square of the length; what is longer is not guessed anyway."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """One profile's demands; the software gives measures, it does not certify."""

    min_length: int = MIN_LENGTH
    min_guesses: float = 1e10
    """By zxcvbn's estimate (Wheeler 2016), which knows 30,000 common passwords, names and English words, and keyboard
    rows; 1e10 is what its authors call very unguessable where a slow hash is kept."""
    history: int = 5
    """So many former passwords are not taken again."""
    max_age_days: int | None = None
    """NIST SP 800-63B advises against a limit: people choose worse passwords; None is no limit."""


RULES: Final[Mapping[str, PasswordRules]] = {
    "none": PasswordRules(),
    "eu": PasswordRules(),
    # FSTEC's guidance on the measures of authentication asks for a change at an interval; the days are our reading.
    "ru": PasswordRules(history=10, max_age_days=90),
}


def of_profile(profile: str) -> PasswordRules:
    """Return the profile's rules; one that is not known has the general ones."""
    return RULES.get(profile, RULES["none"])


def demand_good(password: str, rules: PasswordRules, about: Iterable[str] = ()) -> None:
    """Raise ``BadInput`` with a ``reason`` for a password that is too short, too long or easily guessed.

    ``about``: what anybody knows of the person (e-mail, name, organisation); it counts as guessed at once.
    """
    if not rules.min_length <= len(password) <= MAX_LENGTH:
        text = f"A password has {rules.min_length} to {MAX_LENGTH} characters."
        raise BadInput(text, field="password", reason="length", min=rules.min_length)
    known = {word for text in about for word in (text, *_words(text))} | {"kustos"}
    guesses = float(zxcvbn(password[:_JUDGED], user_inputs=sorted(known))["guesses"])
    if guesses < rules.min_guesses or len(_without(password, known)) < rules.min_length / 2:
        text = "This password is among the known ones or easily guessed; take a longer one or several words."
        raise BadInput(text, field="password", reason="guessable")


def _words(text: str) -> list[str]:
    return re.findall(r"\w{4,}", text)


def _without(password: str, known: Iterable[str]) -> str:
    """Return what is left of a password when everything is taken out that anybody knows of the person."""
    rest = password.casefold()
    for word in sorted((word.casefold() for word in known if word), key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest


def is_too_old(changed_at: datetime | None, rules: PasswordRules, now: datetime) -> bool:
    """Say whether the password must be changed before anything else."""
    expires = expires_at(changed_at, rules)
    return expires is not None and now >= expires


def expires_at(changed_at: datetime | None, rules: PasswordRules) -> datetime | None:
    """Return when the password grows too old; None: never."""
    if changed_at is None or rules.max_age_days is None:
        return None
    return changed_at + timedelta(days=rules.max_age_days)
