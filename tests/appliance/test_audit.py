"""The chain: written with the act or not at all, numbered without holes, and every change in it found."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work
from appliance.errors import AuditBroken, AuditUnavailable
from appliance.models import AuditEntry, Company
from appliance.vocabulary import Role

ACTOR = Actor("user", "7", "Anna", "192.0.2.7", company_id=3, role="proctor")


def act(session: Session, number: int = 1, **details: object) -> None:
    audit.record(session, ACTOR, "sitting.start", ("sitting", number), **details)


def entries(session: Session) -> list[AuditEntry]:
    return list(session.query(AuditEntry).order_by(AuditEntry.id))


def tamper(session: Session, statement: str) -> None:
    """Change the log as one with the rights of the database's owner can."""
    session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
    session.execute(text("ALTER TABLE audit_head DISABLE TRIGGER USER"))
    session.execute(text(statement))
    session.commit()


@pytest.fixture
def log(session: Session) -> Session:
    """A session on a log of five entries."""
    for number in range(1, 6):
        act(session, number, photo="face", distance=0.5, tags=["a", None, True])
        session.commit()
    return session


def test_entry_is_written_with_the_act(session: Session):
    session.add(Company(slug="x", name="X", integration_secret=b""))
    act(session, 42, cause="test")
    assert entries(session) == []
    session.commit()
    (entry,) = entries(session)
    assert (entry.id, entry.actor_name, entry.address, entry.action) == (1, "Anna", "192.0.2.7", "sitting.start")
    assert (entry.subject_kind, entry.subject_id, entry.company_id, entry.result) == ("sitting", "42", 3, "success")
    assert (entry.details, entry.previous_hash) == ({"cause": "test"}, audit.GENESIS)
    assert audit.verify_chain(session) == (1, entry.hash)


def test_no_act_no_entry(session: Session):
    act(session)
    session.rollback()
    session.add(Company(slug="x", name="X", integration_secret=b""))
    session.commit()
    assert entries(session) == []


def test_entry_of_a_rolled_back_savepoint_is_not_written(session: Session):
    act(session, 1)
    with pytest.raises(RuntimeError), session.begin_nested():
        act(session, 2)
        with session.begin_nested():
            act(session, 3)
        raise RuntimeError
    with session.begin_nested():
        act(session, 4)
    session.commit()
    assert [entry.subject_id for entry in entries(session)] == ["1", "4"]


def test_no_audit_no_act(session: Session, session_factory: SessionFactory):
    tamper(session, "DELETE FROM audit_head")
    session.add(Company(slug="x", name="X", integration_secret=b""))
    act(session)
    with pytest.raises(AuditBroken):
        session.commit()
    session.rollback()
    assert session.query(Company).count() == 0


def test_insert_that_fails_fails_the_act(session: Session):
    session.execute(text("ALTER TABLE audit_entry ADD CONSTRAINT never CHECK (id < 0)"))
    session.commit()
    session.add(Company(slug="x", name="X", integration_secret=b""))
    act(session)
    with pytest.raises(AuditUnavailable, match="nothing was done"):
        session.commit()
    session.rollback()
    assert session.query(Company).count() == 0


def test_session_closed_in_between_forgets(session: Session):
    act(session)
    session.close()
    session.commit()
    assert entries(session) == []


def test_refused_act_is_recorded_although_it_rolls_back(session: Session, session_factory: SessionFactory):
    session.add(Company(slug="x", name="X", integration_secret=b""))
    audit.record_now(
        session_factory, ACTOR, "user.log_in", ("user", "anna@example.org"), "refused", reason="password"
    )
    session.rollback()
    (entry,) = entries(session)
    assert (entry.result, entry.details) == ("refused", {"reason": "password"})


def test_concurrent_acts_are_numbered_without_holes(session_factory: SessionFactory, session: Session):
    def work(thread: int) -> None:
        for number in range(10):
            with unit_of_work(session_factory) as own:
                act(own, thread * 100 + number)
                if number % 3 == 0:
                    act(own, thread * 100 + number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.id for entry in entries(session)] == list(range(1, 71))
    assert audit.verify_chain(session).entries == 70


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.0,
        1.5,
        -0.0,
        1e16,
        1e22,
        1e-7,
        0.1 + 0.2,
        10**30,
        True,
        None,
        "ä\u2028\x00\ud800",
        [1, [2.50]],
        {"b": {"ä": 1}},
    ],
)
def test_every_value_verifies_as_it_came_back(session: Session, value: object):
    act(session, value=value)
    session.commit()
    assert audit.verify_chain(session).entries == 1


def test_other_values_are_kept_readably(session: Session):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, UTC)
    act(session, role=Role.ADMIN, at=moment, path=Path("/x"), pair=(1, 2), score=float("nan"))
    session.commit()
    details = entries(session)[0].details
    assert details == {
        "role": "admin",
        "at": "2026-01-02T03:04:05.000678Z",
        "path": "/x",
        "pair": [1, 2],
        "score": "nan",
    }
    assert audit.verify_chain(session).entries == 1


def test_a_value_that_cannot_be_kept_is_refused_at_once(session: Session):
    with pytest.raises(TypeError, match="object"):
        act(session, value=object())


def test_ordinary_use_cannot_change_or_remove(log: Session):
    for statement in (
        "UPDATE audit_entry SET action = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "DELETE FROM audit_head",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            log.execute(text(statement))
        log.rollback()


OTHER = "translate(left({0}, 1), '0123456789abcdef', '123456789abcdef0') || substr({0}, 2)"
"""The same hash with another first digit."""

CHANGES = {
    "id": "id = 33",
    "at": "at = at + interval '1 microsecond'",
    "actor_kind": "actor_kind = 'cli'",
    "actor_id": "actor_id = '8'",
    "actor_name": "actor_name = 'anna'",
    "address": "address = '192.0.2.8'",
    "action": "action = 'sitting.starT'",
    "result": "result = 'failed'",
    "subject_kind": "subject_kind = 'sittinG'",
    "subject_id": "subject_id = '30'",
    "company_id": "company_id = NULL",
    "details": "details = jsonb_set(details, '{distance}', '0.50')",
    "previous_hash": f"previous_hash = {OTHER.format('previous_hash')}",
    "hash": f"hash = {OTHER.format('hash')}",
}


def test_changes_cover_every_column():
    assert set(CHANGES) == set(AuditEntry.__table__.columns.keys())


@pytest.mark.parametrize("column", CHANGES)
def test_changed_column_names_the_row(log: Session, column: str):
    tamper(log, f"UPDATE audit_entry SET {CHANGES[column]} WHERE id = 3")  # noqa: S608 - from the table above
    with pytest.raises(AuditBroken, match="entry 3 ") as caught:
        audit.verify_chain(log)
    assert caught.value.details["entry"] == 3


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("DELETE FROM audit_entry WHERE id = 1", 1),
        ("DELETE FROM audit_entry WHERE id = 3", 3),
        ("DELETE FROM audit_entry WHERE id = 5", 5),
        ("DELETE FROM audit_entry WHERE id >= 4", 4),
        ("DELETE FROM audit_entry", 1),
        ("UPDATE audit_entry SET id = CASE id WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE id END", -3),
        ("INSERT INTO audit_entry SELECT 6, at, actor_kind, actor_id, actor_name, address, action, result,"
         " subject_kind, subject_id, company_id, details, previous_hash, hash FROM audit_entry WHERE id = 5", 6),
        ("UPDATE audit_head SET entries = 6", 6),
        ("UPDATE audit_head SET entries = 4", 5),
        (f"UPDATE audit_head SET hash = {OTHER.format('hash')}", 5),  # noqa: S608 - constants
        ("DELETE FROM audit_head", 0),
    ],
)  # fmt: skip
def test_removed_added_or_cut_off_is_found(log: Session, statement: str, entry: int):
    tamper(log, statement)
    with pytest.raises(AuditBroken) as caught:
        audit.verify_chain(log)
    assert caught.value.details["entry"] == entry


def test_two_entries_that_changed_places_are_found(log: Session):
    for move in ("id = 100 WHERE id = 2", "id = 2 WHERE id = 3", "id = 3 WHERE id = 100"):
        tamper(log, f"UPDATE audit_entry SET {move}")  # noqa: S608 - constants
    with pytest.raises(AuditBroken, match="entry 2 "):
        audit.verify_chain(log)


def test_long_log_is_verified_without_being_held_in_memory(session: Session):
    for number in range(2500):
        act(session, number)
    session.commit()
    assert audit.verify_chain(session).entries == 2500


def test_canonical_json():
    value = {"b": [1, 2.0, Decimal("0.50"), None, True], "a": "é", "at": datetime(2026, 1, 2, tzinfo=UTC)}
    assert audit.canonical(value) == ('{"a":"\\u00e9","at":"2026-01-02T00:00:00.000000Z","b":[1,2.0,0.50,null,true]}')
