"""Which events reach which reader."""

import pytest

from appliance.bus import BusEvent
from appliance.security.identity import Identity, of_user
from appliance.security.permission_map import Permission
from appliance.security.predicates import may
from appliance.vocabulary import Role
from web.realtime.desks import Desk, Desks, look_up
from web.realtime.visibility import topic_of, view_of

CANDIDATE = Identity("candidate", 5, 1, "Ada")


def fact(_kind, **payload):
    return BusEvent(1, "x", _kind, payload, 77)


@pytest.mark.parametrize(
    "kind",
    [
        "observation.opened",
        "observation.closed",
        "observation.decided",
        "incident.added",
        "presence.changed",
        "new.kind",
    ],
)
def test_a_candidate_is_not_told_what_was_seen(kind):
    assert view_of(CANDIDATE, Desks())(fact(kind, observation={"type": "phone"})) is None


def test_a_candidate_is_told_of_warnings_and_the_sitting_but_not_of_verdicts_and_scores():
    view = view_of(CANDIDATE, Desks())
    assert view(fact("incident.warning", incident={"id": 1})).payload == {"incident": {"id": 1}}
    assert view(fact("photo.checked", kind="face", verdict="mismatch", hints=["too_dark"])).payload == {
        "kind": "face",
        "hints": ["too_dark"],
    }
    changed = view(fact("sitting.changed", state="running", score=3, conclusion="rejected", proctor_id=9))
    assert changed.payload == {"state": "running"}
    assert changed.sitting_id == 5


def staff(role, number=3, company=1, limited=False):
    return Identity("user", number, company, "Pia", role, limited=limited)


def desk_of(proctor_id=None, of_exam=(), by_name=()):
    desks = Desks()
    desks.learn(8, Desk(proctor_id, frozenset(of_exam), frozenset(by_name)))
    return desks


SEEN = fact("observation.opened", sitting_id=8, observation={})
STAGE = fact("sitting.changed", sitting_id=8, proctor_id=99, score=5, conclusion="rejected", state="running")


@pytest.mark.parametrize("desks", [desk_of(3), desk_of(None, {3}), desk_of(99, (), {3})])
def test_a_proctor_is_told_all_of_what_is_theirs(desks):
    event = view_of(staff(Role.PROCTOR), desks)(SEEN)
    assert (event.sitting_id, event.payload, event.at_ms) == (8, {"observation": {}}, 77)


def test_an_admin_is_told_all():
    assert view_of(staff(Role.ADMIN), Desks())(SEEN).payload == {"observation": {}}


def test_of_a_colleagues_sitting_of_the_same_exam_a_proctor_is_told_where_it_stands():
    view = view_of(staff(Role.PROCTOR), desk_of(99, {3, 99}))
    assert view(SEEN) is None
    assert view(fact("chat.message", sitting_id=8, message={})) is None
    assert view(STAGE).payload == {"proctor_id": 99, "state": "running"}


@pytest.mark.parametrize("desks", [desk_of(99, {99}), desk_of(None, {99}), desk_of(), Desks()])
def test_of_another_exam_a_proctor_is_told_nothing(desks):
    view = view_of(staff(Role.PROCTOR), desks)
    assert view(SEEN) is view(STAGE) is None
    assert view(fact("disk.state", state="ok")) is not None


def test_an_organiser_hears_stages_of_the_company_and_a_limited_one_of_their_exams():
    assert view_of(staff(Role.ORGANISER), Desks())(STAGE).payload == {"proctor_id": 99, "state": "running"}
    assert view_of(staff(Role.ORGANISER), Desks())(SEEN) is None
    limited = staff(Role.ORGANISER, limited=True)
    assert view_of(limited, desk_of(99))(STAGE) is None
    assert view_of(limited, desk_of(99, {3}))(STAGE) is not None
    assert view_of(limited, desk_of(None, {3}))(SEEN) is None


def test_who_was_assigned_something_is_told_and_nobody_else():
    told = fact("assignments.changed", user_ids=[3])
    assert view_of(staff(Role.PROCTOR), Desks())(told) is not None
    assert view_of(staff(Role.ADMIN, 4), Desks())(told) is None


def test_support_is_told_stages_and_media_only():
    view = view_of(Identity("user", 4, 1, "Sam", Role.SUPPORT), Desks())
    assert view(fact("media.state", sitting_id=8, track="camera")) is not None
    assert view(fact("chat.message", sitting_id=8, message={})) is None
    assert view(fact("observation.opened", sitting_id=8, observation={})) is None


def test_topics():
    assert topic_of(CANDIDATE) == "sitting:5"
    assert topic_of(Identity("user", 3, 2, "Pia", Role.PROCTOR)) == "company:2"


def test_a_claim_is_known_at_once_and_what_was_not_known_is_looked_up():
    desks = desk_of(None, {3, 99})
    view = view_of(staff(Role.PROCTOR), desks)
    assert view(SEEN) is not None
    desks.claimed(8, 99)
    assert view(SEEN) is None
    desks.claimed(9, 3)
    assert desks.unknown([8, 9]) == [9]
    desks.forget()
    assert desks.unknown([8]) == [8]


def test_desks_are_what_the_scopes_say(make, session):
    """The gateway's memory and the database's condition are one rule."""
    users = [make.user(assigned=False) for _ in range(4)]
    exam = make.exam()
    make.assign(users[0], exam=exam)
    waiting = make.sitting(exam=exam)
    claimed = make.sitting(exam=exam, proctor_id=users[1].id)
    make.assign(users[2], sitting=claimed)
    found = dict(look_up(session, [waiting.id, claimed.id, claimed.id + 1]))
    assert set(found) == {waiting.id, claimed.id}
    for user in users:
        for sitting in (waiting, claimed):
            expected = may(of_user(user), Permission.MEDIA_WATCH, sitting)
            assert found[sitting.id].is_for(user.id) is expected


def test_only_so_many_desks_are_remembered(monkeypatch):
    monkeypatch.setattr("web.realtime.desks.KNOWN", 2)
    desks = Desks()
    for number in (1, 2, 3):
        desks.learn(number, Desk(number))
    assert desks.unknown([1, 2, 3, 3]) == [1]
