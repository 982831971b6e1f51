"""Error rates of the liveness challenge by attack species, with counts (ISO/IEC 30107-3: worst species first)."""

from collections.abc import Sequence
from typing import Any, Final

from appliance.vocabulary import ChallengeState, Movement
from media.biometrics.engine import Engine
from media.biometrics.liveness import judge
from media.biometrics.presentations import Sitter, Species, presentation
from media.biometrics.regions import Image

ORDERS: Final = (
    (Movement.TURN_LEFT, Movement.BLINK, Movement.TURN_RIGHT, Movement.NOD),
    (Movement.NOD, Movement.TURN_RIGHT, Movement.BLINK, Movement.TURN_LEFT),
    (Movement.BLINK, Movement.TURN_LEFT, Movement.NOD, Movement.TURN_RIGHT),
)
"""Of the 24 orders; the judgement of one does not depend on the others."""

LIMITS: Final = (
    "Heads and attacks are drawn from portraits; no footage of people who were asked to move exists in the data.",
    "A recording, a mask, or a face swapped live by a program that does the right order passes: an order is guessed "
    "in 1 of 24 tries, 3 tries are allowed.",
    "A blink that is painted or covered passes as a blink; such a photo fails at the turns and the nod.",
)


def liveness_figures(portraits: Sequence[Image], engine: Engine | None = None) -> dict[str, Any]:
    """Return {"bona_fide": {"shown", "rejected", "undetermined"}, "attacks": [{"species", "shown", "accepted",
    "undetermined"}], "failure_to_acquire", "limits"}; more than 10 s of a core a portrait.

    ``engine``: None measures as in exams that forbid templates. Portraits without a face are counted, not shown.
    """
    sitters = [sitter for portrait in portraits if (sitter := _sitter(portrait, engine)) is not None]
    heads = _states(sitters, Species.HEAD)
    attacks = [_attack(species, _states(sitters, species)) for species in Species if species is not Species.HEAD]
    return {
        "bona_fide": {
            "shown": len(heads),
            "rejected": heads.count(ChallengeState.FAILED),
            "undetermined": heads.count(ChallengeState.UNDETERMINED),
        },
        "attacks": sorted(attacks, key=lambda row: (-row["accepted"], -row["undetermined"], row["species"])),
        "failure_to_acquire": len(portraits) - len(sitters),
        "limits": list(LIMITS),
    }


def _sitter(portrait: Image, engine: Engine | None) -> Sitter | None:
    try:
        return Sitter(portrait, engine)
    except ValueError:
        return None


def _states(sitters: Sequence[Sitter], species: Species) -> list[ChallengeState]:
    """What became of each presentation; a spliced one shows the next portrait's face from the middle on."""
    states = []
    for index, sitter in enumerate(sitters):
        other = sitters[(index + 1) % len(sitters)]
        if species is Species.SPLICED and other is sitter:
            continue
        states += [judge(presentation(sitter, steps, species, other), steps).state for steps in ORDERS]
    return states


def _attack(species: Species, states: Sequence[ChallengeState]) -> dict[str, Any]:
    return {
        "species": species.value,
        "shown": len(states),
        "accepted": states.count(ChallengeState.PASSED),
        "undetermined": states.count(ChallengeState.UNDETERMINED),
    }
