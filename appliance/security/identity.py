"""Who is asking, as web and gateway both know them: staff, a customer's program, or the candidate of one sitting."""

from dataclasses import dataclass

from appliance.audit import Actor
from appliance.models import ApiClient, Sitting, User
from appliance.security.live_tokens import LiveIdentity
from appliance.security.permission_map import API_PERMISSIONS, Permission
from appliance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """One asker; plain values, so that it outlives the database session it was read in."""

    kind: str
    """``candidate``, ``user`` or ``api``."""
    id: int
    """Of the sitting for a candidate, of the user for staff, of the API client."""
    company_id: int
    name: str
    role: Role | None = None
    """None for a candidate and an API client."""
    address: str = ""
    limited: bool = False
    """Whether what the permission map gives for the company reaches only exams one is assigned to."""
    permissions: frozenset[Permission] = frozenset()
    """Of an API client: those it was given."""

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
    return Identity("user", user.id, user.company_id, user.name, user.role, address, user.limited)


def of_api_client(client: ApiClient, address: str = "") -> Identity:
    """Return the identity of a customer's program; a permission that is no more counts for nothing."""
    given = frozenset(permission for permission in Permission if permission.value in client.permissions)
    return Identity(
        "api", client.id, client.company_id, client.name, None, address, client.limited, given & API_PERMISSIONS
    )


def of_candidate(sitting: Sitting, address: str = "") -> Identity:
    """Return the identity of a sitting's candidate."""
    return Identity("candidate", sitting.id, sitting.company_id, sitting.candidate.name, None, address)


def of_live(live: LiveIdentity, address: str = "") -> Identity:
    """Return the identity behind a socket."""
    return Identity(live.kind, live.id, live.company_id, live.name, live.role, address, live.limited)
