"""Photos, identity, and the challenges of the check-in."""

from enum import StrEnum


class PhotoKind(StrEnum):
    """Photos taken at the check-in."""

    FACE = "face"
    DOCUMENT = "document"


class PhotoState(StrEnum):
    """Life of a check-in photo; ``superseded`` after a newer one was handed in."""

    SUBMITTED = "submitted"
    RETAKE_REQUESTED = "retake_requested"
    SUPERSEDED = "superseded"


class PhotoSource(StrEnum):
    """Where a check-in photo was judged, and whether there is a picture."""

    UPLOADED = "uploaded"
    ON_DEVICE = "on_device"
    """By the candidate's own browser, which kept the picture: only its word is here."""


class IdentityVerdict(StrEnum):
    """What the comparison of two faces said."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNDETERMINED = "undetermined"


class BiometricsMode(StrEnum):
    """Where an exam's faces and voices are looked at."""

    SERVER = "server"
    """By the appliance's workers; a template of the face is made."""
    ON_DEVICE = "on_device"
    """In the candidate's own browser: only findings and figures leave it, the camera is not sent."""
    NONE = "none"
    """Nobody's face is measured: no template is ever made; presence and number of people are still seen."""


class ChallengeKind(StrEnum):
    """What a check-in asks the candidate to do before the camera."""

    LIVENESS = "liveness"
    GAZE_CALIBRATION = "gaze_calibration"


class Movement(StrEnum):
    """Movements of the liveness challenge; left and right are the candidate's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    BLINK = "blink"
    NOD = "nod"


class ChallengeState(StrEnum):
    """Where a try at a challenge stands."""

    OPEN = "open"
    """Pictures are taken in."""
    JUDGING = "judging"
    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    """The pictures did not allow a judgement."""
    PERSON_ASKED = "person_asked"
    """The candidate asked for a person instead; no try was judged."""
    SKIPPED = "skipped"
    ABANDONED = "abandoned"
    """The time ran out, or another try was begun."""


class IdentityAction(StrEnum):
    """What the appliance does by itself when the face in the picture is not the candidate's."""

    NOTE = "note"
    WARN = "warn"
    PAUSE = "pause"
    STOP = "stop"


class IdentityCheckKind(StrEnum):
    """What a face photo or a document was held against."""

    DOCUMENT = "document"
    """The portrait on the document against the face photo."""
    ENROLLED = "enrolled"
    """The face photo against the faces of earlier sittings."""
    SIMILAR = "similar"
    """The face photo against all other people's of the company."""


class IdentityColour(StrEnum):
    """What the faces of a sitting say, at a glance."""

    GREEN = "green"
    """They match."""
    YELLOW = "yellow"
    """They match, but other profiles look alike."""
    RED = "red"
    """They do not match."""
    GREY = "grey"
    """Could not be told, or nothing is compared."""
