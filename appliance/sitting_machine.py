"""The states of a sitting and the only steps there are between them."""

from typing import Final

from appliance.errors import ImpossibleStep
from appliance.vocabulary import SittingState as S

STEPS: Final[dict[str, tuple[frozenset[S], S]]] = {
    "schedule": (frozenset({S.CREATED}), S.SCHEDULED),
    "open_check_in": (frozenset({S.CREATED, S.SCHEDULED}), S.CHECK_IN),
    "wait": (frozenset({S.CHECK_IN}), S.WAITING),
    "start": (frozenset({S.WAITING}), S.RUNNING),
    "pause": (frozenset({S.RUNNING}), S.PAUSED),
    "resume": (frozenset({S.PAUSED}), S.RUNNING),
    "interrupt": (frozenset({S.CHECK_IN, S.WAITING, S.RUNNING, S.PAUSED}), S.INTERRUPTED),
    "finish": (frozenset({S.RUNNING, S.PAUSED, S.INTERRUPTED}), S.FINISHED),
    "complete_identification": (frozenset({S.WAITING}), S.FINISHED),
    "process": (frozenset({S.FINISHED}), S.PROCESSING),
    "offer_for_review": (frozenset({S.PROCESSING}), S.IN_REVIEW),
    "conclude": (frozenset({S.IN_REVIEW, S.CONCLUDED}), S.CONCLUDED),
    "decline": (frozenset({S.CREATED, S.SCHEDULED, S.CHECK_IN}), S.DECLINED),
    "cancel": (frozenset({S.CREATED, S.SCHEDULED}), S.CANCELLED),
    "refuse_identity": (frozenset({S.CHECK_IN, S.WAITING}), S.IDENTITY_REFUSED),
    "time_out": (frozenset({S.CHECK_IN, S.WAITING, S.INTERRUPTED}), S.TIMED_OUT),
    "expire": (frozenset({S.CREATED, S.SCHEDULED}), S.EXPIRED),
}
"""Step name -> (states it may be taken from, state it leads to)."""

RETURN_STEP: Final = "return"
"""The step from ``interrupted`` back to where the sitting was; its goal is the sitting's ``resume_state``."""

LIVE: Final = frozenset({S.CHECK_IN, S.WAITING, S.RUNNING, S.PAUSED, S.INTERRUPTED})
"""A candidate may be present."""

OVER: Final = frozenset(set(S) - LIVE - {S.CREATED, S.SCHEDULED})
"""The candidate's part is over; nothing leads back from here."""


def next_state(state: S, step: str, resume_state: S | None = None) -> S:
    """Return the state that ``step`` leads to; raise ``ImpossibleStep`` naming both if it cannot be taken."""
    if step == RETURN_STEP and state is S.INTERRUPTED and resume_state is not None:
        return resume_state
    if step in STEPS:
        sources, goal = STEPS[step]
        if state in sources:
            return goal
    message = f"A sitting that is {state.value} cannot take the step “{step}”."
    raise ImpossibleStep(message, state=state.value, step=step)
