"""phone, books: a thing in the picture that does not belong there, by a detector file of the customer's own.

Off unless the exam says so (``detection.phone.enabled``, ``detection.books.enabled``) and a file is there.
"""

from typing import Final

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.biometrics.objects import ObjectFinder, Sighting, Thing
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Scene
from media.frames.frame import NoPicture

EVERY_MS: Final = 1000
"""Such networks take 20 to 200 ms: one look a second, shared by both things."""
RULE: Final = Rule(
    threshold=0.5, clear_below=0.35, min_duration_ms=2000, lapse_ms=1100, release_ms=2100, unknown_ms=5000
)
"""Three looks in a row; one missed look between two sightings is forgiven."""


class Look:
    """What was seen last, for all detectors of one sitting."""

    def __init__(self, finder: ObjectFinder) -> None:
        self.finder = finder
        self._at_ms: int | None = None
        self._seen: dict[Thing, Sighting] = {}

    def at(self, scene: Scene, thing: Thing) -> Sighting | None:
        """The surest sighting, looked for anew when it is time."""
        if self._at_ms is None or not 0 <= scene.at_ms - self._at_ms < EVERY_MS:
            self._at_ms, self._seen = scene.at_ms, self.finder.look(scene.image)
        return self._seen.get(thing)


class ForbiddenThing:
    """Scores the surest sighting of one kind of thing."""

    default_rule = RULE

    def __init__(self, look: Look, name: str, type_: ObservationType, thing: Thing) -> None:
        self.name, self.type = name, type_
        self._look, self._thing = look, thing

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """The customer's file."""
        return (self._look.finder.model,)

    def sample(self, scene: Scene) -> Sample:
        """See Detector. Nothing can be said of a picture in which nothing can be seen."""
        if not scene.is_readable:
            return Sample(scene.at_ms, None)
        seen = self._look.at(scene, self._thing)
        if seen is None:
            return Sample(scene.at_ms, 0.0)
        box = [round(share, 3) for share in (seen.left, seen.top, seen.width, seen.height)]
        return Sample(scene.at_ms, seen.score, details={"box": box})

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)


PHONE: Final = "phone"
BOOKS: Final = "books"


def thing_detectors(finder: ObjectFinder | None) -> list[ForbiddenThing]:
    """Both, sharing their looks; none without a file."""
    if finder is None:
        return []
    look = Look(finder)
    return [
        ForbiddenThing(look, PHONE, ObservationType.PHONE, Thing.PHONE),
        ForbiddenThing(look, BOOKS, ObservationType.BOOKS, Thing.BOOK),
    ]
