"""The table, read as people would say it."""

import pytest

from appliance.security.permission_map import CANDIDATE_PERMISSIONS, ROLE_PERMISSIONS, Permission, permits
from appliance.vocabulary import Role

EXPECTED = """
                          admin organiser proctor reviewer security_officer support auditor candidate
room.view                 yes   -         yes     -        -                -       -       -
sitting.list              yes   yes       yes     yes      yes              yes     -       -
sitting.view              yes   yes       yes     yes      yes              yes     -       -
sitting.review            yes   yes       yes     yes      -                yes       -       -
sitting.claim             yes   -         yes     -        -                -       -       -
sitting.start             yes   -         yes     -        -                -       -       -
sitting.pause             yes   -         yes     -        -                -       -       -
sitting.finish            yes   -         yes     -        -                -       -       -
sitting.refuse_identity   yes   -         yes     -        -                -       -       -
photo.request             yes   -         yes     -        -                -       -       -
photo.view                yes   yes       yes     yes      -                yes       -       -
warning.send              yes   -         yes     -        -                -       -       -
incident.mark             yes   yes       yes     yes      -                -       -       -
observation.decide        yes   yes       yes     yes      -                -       -       -
chat.read                 yes   yes       yes     yes      -                -       -       yes
chat.write                yes   -         yes     -        -                -       -       yes
media.watch               yes   -         yes     -        -                -       -       -
recording.view            yes   yes       yes     yes      -                yes       -       -
recording.export        yes   yes       -       yes      -                -       -       -
conclusion.give           yes   yes       yes     yes      -                -       -       -
audit.read                yes   -         -       -        yes              -       yes     -
exam.list                 yes   yes       yes     yes      -                -       -       -
exam.edit                 yes   yes       -       -        -                -       -       -
staff.edit                yes   -         -       -        -                -       -       -
staff.list                yes   -         -       -        yes              -       -       -
support.view              yes   -         -       -        -                yes     -       -
support.check             yes   -         -       -        -                yes     -       -
node.view                 yes   -         -       -        -                yes     -       -
node.drain                yes   -         -       -        -                yes     -       -
biometrics.view           yes   -         -       -        yes              -       yes     -
biometrics.revoke         yes   -         -       -        yes              -       -       -
retention.view            yes   yes       -       -        yes              -       yes     -
retention.edit            yes   -         -       -        yes              -       -       -
hold.place                yes   -         -       -        yes              -       -       -
hold.release              yes   -         -       -        yes              -       -       -
person.export             yes   -         -       -        yes              -       -       -
person.erase              yes   -         -       -        yes              -       -       -
attention.switch          yes   -         -       -        -                -       -       -
live.connect              yes   yes       yes     yes      -                yes     -       yes
conversation.hold         yes   -         yes     -        -                -       -       -
conversation.join         yes   yes       yes     yes      -                -       -       yes
network.edit              yes   -         -       -        -                -       -       -
sitting.attend            -     -         -       -        -                -       -       yes
check_in.answer           -     -         -       -        -                -       -       yes
exam.answer               -     -         -       -        -                -       -       yes
media.publish             -     -         -       -        -                -       -       yes
recording.hand_in         -     -         -       -        -                -       -       yes
access.view               yes   yes       yes     yes      yes              yes     yes     -
assignment.edit           yes   yes       -       -        -                -       -       -
grant.give                yes   -         -       -        yes              -       -       -
api_client.edit           yes   -         -       -        -                -       -       -
approval.decide           yes   yes       -       -        yes              -       -       -
four_eyes.edit            yes   -         -       -        yes              -       -       -
account.own               yes   yes       yes     yes      yes              yes     yes     -
account.secure            yes   yes       yes     yes      yes              yes     yes     -
account.prove             yes   yes       yes     yes      yes              yes     yes     -
notice.answer             yes   -         -       -        yes              -       -       -
api.description           yes   yes       yes     yes      yes              yes     yes     -
compliance.view           yes   -         -       -        yes              -       yes     -
profile.edit              yes   -         -       -        yes              -       -       -
"""

_lines = [line.split() for line in EXPECTED.strip().splitlines()]
_columns = _lines[0]
CELLS = [
    (None if column == "candidate" else Role(column), Permission(line[0]), cell == "yes")
    for line in _lines[1:]
    for column, cell in zip(_columns, line[1:], strict=True)
]


def test_every_cell_of_the_table():
    assert len(CELLS) == len(Permission) * (len(Role) + 1)
    for role, permission, expected in CELLS:
        assert permits(role, permission) is expected, (role, permission)


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
