"""Pictures of the living and of prints: judged only where a customer supplied a network for that."""

from collections.abc import Callable

from media.biometrics.report.contents import Contents
from media.biometrics.report.statistics import Json


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """The pictures that are there; nothing is judged by a single picture."""
    for path, _ in found.spoofs:
        found.skipped[path] = "liveness is judged by a challenge, not by one picture"
    return {
        "living": sum(living for _, living in found.spoofs),
        "prints_or_screens": sum(not living for _, living in found.spoofs),
        "judged": 0,
        "why": "Kustos ships no network that tells a print from a person by one picture; the check-in asks for a "
        "challenge (turn, nod, blink), which pictures cannot answer",
    }
