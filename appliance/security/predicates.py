"""Where a permission holds: within one's company, on one's own sitting."""

from appliance.errors import NotAllowed, NotFound
from appliance.models import Sitting
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission, permits
from appliance.vocabulary import Role


def same_company(identity: Identity, company_id: int) -> bool:
    """Return whether a thing of ``company_id`` exists at all for this asker."""
    return identity.company_id == company_id


def own_sitting(identity: Identity, sitting: Sitting) -> bool:
    """Return whether the candidate asks about their own attempt."""
    return identity.sitting_id == sitting.id


def in_queue_of(identity: Identity, sitting: Sitting) -> bool:
    """Return whether a proctor may take the sitting: it is theirs, or nobody's yet, in their own company."""
    return same_company(identity, sitting.company_id) and sitting.proctor_id in (None, identity.id)


def may(identity: Identity, permission: Permission, sitting: Sitting | None = None) -> bool:
    """Return whether ``identity`` may do this, here where ``sitting`` is given."""
    if not permits(identity.role, permission):
        return False
    if sitting is None:
        return True
    if identity.role is None:
        return own_sitting(identity, sitting)
    if identity.role is Role.PROCTOR:
        return in_queue_of(identity, sitting)
    return same_company(identity, sitting.company_id)


def require(identity: Identity, permission: Permission, sitting: Sitting | None = None) -> None:
    """Raise ``NotAllowed``, or ``NotFound`` for what is another company's: not even that it exists is told."""
    if sitting is not None and not same_company(identity, sitting.company_id):
        raise NotFound
    if not may(identity, permission, sitting):
        raise NotAllowed(permission=permission.value)
