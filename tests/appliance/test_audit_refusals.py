"""Refused requests are folded by asker and minute, changed settings are told by name, jobs do both."""

from datetime import UTC, datetime, timedelta

from appliance.audit import Actor, refusals, settings_changes
from appliance.jobs import audit_upkeep
from appliance.models import AuditEntry, AuditRefusal
from appliance.settings import load_settings

NOW = datetime(2026, 5, 5, 12, 30, 10, tzinfo=UTC)
ANNA = Actor("user", "7", "Anna", "192.0.2.7", 3, "proctor")


def told(session, action):
    session.expire_all()
    return [(row.actor_id, row.details) for row in session.query(AuditEntry).filter_by(action=action).order_by("id")]


def test_a_flood_makes_two_entries(session):
    for number in range(500):
        refusals.note(session, ANNA, f"GET /api/v1/{number % 30}", "not_allowed", NOW)
    session.commit()
    assert told(session, "access.refuse") == [("7", {"reason": "not_allowed"})]
    assert session.query(AuditRefusal).count() == 1
    assert refusals.fold(session, NOW) == 0  # the minute is not over
    assert refusals.fold(session, NOW + timedelta(minutes=1)) == 1
    session.commit()
    _, folded = told(session, "access.refuse")
    assert folded[1]["more"] == 499
    assert 1 < len(folded[1]["what"]) <= refusals.MAX_KINDS
    assert session.query(AuditRefusal).count() == 0


def test_one_refusal_is_one_entry(session):
    refusals.note(session, ANNA, "GET /x", "not_allowed", NOW)
    session.commit()
    assert refusals.fold(session, NOW + timedelta(minutes=1)) == 0
    session.commit()
    assert len(told(session, "access.refuse")) == 1


def test_a_flood_of_askers_is_one(session, monkeypatch):
    monkeypatch.setattr(refusals, "MAX_ASKERS", 5)
    for number in range(50):
        refusals.note(session, Actor("api", str(number), "", f"10.0.0.{number}"), "GET /x", "not_allowed", NOW)
    session.commit()
    assert session.query(AuditRefusal).count() == 6
    assert len(told(session, "access.refuse")) == 6
    refusals.fold(session, NOW + timedelta(minutes=1))
    session.commit()
    assert ("many", 44) in [(actor, details.get("more")) for actor, details in told(session, "access.refuse")]


def test_changed_settings_are_named_and_never_shown(session, tmp_path):
    own = {"data_dir": tmp_path, "secret_key": "a secret of the tests, long enough", "turn_secret": "abc"}
    settings = load_settings({}, **own)
    settings_changes.note(session, settings, "web")
    session.commit()
    assert settings_changes.note(session, settings, "web") == []
    changed = load_settings({}, **{**own, "turn_secret": "another", "idle_minutes": 5})
    assert settings_changes.note(session, changed, "web") == ["idle_minutes", "turn_secret"]
    session.commit()
    ((_, details),) = told(session, "settings.change")
    assert details == {"settings": ["idle_minutes", "turn_secret"]}
    newer = load_settings({}, **{**own, "secret_key": "another secret of the tests, long enough"})
    assert settings_changes.note(session, newer, "web") == ["secret_key"]
    session.commit()
    kept = str([row.details for row in session.query(AuditEntry)])
    assert "another" not in kept


class Context:
    def __init__(self, collaborators):
        self.additional_context = {"collaborators": collaborators}


def test_the_minutes_job_signs_and_folds(session, collaborators):
    refusals.note(session, ANNA, "GET /x", "not_allowed", NOW)
    refusals.note(session, ANNA, "GET /x", "not_allowed", NOW)
    session.commit()
    for _ in range(2):
        audit_upkeep.checkpoint(Context(collaborators), 0)
    assert len(told(session, "access.refuse")) == 2
    (file,) = collaborators.settings.audit.glob("checkpoints-*.jsonl")
    assert len(file.read_text().splitlines()) == 1
    audit_upkeep.forward(Context(collaborators), 0)
    audit_upkeep.tell_deliveries(Context(collaborators), 0)
