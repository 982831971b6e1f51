"""Who works on which exam."""

import pytest
from sqlalchemy.orm import Session

from appliance import bus
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, NotFound
from appliance.models import Assignment, AuditEntry, Exam
from appliance.security.identity import of_user
from appliance.security.permission_map import Permission
from appliance.security.predicates import may
from appliance.services import assignments, exams
from appliance.vocabulary import Role
from tests.appliance.services.conftest import BOX, events
from tests.factories import Factories


@pytest.fixture
def organiser(make: Factories) -> Actor:
    return make.actor(make.user(Role.ORGANISER))


def entries(session: Session, action: str) -> list[dict]:
    return [row.details for row in session.query(AuditEntry).filter_by(action=action).order_by(AuditEntry.id)]


def test_exactly_these_work_on_the_exam(session: Session, make: Factories, organiser: Actor) -> None:
    exam = make.exam()
    first, second = (make.user(assigned=False) for _ in range(2))
    assignments.set_exam(session, organiser, exam, [first.id, second.id])
    session.commit()
    assignments.set_exam(session, organiser, exam, [second.id])
    assignments.set_exam(session, organiser, exam, [second.id])
    session.commit()
    exam_ids = {row["id"]: row["exam_ids"] for row in assignments.people(session, exam.company_id)}
    assert (exam_ids[first.id], exam_ids[second.id]) == ([], [exam.id])
    assert entries(session, "exam.assign") == [
        {"added": [first.id, second.id], "removed": []},
        {"added": [], "removed": [first.id]},
    ]
    told = events(session, bus.company_topic(exam.company_id), assignments.CHANGED)
    assert [event.payload["user_ids"] for event in told] == [[first.id, second.id], [first.id]]


def test_who_cannot_be_assigned(session: Session, make: Factories, organiser: Actor) -> None:
    exam = make.exam()
    with pytest.raises(NotFound):
        assignments.set_exam(session, organiser, exam, [make.user(company=make.company()).id])
    with pytest.raises(BadInput):
        assignments.set_exam(session, organiser, exam, [make.user(Role.SUPPORT).id])
    make.user(disabled_at=utcnow())
    assert {row["role"] for row in assignments.people(session, exam.company_id)} == {"organiser"}


def test_a_sitting_by_name(session: Session, make: Factories, organiser: Actor) -> None:
    sitting, proctor = make.sitting(), make.user(assigned=False)
    assignments.set_sitting(session, organiser, sitting, [proctor.id])
    session.commit()
    assert assignments.of_sitting(session, sitting.id) == [proctor.id]
    assert may(of_user(proctor), Permission.SITTING_REVIEW, sitting)
    assignments.set_sitting(session, organiser, sitting, [])
    session.commit()
    assert not may(of_user(proctor), Permission.SITTING_REVIEW, sitting)
    assert len(entries(session, "sitting.assign")) == 2


def test_a_reviewer_is_limited_to_their_exams(session: Session, make: Factories, organiser: Actor) -> None:
    reviewer, exam = make.user(Role.REVIEWER), make.exam()
    assignments.set_limited(session, organiser, reviewer, True)
    assignments.set_limited(session, organiser, reviewer, True)
    session.commit()
    assert exams.listing(session, of_user(reviewer)) == []
    assignments.set_exam(session, organiser, exam, [reviewer.id])
    assert [row["id"] for row in exams.listing(session, of_user(reviewer))] == [exam.id]
    assert entries(session, "user.limit") == [{"limited": True}]
    for role in (Role.PROCTOR, Role.ADMIN):
        with pytest.raises(BadInput):
            assignments.set_limited(session, organiser, make.user(role), False)


@pytest.mark.parametrize("wanted", [True, False])
def test_an_exam_that_an_lms_brings(session: Session, make: Factories, organiser: Actor, wanted: bool) -> None:
    proctor = make.user(assigned=False)
    make.user(assigned=False, disabled_at=utcnow())
    make.user(assigned=False, company=make.company())
    company = make.first_company()
    assignments.set_new_exams(session, organiser, company.id, wanted)
    exam: Exam = make.exam()
    assignments.give_new_exam(session, BOX, exam)
    session.commit()
    assigned = [row.user_id for row in session.query(Assignment).filter_by(exam_id=exam.id)]
    assert assigned == ([proctor.id] if wanted else [])
    assert entries(session, "company.set_new_exams") == [{"to_proctors": wanted}]
