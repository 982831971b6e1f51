"""The chat."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work
from appliance.errors import BadInput, ImpossibleStep, NotAllowed, TooMany
from appliance.models import AuditEntry, Sitting
from appliance.services import chats
from appliance.vocabulary import ChatAuthor, ChatKind, SittingState
from tests.appliance.services.conftest import by_candidate, events
from tests.factories import Factories

Running = Callable[..., Sitting]
CANDIDATE, PROCTOR = ChatAuthor.CANDIDATE, ChatAuthor.PROCTOR


def test_both_sides_are_told(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running()
    chats.send(session, by_candidate(sitting), sitting, CANDIDATE, "  May I drink?\0 ", client_ref="c1")
    chats.send(session, proctor, sitting, PROCTOR, "Stop writing.", ChatKind.INCIDENT)
    session.commit()
    told = [event.payload["message"] for event in events(session, f"sitting:{sitting.id}", "chat.message")]
    assert [(message["author"], message["kind"], message["name"], message["ref"]) for message in told] == [
        ("candidate", "message", sitting.candidate.name, "c1"),
        ("proctor", "incident", proctor.name, ""),
    ]
    assert told[0]["text"] == "May I drink?\N{REPLACEMENT CHARACTER}"
    assert chats.to_payloads(session, sitting, chats.history(session, sitting.id)) == told


def test_the_log_keeps_that_something_was_said_and_not_what(session: Session, running: Running) -> None:
    sitting = running()
    row = chats.send(session, by_candidate(sitting), sitting, CANDIDATE, "my mother is ill")
    session.commit()
    entry = session.query(AuditEntry).filter_by(action="chat.send").one()
    assert entry.details == {"author": "candidate", "kind": "message", "message_id": row.id, "characters": 16}


def test_a_repeat_is_stored_once(session: Session, session_factory: SessionFactory, running: Running) -> None:
    number = running().id
    ready = threading.Barrier(3)
    ids: list[int] = []

    def send() -> None:
        with unit_of_work(session_factory) as own:
            sitting = own.get_one(Sitting, number)
            ready.wait(10)
            ids.append(chats.send(own, by_candidate(sitting), sitting, CANDIDATE, "hi", client_ref="c1").id)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(ids) == 3 and len(set(ids)) == 1
    assert len(events(session, f"sitting:{number}", "chat.message")) == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_a_message_has_a_length(session: Session, running: Running, text: str) -> None:
    sitting = running()
    with pytest.raises(BadInput):
        chats.send(session, by_candidate(sitting), sitting, CANDIDATE, text)


def test_only_a_proctor_blocks_the_exam(session: Session, running: Running) -> None:
    sitting = running()
    with pytest.raises(NotAllowed):
        chats.send(session, by_candidate(sitting), sitting, CANDIDATE, "stop", ChatKind.INCIDENT)
    with pytest.raises(NotAllowed):
        chats.send(session, by_candidate(sitting), sitting, PROCTOR, "I am the proctor")


def test_a_flood_is_refused(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running()
    for number in range(chats.CANDIDATE_PER_MINUTE):
        chats.send(session, by_candidate(sitting), sitting, CANDIDATE, str(number))
    with pytest.raises(TooMany):
        chats.send(session, by_candidate(sitting), sitting, CANDIDATE, "one more")
    chats.send(session, proctor, sitting, PROCTOR, "calm down")


def test_the_chat_closes_with_the_sitting(session: Session, make: Factories) -> None:
    sitting = make.sitting(SittingState.FINISHED)
    with pytest.raises(ImpossibleStep):
        chats.send(session, by_candidate(sitting), sitting, CANDIDATE, "wait")
