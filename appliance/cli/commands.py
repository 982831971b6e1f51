"""Who may give which command: the command line's part of the permission map. A command without an entry fails the
test.

A command runs as a user of the operating system, who is named in the audit log; there is no role to ask. What it can
do is decided by what that user may read: ``Needs``. ``permission`` is the act as the permission map knows it: the
right a person needs to do the same on a page.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from appliance.security.permission_map import Permission as P


class Needs(StrEnum):
    """What the user of the operating system must be able to read or do."""

    FILES = "files"
    """Only the files that are given; works on any machine."""
    SETTINGS = "settings"
    """The settings with the database's address and the secret key: the appliance's own user, or root."""
    RELEASE_KEY = "release key"
    """The key with which releases are signed: the maker of a release."""
    HOSTS = "hosts"
    """Root on the hosts of an inventory, by ssh."""


class Entry(NamedTuple):
    """One command."""

    needs: Needs
    permission: P | None = None
    """None: no page does the same."""


_F, _S, _R, _H = Needs.FILES, Needs.SETTINGS, Needs.RELEASE_KEY, Needs.HOSTS

COMMANDS: Final[dict[str, Entry]] = {
    "analyse": Entry(_F),
    "audit export": Entry(_S, P.AUDIT_READ),
    "audit key": Entry(_S),
    "audit note": Entry(_S),
    "audit verify": Entry(_S, P.AUDIT_READ),
    "backup create": Entry(_S),
    "backup drill": Entry(_S),
    "backup restore": Entry(_S),
    "backup stream": Entry(_S),
    "backup verify": Entry(_S),
    "biometrics report": Entry(_F),
    "bundle create": Entry(_R),
    "bundle key": Entry(_F),
    "bundle unpack": Entry(_F),
    "bundle verify": Entry(_F),
    "check": Entry(_S, P.SUPPORT_CHECK),
    "company create": Entry(_S),
    "company list": Entry(_S),
    "compliance dpia": Entry(_S, P.RETENTION_VIEW),
    "compliance record": Entry(_S, P.RETENTION_VIEW),
    "compliance report": Entry(_S, P.COMPLIANCE_VIEW),
    "compliance settings": Entry(_S, P.COMPLIANCE_VIEW),
    "demo candidates": Entry(_S),
    "evidence export": Entry(_S, P.RECORDING_EXPORT),
    "evidence key": Entry(_S),
    "evidence verify": Entry(_F),
    "gateway": Entry(_S),
    "health": Entry(_S),
    "install": Entry(_H),
    "inventory new": Entry(_F),
    "node drain": Entry(_S, P.NODE_DRAIN),
    "node list": Entry(_S, P.NODE_VIEW),
    "node register": Entry(_S),
    "node remove": Entry(_S),
    "node resume": Entry(_S, P.NODE_DRAIN),
    "node run": Entry(_S),
    "node sweep": Entry(_S),
    "openapi": Entry(_F, P.API_DESCRIPTION),
    "permissions": Entry(_F, P.ACCESS_VIEW),
    "preflight": Entry(_H),
    "release check": Entry(_S),
    "release drain": Entry(_S, P.NODE_DRAIN),
    "release resume": Entry(_S, P.NODE_DRAIN),
    "release status": Entry(_S),
    "release wait": Entry(_S),
    "retention certificate show": Entry(_S, P.RETENTION_VIEW),
    "retention certificate verify": Entry(_F),
    "retention due": Entry(_S, P.RETENTION_VIEW),
    "retention erase": Entry(_S, P.PERSON_ERASE),
    "retention export": Entry(_S, P.PERSON_EXPORT),
    "retention hold": Entry(_S, P.HOLD_PLACE),
    "retention release": Entry(_S, P.HOLD_RELEASE),
    "retention run": Entry(_S),
    "rollback": Entry(_H),
    "schema status": Entry(_S),
    "schema upgrade": Entry(_S),
    "sign-on list": Entry(_S, P.SIGN_ON_EDIT),
    "sign-on recheck": Entry(_S, P.SIGN_ON_EDIT),
    "sign-on test": Entry(_S, P.SIGN_ON_EDIT),
    "templates renew": Entry(_S, P.BIOMETRICS_REVOKE),
    "templates revoke": Entry(_S, P.BIOMETRICS_REVOKE),
    "templates show": Entry(_S, P.BIOMETRICS_VIEW),
    "uninstall": Entry(_H),
    "up": Entry(_S),
    "upgrade": Entry(_H),
    "user break-glass": Entry(_S),
    "user create": Entry(_S, P.STAFF_EDIT),
    "user disable": Entry(_S, P.STAFF_EDIT),
    "user enable": Entry(_S, P.STAFF_EDIT),
    "user end-sessions": Entry(_S, P.STAFF_EDIT),
    "user invite": Entry(_S, P.STAFF_EDIT),
    "user list": Entry(_S, P.STAFF_LIST),
    "user reset": Entry(_S, P.STAFF_EDIT),
    "user unlock": Entry(_S, P.STAFF_EDIT),
    "vault change-passphrase": Entry(_S),
    "vault move-to": Entry(_S),
    "vault rotate": Entry(_S),
    "vault status": Entry(_S),
    "vault verify": Entry(_S),
    "web": Entry(_S),
    "worker": Entry(_S),
}
"""Words of a command after ``kustos`` -> its entry."""
