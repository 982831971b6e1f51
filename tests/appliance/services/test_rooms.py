"""The live room's entries."""

from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import ChatMessage, LiveMedia, User
from appliance.security.identity import of_user
from appliance.services import check_ins, incidents, recordings, rooms, sittings
from appliance.vocabulary import ChatAuthor, FinishedBy, GapCause, Role, SittingState, Track
from appliance.vocabulary import ObservationType as T
from tests.appliance.services.conftest import CHECKS, by_candidate
from tests.appliance.services.test_reviews import count_queries
from tests.factories import Factories


def say(session: Session, sitting_id: int, authors: str) -> None:
    """c: the candidate writes, p: the proctor, s: the system."""
    words = {"c": ChatAuthor.CANDIDATE, "p": ChatAuthor.PROCTOR, "s": ChatAuthor.SYSTEM}
    session.add_all(ChatMessage(sitting_id=sitting_id, author=words[letter], text=letter) for letter in authors)
    session.commit()


def test_only_who_is_present(session: Session, make: Factories, running, proctor: Actor) -> None:
    present, over = running(), running()
    sittings.finish(session, proctor, over, FinishedBy.PROCTOR)
    make.sitting(SittingState.CREATED)
    make.sitting(SittingState.RUNNING, exam=make.exam(company=make.company()))
    assert [entry["id"] for entry in rooms.entries(session, make.who())] == [present.id]
    asked = rooms.entries(session, make.who(), [over.id, present.id + 999])
    assert [entry["id"] for entry in asked] == [over.id]


def test_a_proctor_is_shown_what_is_theirs_or_nobodys(session: Session, make: Factories) -> None:
    """A colleague's candidate, words and findings are not told, not even to a proctor of the same exam."""
    proctor, colleague, stranger = make.user(), make.user(), make.user(assigned=False)
    waiting, mine, theirs = (make.sitting(SittingState.WAITING) for _ in range(3))
    mine.proctor_id, theirs.proctor_id = proctor.id, colleague.id
    session.flush()

    def shown(user: User) -> list[int]:
        return [entry["id"] for entry in rooms.entries(session, of_user(user))]

    assert shown(proctor) == [waiting.id, mine.id]
    assert shown(colleague) == [waiting.id, theirs.id]
    assert shown(stranger) == []
    assert len(shown(make.user(Role.ADMIN))) == 3
    assert rooms.entries(session, of_user(proctor), [theirs.id]) == []


def test_an_entry(session: Session, make: Factories, running, proctor: Actor, seen) -> None:
    sitting = running()
    sitting.exam.rules = {"allow_voices": True, "custom_rules": "Be kind."}
    for index in range(25):
        seen(sitting, T.AVERT_EYES, after=index)
    say(session, sitting.id, "cpccsc")
    live = LiveMedia(sitting_id=sitting.id, track=Track.CAMERA, node_url="ws://n", session_id="s", pipeline_id="p")
    live.endpoint_id = "e"
    session.add(live)
    recordings.open_gap(session, sitting.id, Track.SCREEN, GapCause.SHARE_STOPPED)
    session.commit()
    (entry,) = rooms.entries(session, make.who())
    assert entry["custom_rules"] == "Be kind." and entry["rules"]["allow_voices"]
    assert len(entry["observations"]) == 20
    assert [row["id"] for row in entry["observations"]] == sorted(row["id"] for row in entry["observations"])
    assert entry["observations"][-1]["start_ms"] - entry["started_ms"] == 24
    assert [row["text"] for row in entry["messages"]] == list("cpccsc") and entry["unread"] == 3
    assert entry["tracks"] == {"camera": "live", "screen": "lost"}
    assert entry["proctor"]["name"] == proctor.name and entry["cheater_suggested"] is False


def test_cheater_is_offered_after_three_spaced_warnings(
    session: Session, make: Factories, running, proctor: Actor
) -> None:
    sitting = running()
    for minutes in (6, 3, 0):
        incidents.warn(session, proctor, sitting, T.PHONE).sent_at = utcnow() - timedelta(minutes=minutes)
    (entry,) = rooms.entries(session, make.who())
    assert entry["cheater_suggested"] is True and len(entry["warnings"]) == 3
    incidents.withdraw(session, proctor, incidents.warnings(session, sitting.id)[0])
    (entry,) = rooms.entries(session, make.who())
    assert entry["cheater_suggested"] is False


def test_sixty_sittings_take_as_many_queries_as_one(
    session: Session, engine: Engine, running, proctor: Actor, make: Factories, seen
) -> None:
    def fill(count: int) -> None:
        for _ in range(count):
            sitting = make.sitting(SittingState.RUNNING, started_at=utcnow(), proctor_id=make.user().id)
            say(session, sitting.id, "cp")
            seen(sitting)

    def look() -> None:
        session.expire_all()
        rooms.entries(session, who)

    who = make.who()
    fill(1)
    few = count_queries(engine, look)
    fill(61)
    assert count_queries(engine, look) == few <= 12
    assert len(rooms.entries(session, who)) == rooms.MAX_SITTINGS


def test_online_is_who_was_heard_of(session: Session, make: Factories, running) -> None:
    sitting = running()
    for seconds, online in ((5, True), (40, False)):
        sitting.last_seen_at = utcnow() - timedelta(seconds=seconds)
        assert rooms.entries(session, make.who())[0]["online"] is online


def test_support_sees_the_stage_and_no_face(session: Session, make: Factories, checked_in, seen) -> None:
    sitting = checked_in()
    bad = {**CHECKS, "camera": {"state": "failed"}}
    check_ins.record_system_check(session, by_candidate(sitting), sitting, bad, {"browser": "B 1"})
    seen(sitting)
    (entry,) = rooms.support_entries(session, make.who(Role.SUPPORT))
    assert (entry["state"], entry["step"]) == ("check_in", "system_check")
    assert entry["system_check"]["results"]["camera"] == {"state": "failed"}
    assert not {"photos", "messages", "observations", "warnings"} & set(entry)
