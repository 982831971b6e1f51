"""One person erased: afterwards nothing in the database or the data folder says who it was."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from appliance import bus
from appliance.db import utcnow
from appliance.errors import BadInput, ImpossibleStep, OnHold
from appliance.evidence import EvidenceKey
from appliance.models import (
    AuditEntry,
    Candidate,
    DataKey,
    DeletionCertificate,
    Erasure,
    Export,
    IdentityCheck,
    Observation,
    Sitting,
    VaultObject,
)
from appliance.retention import certificate, erasure, removal
from appliance.services import exports, holds
from appliance.vocabulary import (
    AskedBy,
    Conclusion,
    ErasureState,
    ExportContent,
    HoldScope,
    LegalBasis,
    Role,
    SittingState,
)
from tests.appliance.retention.evidence import fill, leave_files

WORDS = ("Zebulon", "Quagmire", "zebulon@example.org", "student-zq-7781", "session-zq-1")


@pytest.fixture
def officer(make):
    return make.user(Role.SECURITY_OFFICER)


@pytest.fixture
def person(make, session, collaborators, officer):
    """A candidate with two sittings, full of everything, and another person beside."""
    who = make.candidate(
        first_name="Zebulon", last_name="Quagmire", email="zebulon@example.org", external_id="student-zq-7781"
    )
    now = utcnow()
    for number in (1, 2):
        sitting = make.sitting(
            SittingState.CONCLUDED,
            candidate=who,
            external_id=f"session-zq-{number}",
            started_at=now - timedelta(hours=2),
            finished_at=now,
            score=80,
            conclusion=Conclusion.ACCEPTED,
            conclusion_comment="Zebulon did well",
        )
        fill(session, collaborators, sitting, now, film=b"A film of Zebulon Quagmire. " * 5000)
        leave_files(session, collaborators, sitting, officer)
        bus.publish_sitting(session, sitting, "chat.message", {"message": {"text": "Hello Zebulon"}})
        exports.request(session, make.actor(officer), collaborators.settings, sitting, [ExportContent.CAMERA])
    other = make.sitting(SittingState.CONCLUDED, finished_at=now)
    fill(session, collaborators, other, now)
    session.commit()
    return who


def ask(session, make, officer, who, reference="letter 12/2027"):
    row = erasure.request(
        session, make.actor(officer), who, LegalBasis.WITHDRAWN, AskedBy.PERSON, reference, utcnow()
    )
    session.commit()
    return row


def whole_database(session) -> str:
    """Every row of every table as text."""
    tables = session.scalars(
        text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    )
    every = (text(f"SELECT t::text FROM {name} AS t") for name in tables)  # noqa: S608 - names of our tables
    return "\n".join(row for query in every for row in session.scalars(query))


def whole_folder(collaborators) -> bytes:
    files = [path for path in collaborators.settings.data_dir.rglob("*") if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in sorted(files))


def test_nothing_names_an_erased_person(session, make, collaborators, officer, person):
    assert all(word in whole_database(session) for word in WORDS)
    assert b"Zebulon" in whole_folder(collaborators)  # what a node left, and a hand-in half received
    files_before = set(collaborators.vault.folder.rglob("*.sealed"))
    sealed_before = {row.path: row for row in session.scalars(select(VaultObject))}
    row = ask(session, make, officer, person)
    session.expunge_all()

    done = erasure.carry_out(collaborators, row.id, utcnow())

    assert done.state is ErasureState.DONE
    session.expire_all()
    everything, folder = whole_database(session), whole_folder(collaborators)
    for word in WORDS:
        assert word.lower() not in everything.lower(), word
        assert word.lower().encode() not in folder.lower(), word
    gone = files_before - set(collaborators.vault.folder.rglob("*.sealed"))
    assert len(gone) == 2 * 6  # film, photo, reading, picture of a finding, of a challenge, bundle
    left = {row.path for row in session.scalars(select(VaultObject))}
    assert {str(path.relative_to(collaborators.vault.folder)) for path in gone} == set(sealed_before) - left
    for sealed in session.scalars(select(VaultObject)):  # the other person's
        with collaborators.vault.open(session, sealed) as reader:
            assert reader.verify() == sealed.sha256


def test_the_skeleton_stays_of_nobody(session, make, collaborators, officer, person):
    erasure.carry_out(collaborators, ask(session, make, officer, person).id, utcnow())
    session.expire_all()
    who = session.get_one(Candidate, person.id)
    assert (who.name, who.email, who.erased_at is None) == (f"erased-{who.id}", "", False)
    for sitting in session.scalars(select(Sitting).where(Sitting.candidate_id == who.id)):
        assert (sitting.score, sitting.conclusion, sitting.started_at is None) == (80, Conclusion.ACCEPTED, False)
        assert (sitting.answers, sitting.token_hash, sitting.conclusion_comment) == ({}, "", "")
        (seen,) = session.scalars(select(Observation).where(Observation.sitting_id == sitting.id))
        assert seen.details == {"score": 0.7, "threshold": 0.5, "models": {"phone": "ab" * 32}, "label": ""}
        (check,) = session.scalars(select(IdentityCheck).where(IdentityCheck.sitting_id == sitting.id))
        assert (check.distance, check.photo_id) == (0.4, None)
        (export,) = session.scalars(select(Export).where(Export.sitting_id == sitting.id))
        assert export.state == "deleted"


def test_the_certificate_says_what_and_verifies_offline(session, make, collaborators, officer, person, tmp_path):
    row = ask(session, make, officer, person)
    done = erasure.carry_out(collaborators, row.id, utcnow())
    made = session.get_one(DeletionCertificate, done.certificate_id)
    said = json.loads(made.content)
    assert said["asked"] == {"by": "person", "legal_basis": "withdrawn", "reference": "letter 12/2027"}
    assert said["done_by"]["name"] == officer.name
    counted = {item["store"]: item["rows"] for item in said["items"]}
    expected = {
        "candidate": 1,
        "sitting": 2,
        "part": 2,
        "identity_photo": 2,
        "document_reading": 2,
        "chat_message": 2,
    }
    assert {name: counted[name] for name in expected} == expected
    assert counted["vault_object"] == 12 and said["totals"]["files"] == 12 + 2 + 2
    sittings = said["person"]["sittings"]
    assert {f"sitting:{number}" for number in sittings} < set(said["keys"])
    assert f"face:{person.id}" in said["keys"]
    for purpose in said["keys"]:
        keys = session.scalars(select(DataKey).where(DataKey.purpose.startswith(purpose))).all()
        assert keys and all(key.destroyed_at is not None for key in keys), purpose
    entries = session.scalars(select(AuditEntry.action).where(AuditEntry.id.in_(said["audit_entries"]))).all()
    assert set(entries) == {"erasure.request", "erasure.erase"}
    assert {kept["store"] for kept in said["kept"]} >= {"audit_entry", "observation"}

    pem = EvidenceKey.load_or_create(collaborators.settings.evidence_key_file, collaborators.vault).public_pem
    content, signature = made.content.encode(), made.signature.encode()
    assert certificate.verify(content, signature, pem).is_genuine
    assert not certificate.verify(content.replace(b'"files":16', b'"files":17'), signature, pem).is_genuine
    assert not certificate.verify(content, b"nonsense", pem).is_genuine
    with pytest.raises(BadInput, match="no JSON"):
        certificate.verify(b"\xff", signature, pem)


@pytest.mark.parametrize("dies_in", ["rows", "files", "certificate"])
def test_an_erasure_that_was_killed_is_taken_up(session, make, collaborators, officer, person, monkeypatch, dies_in):
    row = ask(session, make, officer, person)

    class Killed(BaseException):
        pass

    def die(*_args, **_fields):
        raise Killed

    place = {
        "rows": (erasure.anonymise, "person"),
        "files": (erasure, "remove_files"),
        "certificate": (certificate, "_certify"),
    }[dies_in]
    with monkeypatch.context() as patched:
        patched.setattr(*place, die)
        with pytest.raises(Killed):
            erasure.carry_out(collaborators, row.id, utcnow())
    assert erasure.undone(session) == [row.id]
    done = erasure.carry_out(collaborators, row.id, utcnow())
    said = json.loads(session.get_one(DeletionCertificate, done.certificate_id).content)
    assert (said["totals"]["files"], erasure.undone(session)) == (16, [])
    assert b"Zebulon" not in whole_folder(collaborators)
    again = erasure.carry_out(collaborators, row.id, utcnow())
    assert again.certificate_id == done.certificate_id


@pytest.mark.parametrize("scope", list(HoldScope))
def test_a_hold_forbids_it(session, make, collaborators, officer, person, scope):
    sitting = session.scalars(select(Sitting).where(Sitting.candidate_id == person.id)).first()
    number = {HoldScope.SITTING: sitting.id, HoldScope.CANDIDATE: person.id, HoldScope.EXAM: sitting.exam_id}[scope]
    actor, now = make.actor(officer), utcnow()
    hold = holds.place(session, actor, person.company_id, holds.Subject(scope, number), "court 7", "Ann", now)
    session.commit()
    with pytest.raises(OnHold):
        ask(session, make, officer, person)
    session.rollback()
    holds.release(session, actor, hold, "it is over", now)
    assert ask(session, make, officer, person).state is ErasureState.REQUESTED


def test_a_hold_that_comes_between_stops_it(session, make, collaborators, officer, person):
    row = ask(session, make, officer, person)
    subject = holds.Subject(HoldScope.CANDIDATE, person.id)
    holds.place(session, make.actor(officer), person.company_id, subject, "court 7", "Ann", utcnow())
    session.commit()
    with pytest.raises(OnHold):
        erasure.carry_out(collaborators, row.id, utcnow())
    assert session.get_one(Erasure, row.id).state is ErasureState.REQUESTED


def test_what_is_refused(session, make, collaborators, officer, person):
    for reference in ("Letter of Zebulon", "about student-ZQ-7781"):
        with pytest.raises(BadInput, match="names the person"):
            ask(session, make, officer, person, reference)
    session.rollback()
    going_on = make.sitting(SittingState.RUNNING)
    with pytest.raises(ImpossibleStep, match="going on"):
        ask(session, make, officer, going_on.candidate)
    session.rollback()
    ask(session, make, officer, person)
    with pytest.raises(ImpossibleStep, match="already"):
        ask(session, make, officer, person)


def test_a_name_of_a_file_leads_nowhere_else(collaborators):
    for name in ("vault:../../etc/passwd", "vault:/etc/passwd", "vault:", "recordings:"):
        with pytest.raises(ValueError, match="no file of ours"):
            removal.path_of(collaborators, name)
