"""The table, read as people would say it."""

import pytest

from appliance.security.permission_map import (
    API_PERMISSIONS,
    CANDIDATE_PERMISSIONS,
    ROLE_PERMISSIONS,
    TABLE,
    Permission,
    permits,
)
from appliance.vocabulary import Role


def test_a_role_has_what_its_column_says():
    """The whole table is held by docs/security/permissions.md (tests/appliance/cli/test_permissions.py)."""
    for permission, cells in TABLE.items():
        for role in Role:
            assert permits(role, permission) is (getattr(cells, role.value) is not None)
        assert permits(None, permission) is (cells.candidate is not None)


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        (Role.PROCTOR, Permission.RECORDING_EXPORT),
        (Role.PROCTOR, Permission.EXAM_EDIT),
        (Role.ORGANISER, Permission.ROOM_VIEW),
        (Role.ORGANISER, Permission.STAFF_EDIT),
        (Role.REVIEWER, Permission.EXAM_EDIT),
        (Role.SECURITY_OFFICER, Permission.PHOTO_VIEW),
        (Role.SECURITY_OFFICER, Permission.RECORDING_EXPORT),
        (Role.SUPPORT, Permission.CHAT_READ),
        (Role.SUPPORT, Permission.MEDIA_WATCH),
        (Role.SUPPORT, Permission.AUDIT_READ),
        (Role.SUPPORT, Permission.GRANT_GIVE),
    ],
)
def test_what_must_never_be(role: Role, permission: Permission):
    assert not permits(role, permission)


def test_an_auditor_changes_nothing():
    """Read-only: views, besides what is one's own account."""
    verbs = {permission.value for permission in ROLE_PERMISSIONS[Role.AUDITOR]}
    assert {name for name in verbs if not name.startswith("account.")} <= {
        "access.view",
        "api.description",
        "audit.read",
        "biometrics.view",
        "compliance.view",
        "keys.view",
        "retention.view",
    }


def test_a_program_neither_judges_nor_watches():
    assert not API_PERMISSIONS & {
        Permission.CONCLUSION_GIVE,
        Permission.OBSERVATION_DECIDE,
        Permission.MEDIA_WATCH,
        Permission.LIVE_CONNECT,
        Permission.APPROVAL_DECIDE,
    }
    assert all(
        permission.value.split(".")[1] in {"list", "view", "read", "review", "export", "edit", "description"}
        for permission in API_PERMISSIONS
    )


def test_every_role_has_a_row():
    assert set(ROLE_PERMISSIONS) == set(Role)


@pytest.mark.parametrize("role", Role)
def test_no_role_may_do_what_is_a_candidates_own(role: Role):
    assert not ROLE_PERMISSIONS[role] & {
        Permission.SITTING_ATTEND,
        Permission.CHECK_IN_ANSWER,
        Permission.EXAM_ANSWER,
        Permission.MEDIA_PUBLISH,
    }


def test_names_are_noun_dot_verb():
    for permission in Permission:
        noun, _, verb = permission.value.partition(".")
        assert noun.replace("_", "").isalpha()
        assert verb.replace("_", "").isalpha()
    assert Permission.LIVE_CONNECT in CANDIDATE_PERMISSIONS
