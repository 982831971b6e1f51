"""Which events reach which reader."""

import pytest

from appliance.bus import BusEvent
from appliance.security.identity import Identity
from appliance.vocabulary import Role
from web.realtime.desks import Desks
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


def test_a_proctor_is_told_all_with_the_sitting_it_is_of():
    event = view_of(Identity("user", 3, 1, "Pia", Role.PROCTOR), Desks())(
        fact("observation.opened", sitting_id=8, observation={})
    )
    assert (event.sitting_id, event.payload, event.at_ms) == (8, {"observation": {}}, 77)


def test_support_is_told_stages_and_media_only():
    view = view_of(Identity("user", 4, 1, "Sam", Role.SUPPORT), Desks())
    assert view(fact("media.state", sitting_id=8, track="camera")) is not None
    assert view(fact("chat.message", sitting_id=8, message={})) is None
    assert view(fact("observation.opened", sitting_id=8, observation={})) is None


def test_topics():
    assert topic_of(CANDIDATE) == "sitting:5"
    assert topic_of(Identity("user", 3, 2, "Pia", Role.PROCTOR)) == "company:2"


def test_a_proctor_hears_of_a_colleagues_sitting_only_where_it_stands():
    desks = Desks()
    desks.learn(8, 99)
    view = view_of(Identity("user", 3, 1, "Pia", Role.PROCTOR), desks)
    assert view(fact("chat.message", sitting_id=8, message={})) is None
    assert view(fact("sitting.changed", sitting_id=8, proctor_id=99)) is not None
    desks.learn(8, 3)
    assert view(fact("chat.message", sitting_id=8, message={})) is not None


def test_only_so_many_desks_are_remembered(monkeypatch):
    monkeypatch.setattr("web.realtime.desks.KNOWN", 2)
    desks = Desks()
    for number in (1, 2, 3):
        desks.learn(number, number)
    assert desks.unknown([1, 2, 3, 3]) == [1]
