"""Whether somebody may do something, here: the one question that web, gateway and services ask."""

from appliance.errors import NotAllowed, NotFound
from appliance.models import Exam, Sitting
from appliance.security import scopes
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.vocabulary import Scope


def may(identity: Identity, permission: Permission, thing: Sitting | Exam | None = None) -> bool:
    """Return whether ``identity`` may do this, here where a sitting or an exam is given.

    Without one: somewhere. What is granted for a ticket is always about something.
    """
    if thing is None:
        return scopes.scope_of(identity, permission) not in {None, Scope.GRANTED}
    return scopes.reaches(identity, permission, thing)


def require(identity: Identity, permission: Permission, thing: Sitting | Exam | None = None) -> None:
    """Raise ``NotAllowed``, or ``NotFound`` for what is another company's: not even that it exists is told."""
    if thing is not None and thing.company_id != identity.company_id:
        raise NotFound
    if not may(identity, permission, thing):
        raise NotAllowed(permission=permission.value)
