"""Checkpoints: what a chain alone cannot show, a signature outside the database can."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from appliance import audit
from appliance.audit import checkpoints
from appliance.db import unit_of_work, utcnow
from appliance.errors import AuditBroken, AuditUnavailable
from appliance.evidence.key import EvidenceKey
from appliance.models import AuditCheckpoint, Company
from tests.appliance.audit_log import ACTOR, checkpoint, fill, rewrite, tamper, witnesses


def broken(session, signer):
    with pytest.raises(AuditBroken) as caught:
        audit.verify_all(session, witnesses(signer))
    session.rollback()
    return caught.value


def test_a_checkpoint_covers_what_was_there(signed, signer):
    verdict = audit.verify_all(signed, witnesses(signer))
    assert (verdict.entries, verdict.checkpoints, verdict.covered, verdict.notes) == (10, 2, 8, [])
    (file,) = signer.folder.glob("checkpoints-*.jsonl")
    assert len(file.read_text().splitlines()) == 2
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_new_is_signed_once_an_hour(signed, signer):
    assert checkpoint(signed, signer) is not None
    assert checkpoint(signed, signer) is None
    assert checkpoint(signed, signer, utcnow() + timedelta(hours=2)) is not None


def test_the_chain_alone_believes_a_rewritten_log_and_the_checkpoints_do_not(signed, signer):
    rewrite(signed, "actor_name = 'Boris'", "id = 7")
    with pytest.raises(AuditBroken):  # the table of checkpoints says so already
        audit.verify_chain(signed)
    signed.rollback()
    tamper(signed, "DELETE FROM audit_checkpoint")
    assert audit.verify_chain(signed).entries == 10  # all within the database is consistent again
    found = broken(signed, signer)  # but the file is out of its reach
    assert "in the file, but not in the database" in found.message


def test_a_rewritten_log_names_the_span_that_is_false(signed, signer):
    rewrite(signed, "actor_name = 'Boris'", "id = 7")
    found = broken(signed, signer)
    assert "between 6 and 8" in found.message
    assert found.details == {"entry": 6, "checkpoint": 2}


def test_a_rewritten_log_is_not_signed(signed, signer):
    rewrite(signed, "actor_name = 'Boris'", "id = 3")
    fill(signed, 1)
    with pytest.raises(AuditBroken, match="no checkpoint is signed"):
        checkpoints.sign(signed, signer)


def test_a_truncated_log_is_not_signed_and_found(signed, signer):
    head = "UPDATE audit_head SET entries = 6, hash = (SELECT hash FROM audit_entry WHERE id = 6)"
    tamper(signed, head, "DELETE FROM audit_entry WHERE id > 6")
    with pytest.raises(AuditBroken):
        checkpoints.sign(signed, signer)
    signed.rollback()
    found = broken(signed, signer)
    assert found.details["entry"] == 7
    assert "checkpoint 2" in found.message


def test_what_is_appended_with_a_date_of_before_is_told(signed, signer):
    session = signed
    fill(session, 1)
    rewrite(session, "at = at - interval '1 day'", "id = 11")
    verdict = audit.verify_all(session, witnesses(signer))
    assert verdict.notes[0].startswith("Entry 11 is dated")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM audit_checkpoint WHERE number = 1", "number 2 are missing"),
        ("DELETE FROM audit_checkpoint WHERE number = 2", "in the file, but not in the database"),
        ("UPDATE audit_checkpoint SET signature = repeat('0', 128) WHERE number = 2", "not by this appliance"),
        ("UPDATE audit_checkpoint SET statement = replace(statement, ':8,', ':9,')", "not by this"),
        ("UPDATE audit_checkpoint SET number = 3 - number", None),
    ],
)  # fmt: skip
def test_an_altered_checkpoint_is_found(signed, signer, statement, words):
    if words is None:  # swapped: numbers are in the signed text, the table's order is only the table's
        tamper(
            signed,
            "UPDATE audit_checkpoint SET number = 9 WHERE number = 1",
            "UPDATE audit_checkpoint SET number = 1 WHERE number = 2",
            "UPDATE audit_checkpoint SET number = 2 WHERE number = 9",
        )
        words = "number 2 are missing"
    else:
        tamper(signed, statement)
    assert words in broken(signed, signer).message


def test_checkpoints_of_another_key_are_none(signed, signer):
    other = EvidenceKey(b"\1" * 32)
    row = signed.query(AuditCheckpoint).filter_by(number=2).one()
    forged = other.sign(row.statement.encode()).hex()
    tamper(signed, f"UPDATE audit_checkpoint SET signature = '{forged}' WHERE number = 2")  # noqa: S608 - hex
    assert "not by this appliance's audit key" in broken(signed, signer).message


def test_half_a_line_in_the_file_is_written_again(signed, signer):
    (file,) = signer.folder.glob("checkpoints-*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert audit.verify_all(signed, witnesses(signer)).checkpoints == 2
    assert checkpoints.write_file(signed, signer.folder) == 1
    assert file.read_bytes() == whole


def test_a_month_has_its_file(session, signer):
    fill(session, 1)
    checkpoint(session, signer, datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    fill(session, 1)
    checkpoint(session, signer, datetime(2026, 2, 1, 0, 0, tzinfo=UTC))
    assert sorted(path.name for path in signer.folder.iterdir()) == [
        "checkpoints-2026-01.jsonl",
        "checkpoints-2026-02.jsonl",
    ]
    assert audit.verify_all(session, witnesses(signer)).checkpoints == 2


def test_a_log_that_cannot_be_written_stops_the_act(session, collaborators):
    full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$"
    session.execute(text(full))
    session.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON audit_entry EXECUTE FUNCTION full_disk()"))
    session.commit()
    with pytest.raises(AuditUnavailable), unit_of_work(collaborators.session_factory) as own:
        own.add(Company(slug="x", name="X", integration_secret=b""))
        audit.record(own, ACTOR, "company.create", ("company", "x"))
    assert session.query(Company).count() == 0
