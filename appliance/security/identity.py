"""Who is asking, as web and gateway both know them: a member of staff, or the candidate of one sitting."""

from dataclasses import dataclass

from appliance.audit import Actor
from appliance.models import Sitting, User
from appliance.security.live_tokens import LiveIdentity
from appliance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """One asker; plain values, so that it outlives the database session it was read in."""

    kind: str
    """``candidate`` or ``user``."""
    id: int
    """Of the sitting for a candidate, of the user for staff."""
    company_id: int
    name: str
    role: Role | None = None
    """None for a candidate."""
    address: str = ""

    @property
    def sitting_id(self) -> int | None:
        """Return the candidate's sitting, None for staff."""
        return self.id if self.kind == "candidate" else None

    @property
    def actor(self) -> Actor:
        """Return the same as the audit log's actor."""
        role = None if self.role is None else self.role.value
        # The log outlives the person's data: it names candidates by their sitting's number alone.
        name = self.name if self.sitting_id is None else f"candidate of sitting {self.id}"
        return Actor(self.kind, str(self.id), name, self.address, self.company_id, role)


def of_user(user: User, address: str = "") -> Identity:
    """Return the identity of a member of staff."""
    return Identity("user", user.id, user.company_id, user.name, user.role, address)


def of_candidate(sitting: Sitting, address: str = "") -> Identity:
    """Return the identity of a sitting's candidate."""
    return Identity("candidate", sitting.id, sitting.company_id, sitting.candidate.name, None, address)


def of_live(live: LiveIdentity, address: str = "") -> Identity:
    """Return the identity behind a socket."""
    return Identity(live.kind, live.id, live.company_id, live.name, live.role, address)
