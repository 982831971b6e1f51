"""Exams, their weights, and answers."""

import pytest
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.services import exams, sittings
from tests.appliance.services.conftest import actions, by_candidate
from tests.factories import Factories

QUESTIONS = [{"text": "1 + 1?", "options": ["1", "2"]}, {"text": "Why?"}]


def test_the_list_counts_sittings(session: Session, make: Factories) -> None:
    busy, idle = make.exam(), make.exam(questions=QUESTIONS)
    make.sitting(exam=busy)
    make.sitting(exam=busy)
    make.exam(company=make.company())
    rows = exams.listing(session, make.who())
    assert [(row["id"], row["sittings"], row["questions"]) for row in rows] == [(idle.id, 0, 2), (busy.id, 2, 0)]
    with pytest.raises(NotFound):
        exams.get(session, busy.id, make.company().id)


def test_wrong_weights_change_nothing(session: Session, make: Factories, proctor: Actor) -> None:
    exam = make.exam(weights={"phone": 2})
    with pytest.raises(BadInput):
        exams.set_weights(session, proctor, exam, {"phone": 3, "nose": 1})
    assert exam.weights == {"phone": 2}


def test_answers_are_kept_while_the_exam_runs(session: Session, make: Factories, running, proctor: Actor) -> None:
    sitting = running(exam=make.exam(questions=QUESTIONS))
    candidate = by_candidate(sitting)
    exams.answer(session, candidate, sitting, 0, "1")
    exams.answer(session, candidate, sitting, 0, "2")
    exams.answer(session, candidate, sitting, 1, "be\0cause")
    session.commit()
    assert sitting.answers == {"0": "2", "1": "be\N{REPLACEMENT CHARACTER}cause"}
    assert actions(session).count("answer.give") == 3
    for index, value in ((2, "x"), (-1, "x"), (1, "x" * 20_001)):
        with pytest.raises(BadInput):
            exams.answer(session, candidate, sitting, index, value)
    sittings.pause(session, proctor, sitting)
    with pytest.raises(ImpossibleStep):
        exams.answer(session, candidate, sitting, 0, "1")
