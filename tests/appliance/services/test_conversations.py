"""Who is asked into a conversation, who may speak, what each is told, and when it is over."""

import pytest
from sqlalchemy import text

from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import LiveEvent
from appliance.services import conversations as talks
from appliance.vocabulary import ConversationKind as Kind
from appliance.vocabulary import Role, SeatState, SittingState


@pytest.fixture
def host(make):
    return make.user(Role.PROCTOR)


@pytest.fixture
def running(make):
    return lambda: make.sitting(SittingState.RUNNING)


def candidate_actor(sitting):
    from appliance.security.identity import of_candidate  # noqa: PLC0415 - used by this helper only

    return of_candidate(sitting, "192.0.2.7").actor


def test_a_call_is_told_to_both_and_ends_when_the_candidate_leaves(session, make, host, running):
    sitting = running()
    session.flush()
    row = talks.open_conversation(session, make.actor(host), Kind.CALL, [], [sitting])
    seat = talks.seat_of(row, sitting_id=sitting.id)
    assert (seat.state, talks.may_send(row, seat)) == (SeatState.INVITED, False)
    talks.join(session, candidate_actor(sitting), seat)
    assert [seat["state"] for seat in talks.payload(row)["seats"]] == ["joined", "joined"]
    talks.leave(session, candidate_actor(sitting), seat)
    assert (row.ended_at is not None, row.end_reason) == (True, "nobody_left")
    session.commit()
    topics = {(event.topic, event.kind) for event in session.query(LiveEvent)}
    assert (f"sitting:{sitting.id}", talks.CHANGED) in topics
    assert (f"company:{sitting.company_id}", talks.CHANGED) in topics
    acts = session.execute(text("SELECT action FROM audit_entry ORDER BY id")).scalars().all()
    assert acts == ["conversation.open", "conversation.join", "conversation.leave", "conversation.end"]


def test_in_a_broadcast_no_candidate_learns_of_another(session, make, host, running):
    sittings = [running() for _ in range(3)]
    session.flush()
    row = talks.open_conversation(session, make.actor(host), Kind.BROADCAST, [], sittings)
    told = talks.payload(row, sittings[0].id)
    assert [(seat["user_id"], seat["sitting_id"]) for seat in told["seats"]] == [
        (host.id, None),
        (None, sittings[0].id),
    ]
    assert len(talks.payload(row)["seats"]) == 4


def test_in_a_conference_everybody_sends(session, make, host, running):
    colleagues, sitting = [make.user(Role.REVIEWER), make.user(Role.PROCTOR)], running()
    session.flush()
    row = talks.open_conversation(session, make.actor(host), Kind.CONFERENCE, colleagues, [sitting], "Defence")
    assert all(talks.may_send(row, seat) for seat in row.seats)
    assert len(talks.payload(row, sitting.id)["seats"]) == 4
    for one in colleagues:
        talks.decline(session, make.actor(one), talks.seat_of(row, user_id=one.id))
    assert row.ended_at is None
    talks.leave(session, make.actor(host), talks.seat_of(row, user_id=host.id))
    assert row.end_reason == "host_left"
    with pytest.raises(ImpossibleStep, match="over"):
        talks.join(session, candidate_actor(sitting), talks.seat_of(row, sitting_id=sitting.id))


@pytest.mark.parametrize(
    ("kind", "users", "sittings"), [(Kind.CALL, 0, 2), (Kind.BROADCAST, 1, 1), (Kind.CONFERENCE, 8, 0)]
)
def test_too_few_or_too_many_people(session, make, host, running, kind, users, sittings):
    people, found = [make.user(Role.PROCTOR) for _ in range(users)], [running() for _ in range(sittings)]
    session.flush()
    with pytest.raises(BadInput):
        talks.open_conversation(session, make.actor(host), kind, people, found)


def test_nobody_is_in_two_at_once(session, make, host, running):
    sitting, other = running(), running()
    session.flush()
    talks.open_conversation(session, make.actor(host), Kind.CALL, [], [sitting])
    with pytest.raises(ImpossibleStep, match="another conversation"):
        talks.open_conversation(session, make.actor(host), Kind.CALL, [], [other])
    with pytest.raises(ImpossibleStep, match="candidate is in another"):
        talks.open_conversation(session, make.actor(make.user(Role.PROCTOR)), Kind.CALL, [], [sitting])


def test_who_was_not_asked_and_who_is_gone(session, make, host, running):
    sitting, over = running(), make.sitting(SittingState.FINISHED)
    session.flush()
    row = talks.open_conversation(session, make.actor(host), Kind.CALL, [], [sitting])
    with pytest.raises(NotFound):
        talks.seat_of(row, user_id=make.user(Role.PROCTOR).id)
    with pytest.raises(ImpossibleStep, match="while the sitting goes on"):
        talks.open_conversation(session, make.actor(make.user(Role.PROCTOR)), Kind.CALL, [], [over])
    talks.leave_sitting(session, candidate_actor(sitting), sitting.id)
    assert row.ended_at is not None


def test_where_it_lives_and_who_sends(session, make, host, running):
    sitting = running()
    session.flush()
    row = talks.open_conversation(session, make.actor(host), Kind.CALL, [], [sitting])
    seat = talks.seat_of(row, user_id=host.id)
    assert talks.lives_in(session, row.id, "ws://a/kurento", "p1") == ("ws://a/kurento", "p1")
    assert talks.lives_in(session, row.id, "ws://b/kurento", "p2") == ("ws://a/kurento", "p1")  # the first one counts
    talks.sends(session, row.id, seat.id, "p1/e1")
    assert talks.payload(row, sitting.id)["seats"][0]["sends"]
    talks.stopped_sending(session, row.id, seat.id, "p1/older")
    assert seat.endpoint_id == "p1/e1"
    talks.pipeline_gone(session, row.id, "p1")
    assert (row.pipeline_id, seat.endpoint_id) == ("", "")
