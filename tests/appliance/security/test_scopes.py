"""What each scope reaches: one condition for lists and for one thing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.db import utcnow
from appliance.models import AccessGrant, ApiClient, Assignment, Exam, Sitting
from appliance.security import identity, predicates, scopes
from appliance.security.permission_map import API_PERMISSIONS, TABLE, Permission
from appliance.vocabulary import GrantedSight, Role, Scope

P = Permission


@pytest.fixture
def reached(session):
    """``reached(who, permission)``: the sittings of a list, each of which can be opened, and no other."""

    def look(who, permission):
        session.flush()
        rows = list(session.scalars(select(Sitting).where(scopes.sittings(who, permission)).order_by(Sitting.id)))
        everything = session.scalars(select(Sitting).order_by(Sitting.id))
        assert [row for row in everything if predicates.may(who, permission, row)] == rows
        return rows

    return look


def grant(make, session, user, sights, sitting=None, hours=1.0, **fields):
    row = AccessGrant(
        company_id=make.first_company().id,
        user_id=user.id,
        sitting_id=sitting and sitting.id,
        ticket="T-1",
        sights=[sight.value for sight in sights],
        granted_by_id=make.user(Role.ADMIN).id,
        expires_at=utcnow() + timedelta(hours=hours),
        **fields,
    )
    session.add(row)
    return row


def test_company(make, reached):
    ours, _ = make.sitting(), make.sitting(exam=make.exam(company=make.company()))
    for role in (Role.ADMIN, Role.ORGANISER, Role.REVIEWER):
        assert reached(identity.of_user(make.user(role)), P.RECORDING_VIEW) == [ours]


def test_a_proctor_has_what_was_assigned_and_nobody_else_claimed(make, reached):
    proctor, colleague = make.user(assigned=False), make.user(assigned=False)
    mine, other = make.exam(), make.exam()
    make.assign(proctor, exam=mine)
    waiting = make.sitting(exam=mine)
    claimed = make.sitting(exam=other, proctor_id=proctor.id)
    by_name = make.sitting(exam=mine, proctor_id=colleague.id)
    make.assign(proctor, sitting=by_name)
    make.sitting(exam=mine, proctor_id=colleague.id)
    make.sitting(exam=other)
    who = identity.of_user(proctor)
    for permission in (P.SITTING_LIST, P.RECORDING_VIEW, P.MEDIA_WATCH, P.SITTING_CLAIM):
        assert reached(who, permission) == [waiting, claimed, by_name]
    assert reached(identity.of_user(make.user(assigned=False)), P.SITTING_LIST) == []


def test_an_account_that_is_limited_to_its_exams(make, reached, session):
    organiser = make.user(Role.ORGANISER, limited=True)
    mine, other = make.exam(), make.exam()
    make.assign(organiser, exam=mine)
    first, named = make.sitting(exam=mine), make.sitting(exam=other)
    make.sitting(exam=other)
    make.assign(organiser, sitting=named)
    who = identity.of_user(organiser)
    assert reached(who, P.SITTING_LIST) == [first, named]
    assert list(session.scalars(select(Exam).where(scopes.exams(who, P.EXAM_EDIT)))) == [mine]
    assert predicates.may(who, P.EXAM_EDIT, mine)
    assert not predicates.may(who, P.EXAM_EDIT, other)


def test_an_assignment_in_another_company_reaches_nothing(make, reached):
    proctor, foreign = make.user(assigned=False), make.exam(company=make.company())
    make.assign(proctor, exam=foreign)
    make.assign(proctor, sitting=make.sitting(exam=foreign))
    assert reached(identity.of_user(proctor), P.SITTING_LIST) == []


def test_support_sees_faces_of_one_sitting_for_a_ticket(make, session, reached):
    support, other = make.user(Role.SUPPORT), make.user(Role.SUPPORT)
    who, sitting = identity.of_user(support), make.sitting()
    make.sitting()
    assert reached(who, P.PHOTO_VIEW) == []
    grant(make, session, support, [GrantedSight.FACES], sitting)
    assert reached(who, P.PHOTO_VIEW) == reached(who, P.SITTING_REVIEW) == [sitting]
    assert reached(who, P.RECORDING_VIEW) == []
    assert reached(identity.of_user(other), P.PHOTO_VIEW) == []
    assert not predicates.may(who, P.PHOTO_VIEW)


def test_a_grant_of_the_company_opens_all_of_it_and_no_other(make, session, reached):
    support = make.user(Role.SUPPORT)
    ours = [make.sitting(), make.sitting()]
    make.sitting(exam=make.exam(company=make.company()))
    grant(make, session, support, [GrantedSight.RECORDINGS])
    assert reached(identity.of_user(support), P.RECORDING_VIEW) == ours


@pytest.mark.parametrize("ended", [{"hours": -0.01}, {"revoked_at": utcnow()}])
def test_a_grant_ends(make, session, reached, ended):
    support, sitting = make.user(Role.SUPPORT), make.sitting()
    grant(make, session, support, list(GrantedSight), sitting, **ended)
    assert reached(identity.of_user(support), P.PHOTO_VIEW) == []


def test_a_grant_gives_no_other_role_anything(make, session, reached):
    officer, sitting = make.user(Role.SECURITY_OFFICER), make.sitting()
    grant(make, session, officer, list(GrantedSight), sitting)
    assert reached(identity.of_user(officer), P.PHOTO_VIEW) == []


def test_an_api_client_has_its_part_of_the_column(make, session, reached):
    exam, other = make.exam(), make.exam()
    sitting, _ = make.sitting(exam=exam), make.sitting(exam=other)
    given = ["sitting.list", "sitting.start", "no.more"]
    client = ApiClient(
        company_id=exam.company_id,
        name="LMS",
        permissions=given,
        limited=True,
        token_hash="x",
        expires_at=utcnow(),
    )
    session.add(client)
    session.flush()
    session.add(Assignment(api_client_id=client.id, exam_id=exam.id))
    who = identity.of_api_client(client, "192.0.2.9")
    assert who.permissions == {P.SITTING_LIST} <= API_PERMISSIONS
    assert reached(who, P.SITTING_LIST) == [sitting]
    assert reached(who, P.SITTING_START) == reached(who, P.RECORDING_VIEW) == []
    assert (who.actor.kind, who.actor.id, who.actor.name) == ("api", str(client.id), "LMS")


def test_a_user_and_an_api_client_of_one_number_are_two(make, session, reached):
    user, exam = make.user(assigned=False), make.exam()
    make.sitting(exam=exam)
    client = ApiClient(
        id=user.id, company_id=exam.company_id, name="x", permissions=[], token_hash="x", expires_at=utcnow()
    )
    session.add(client)
    session.flush()
    session.add(Assignment(api_client_id=client.id, exam_id=exam.id))
    assert reached(identity.of_user(user), P.SITTING_LIST) == []


def test_a_candidate_has_their_own(make, reached):
    mine, _ = make.sitting(), make.sitting()
    assert reached(identity.of_candidate(mine), P.CHAT_READ) == [mine]


def test_every_permission_has_a_row_and_every_cell_a_meaning():
    assert set(TABLE) == set(Permission)
    for permission, cells in TABLE.items():
        account = permission.value.startswith("account.")
        assert set(cells[:-1]) <= {None, Scope.OWN} if account else {None, *Scope} - {Scope.OWN}, permission
        assert cells.candidate in {None, Scope.OWN}, permission
        assert Scope.GRANTED not in {*cells} - {cells.support}, permission


def test_faces_reach_neither_support_nor_officer_nor_auditor_by_role_alone():
    for permission in (P.PHOTO_VIEW, P.RECORDING_VIEW, P.SITTING_REVIEW, P.MEDIA_WATCH, P.ROOM_VIEW, P.CHAT_READ):
        cells = TABLE[permission]
        assert cells.support in {None, Scope.GRANTED}
        assert cells.security_officer is cells.auditor is None
