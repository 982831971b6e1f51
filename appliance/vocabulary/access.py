"""Who may see and do what, beyond roles: scopes, grants, and acts that take two people."""

from enum import StrEnum


class Scope(StrEnum):
    """How far a permission reaches; the table in ``appliance.security.permission_map`` has one in each cell."""

    APPLIANCE = "appliance"
    """The whole appliance, which all its companies share."""
    COMPANY = "company"
    """Everything of one's own company. For an account that is limited to its exams it is ``exam``."""
    EXAM = "exam"
    """The exams one is assigned to, and all their sittings."""
    SITTING = "sitting"
    """Sittings assigned by name or claimed, and of the exams one is assigned to those that nobody has claimed."""
    GRANTED = "granted"
    """What an administrator or security officer opened for one ticket and for some hours."""
    OWN = "own"
    """A candidate's own sitting; one's own account."""


class FourEyesAct(StrEnum):
    """Acts for which a company may want a second person's agreement."""

    EXPORT = "export"
    ERASURE = "erasure"
    HOLD_RELEASE = "hold_release"
    CONCLUSION_CHANGE = "conclusion_change"
    FOUR_EYES_OFF = "four_eyes_off"
    """To want fewer second persons than before: always takes two where there were two."""


class ApprovalState(StrEnum):
    """What became of a request for a second person's agreement."""

    WAITING = "waiting"
    AGREED = "agreed"
    REFUSED = "refused"
    USED = "used"
    """The act was done; another needs another agreement."""
    EXPIRED = "expired"


class GrantedSight(StrEnum):
    """What a grant for a ticket opens to a support engineer."""

    FACES = "faces"
    """Check-in photos, evidence pictures, the timeline."""
    RECORDINGS = "recordings"
    """Recordings, and the live picture while the sitting runs."""
