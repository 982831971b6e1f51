"""Where a permission holds."""

import pytest

from appliance.errors import NotAllowed, NotFound
from appliance.security import identity, predicates
from appliance.security.permission_map import Permission
from appliance.vocabulary import Role


@pytest.fixture
def sitting(make):
    return make.sitting()


def of(make, role: Role, **fields) -> identity.Identity:
    return identity.of_user(make.user(role, **fields), "192.0.2.1")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ORGANISER, Role.PROCTOR, Role.REVIEWER])
def test_own_company_yes_other_company_does_not_exist(make, sitting, role):
    stranger = of(make, role, company=make.company())
    assert predicates.may(of(make, role), Permission.RECORDING_VIEW, sitting)
    assert not predicates.may(stranger, Permission.RECORDING_VIEW, sitting)
    with pytest.raises(NotFound):
        predicates.require(stranger, Permission.RECORDING_VIEW, sitting)


def test_proctor_has_what_is_theirs_or_nobodys(make, sitting):
    mine, other = make.user(), make.user()
    for user in (mine, other):
        assert predicates.may(identity.of_user(user), Permission.SITTING_START, sitting)
    sitting.proctor_id = mine.id
    assert predicates.may(identity.of_user(mine), Permission.SITTING_START, sitting)
    with pytest.raises(NotAllowed):
        predicates.require(identity.of_user(other), Permission.SITTING_START, sitting)
    assert predicates.may(of(make, Role.ADMIN), Permission.SITTING_START, sitting)


def test_candidate_has_their_own_sitting_only(make, sitting):
    candidate = identity.of_candidate(sitting)
    assert candidate.sitting_id == sitting.id
    assert predicates.may(candidate, Permission.CHECK_IN_ANSWER, sitting)
    assert not predicates.may(candidate, Permission.CHECK_IN_ANSWER, make.sitting())
    assert not predicates.may(candidate, Permission.RECORDING_VIEW, sitting)


def test_user_with_the_number_of_a_sitting_is_not_its_candidate(make, sitting):
    user = identity.Identity("user", sitting.id, sitting.company_id, "x", Role.PROCTOR)
    assert user.sitting_id is None
    assert not predicates.may(user, Permission.CHECK_IN_ANSWER, sitting)


def test_permission_comes_first(make, sitting):
    with pytest.raises(NotAllowed) as caught:
        predicates.require(of(make, Role.SUPPORT), Permission.PHOTO_VIEW, sitting)
    assert caught.value.details == {"permission": "photo.view"}
    predicates.require(of(make, Role.AUDITOR), Permission.AUDIT_READ)


def test_actor_of_an_identity(make, sitting):
    user = make.user(Role.REVIEWER)
    actor = identity.of_user(user, "192.0.2.1").actor
    assert (actor.kind, actor.id, actor.name, actor.address) == ("user", str(user.id), user.name, "192.0.2.1")
    assert (actor.company_id, actor.role) == (user.company_id, "reviewer")
    actor = identity.of_candidate(sitting).actor
    assert (actor.kind, actor.id, actor.name, actor.role) == (
        "candidate",
        str(sitting.id),
        f"candidate of sitting {sitting.id}",
        None,
    )
