"""What is to be done about a deletion that comes near: pure, so that years pass in a test."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple


class Step(Enum):
    """What a run does about one data class of one sitting or person."""

    WAIT = auto()
    WARN = auto()
    """Announce it, to be done at ``Decision.delete_at``."""
    MOVE = auto()
    """It was announced for another day than ``Decision.delete_at``."""
    WITHDRAW = auto()
    """It was announced and is not to be done: held, without end, or far away now."""
    DELETE = auto()


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one data class of one sitting or person."""

    due_at: datetime | None
    """The end of its term; None: kept without end."""
    warn: timedelta
    held: bool
    announced: datetime | None = None
    """The day of deletion that was announced; None: nothing was."""


class Decision(NamedTuple):
    """A step, and the day of deletion where it has one."""

    step: Step
    delete_at: datetime | None = None


def decide(case: Case, now: datetime) -> Decision:
    """Return what to do now.

    What this promises: nothing is deleted that was not announced ``case.warn`` before; nothing is deleted before the
    end of its term by the rule in force on that day; nothing held is touched, and after a release the announcement
    begins anew; what is due is announced, and what was announced is done, with the next run.
    """
    if case.held or case.due_at is None:
        return Decision(Step.WAIT if case.announced is None else Step.WITHDRAW)
    earliest = max(case.due_at, now + case.warn)
    if case.announced is None:
        return Decision(Step.WAIT) if now < case.due_at - case.warn else Decision(Step.WARN, earliest)
    if case.due_at > case.announced:  # a longer term, or the person sat another exam
        far_away = now < case.due_at - case.warn
        return Decision(Step.WITHDRAW) if far_away else Decision(Step.MOVE, case.due_at)
    if earliest < case.announced:  # a shorter term: announced anew, with the whole time to object
        return Decision(Step.MOVE, earliest)
    return Decision(Step.DELETE if now >= case.announced else Step.WAIT)
