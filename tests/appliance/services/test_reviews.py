"""Timeline, score and archive."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import to_ms
from appliance.errors import ImpossibleStep
from appliance.models import Score, Sitting
from appliance.services import check_ins, exams, incidents, recordings, reviews, sittings
from appliance.vault import Vault
from appliance.vocabulary import Conclusion, Decision, ExamMode, FinishedBy, GapCause, PhotoKind, Track
from appliance.vocabulary import ObservationType as T
from appliance.vocabulary import SittingState as S
from tests.appliance.services.conftest import BOX, by_candidate, picture
from tests.factories import Factories

MINUTE = 60_000


@pytest.fixture
def finished(session: Session, checked_in, vault: Vault, proctor: Actor, seen) -> Sitting:
    """A sitting of four minutes with something of everything, up for review."""
    sitting = checked_in("face")
    content = picture()
    check_ins.submit_photo(session, by_candidate(sitting), vault, sitting, PhotoKind.FACE, content)
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    sittings.start(session, proctor, sitting)
    sitting.started_at -= timedelta(minutes=4)
    end = sitting.started_at + timedelta(minutes=4)
    part = recordings.open_part(session, sitting.id, Track.CAMERA, lambda _: "x.webm", "ws://n", sitting.started_at)
    recordings.close_part(session, part.id, end)
    recordings.open_gap(session, sitting.id, Track.SCREEN, GapCause.SHARE_STOPPED, sitting.started_at)
    recordings.close_gap(session, sitting.id, Track.SCREEN, end)
    seen(sitting, T.NO_USER_IN_FRAME, after=0, length=24_000)
    seen(sitting, T.MIC_MUTED, after=0, length=None)
    dismissed = seen(sitting, T.PHONE, after=MINUTE, length=MINUTE)
    incidents.decide(session, proctor, dismissed, Decision.DISMISSED)
    incidents.warn(session, proctor, sitting, T.BOOKS, "away with it")
    sittings.finish(session, proctor, sitting, FinishedBy.PROCTOR, "end", at=end)
    sealed = vault.seal(session, f"sitting:{sitting.id}", "part", b"webm")
    recordings.mark_sealed(session, BOX, part.id, sealed, 240_000)
    sittings.offer_for_review(session, BOX, sitting)
    sittings.conclude(session, proctor, sitting, Conclusion.ACCEPTED, "fine")
    session.commit()
    return sitting


def test_the_timeline_has_everything(session: Session, finished: Sitting, proctor: Actor) -> None:
    found = reviews.timeline(session, finished)
    start, end = to_ms(finished.started_at), to_ms(finished.finished_at)
    assert (found["start_ms"], found["end_ms"]) == (start, end) and end - start == 4 * MINUTE
    (part,) = found["parts"]
    assert part["url"] == f"/api/v1/parts/{part['id']}/media" and part["size_bytes"] == 4
    (gap,) = found["gaps"]
    assert (gap["track"], gap["cause"], gap["end_ms"]) == ("screen", "share_stopped", end)
    decisions = [(row["type"], row["decision"], row["technical"]) for row in found["observations"]]
    assert decisions == [
        ("no_user_in_frame", "pending", False),
        ("mic_muted", "pending", True),
        ("phone", "dismissed", False),
    ]
    assert [row["decided_by"] for row in found["observations"]] == [None, None, proctor.name]
    (incident,) = found["incidents"]
    assert (incident["type"], incident["created_by"]) == ("books", proctor.name) and incident["sent_ms"]
    assert found["metrics"]["c2"] == [40, 0, 0, 0] and found["metrics"]["m1"] == [100] * 4
    assert found["metrics"]["d2"] == [0] * 4
    assert found["score"]["value"] == found["sitting"]["score"] == 80
    assert found["score"]["explanation"] == [
        {"metric": "c2a", "label_key": "absent_user", "mean": 10.0, "weight": 2.0, "points": 20.0}
    ]
    assert [row["kind"] for row in found["photos"]] == ["face"]
    assert found["consent"]["accepted"] and found["system_check"]["passed"]
    assert found["conclusion"] == {
        "conclusion": "accepted",
        "comment": "fine",
        "by": proctor.name,
        "at_ms": to_ms(finished.concluded_at),
    }
    assert found["sitting"]["proctor"] == {"id": int(proctor.id), "name": proctor.name}


def test_a_sitting_of_which_there_is_nothing(session: Session, make: Factories) -> None:
    found = reviews.timeline(session, make.sitting())
    assert found["parts"] == found["observations"] == [] and found["metrics"] == {}
    assert found["score"] is found["conclusion"] is found["consent"] is None


def count_queries(engine: Engine, act: Callable[[], object]) -> int:
    statements: list[str] = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(statements)


def test_more_rows_are_not_more_queries(session: Session, engine: Engine, finished: Sitting, seen) -> None:
    def look() -> None:
        session.expire_all()
        reviews.timeline(session, session.get_one(Sitting, finished.id))

    few = count_queries(engine, look)
    for index in range(20):
        seen(finished, T.AVERT_EYES, after=index * 1000)
    assert count_queries(engine, look) == few <= 20


def test_scores_are_kept(session: Session, finished: Sitting, proctor: Actor) -> None:
    exams.set_weights(session, proctor, finished.exam, {"absent_user": 5})
    session.commit()
    assert finished.score == 50 and reviews.timeline(session, finished)["score"]["value"] == 50
    assert [row.value for row in session.scalars(select(Score).order_by(Score.id))] == [80, 50]


def test_what_the_rules_allow_costs_nothing(session: Session, finished: Sitting, proctor: Actor) -> None:
    finished.exam.rules = {"allow_absence_in_frame": True}
    assert reviews.rescore(session, proctor, finished).value == 100


def test_a_pause_does_not_score(session: Session, finished: Sitting, proctor: Actor, seen) -> None:
    start = to_ms(finished.started_at)
    pauses = {"pauses": [[start + MINUTE, start + 2 * MINUTE]]}
    seen(finished, T.EXTRA_USER_IN_FRAME, after=MINUTE, length=MINUTE, details=pauses)
    assert reviews.rescore(session, proctor, finished).value == 80


def test_no_score_without_a_start(session: Session, make: Factories) -> None:
    with pytest.raises(ImpossibleStep):
        reviews.rescore(session, BOX, make.sitting(S.WAITING))


def test_the_archive_finds_and_pages(session: Session, make: Factories, monkeypatch) -> None:
    who = make.who()
    ada = make.sitting(S.IN_REVIEW, candidate=make.candidate(first_name="Ada", last_name="King", email="ada@x.org"))
    make.sitting(S.RUNNING, exam=make.exam(ExamMode.AUTO, name="100% Algebra"))
    stranger = make.exam(company=make.company())
    make.sitting(S.IN_REVIEW, exam=stranger)

    def found(**query) -> list[int]:
        page = reviews.archive(session, who, **query)
        assert page.total == len(page.sittings)
        return [row["id"] for row in page.sittings]

    assert found() == [ada.id + 1, ada.id]
    assert found(states=[S.IN_REVIEW]) == [ada.id]
    for text in ("ada king", " ADA@X ", ada.external_id):
        assert found(text=text) == [ada.id]
    assert found(text="100%") == [ada.id + 1]
    assert found(text="%") == [ada.id + 1] and found(text="a_a") == [] and found(text="\0") == []
    monkeypatch.setattr(reviews, "PAGE_SIZE", 1)
    second = reviews.archive(session, who, page=2)
    assert ([row["id"] for row in second.sittings], second.total) == ([ada.id], 2)
