"""Terms, holds, erasure and certificates by REST: who may, and what comes of it."""

import io
import json
import zipfile

import pytest
from sqlalchemy import select

from appliance.db import utcnow
from appliance.evidence import EvidenceKey
from appliance.models import AuditEntry, Candidate, Sitting
from appliance.retention import certificate, erasure, person_export, purge
from appliance.vocabulary import Role, SittingState
from tests.appliance.retention.evidence import fill
from tests.web.conftest import TOTP_SECRET


@pytest.fixture
def person(make, session, collaborators):
    sitting = make.sitting(
        SittingState.CONCLUDED, candidate=make.candidate(first_name="Zoe", last_name="Quill"), finished_at=utcnow()
    )
    fill(session, collaborators, sitting, utcnow())
    session.commit()
    return sitting.candidate


@pytest.fixture
def officer(staff):
    return staff(Role.SECURITY_OFFICER)


@pytest.mark.parametrize("role", list(Role))
def test_who_may(staff, person, role):
    browser = staff(role)
    sees = role in {Role.ADMIN, Role.ORGANISER, Role.SECURITY_OFFICER, Role.AUDITOR}
    acts = role in {Role.ADMIN, Role.SECURITY_OFFICER}
    assert (browser.get("/api/v1/retention", expect_errors=True).status_int == 200) == sees
    assert (browser.get("/retention", expect_errors=True).status_int == 200) == sees
    assert (browser.get("/api/v1/retention/people?q=zoe", expect_errors=True).status_int == 200) == acts
    bodies = {
        "terms": {"data_class": "chat", "days": 200, "warn_days": 14},
        "holds": {"scope": "candidate", "id": person.id, "reason": "case 1", "owner": "Ann"},
        f"people/{person.id}/export": {},
    }
    for path, body in bodies.items():
        answer = browser.post_json(
            f"/api/v1/retention/{path}", body, headers={"X-CSRF-Token": browser.csrf}, expect_errors=True
        )
        assert (answer.status_int == 200) == acts, (path, answer.json)


def test_terms_say_which_rule_forbids(officer, session, make):
    make.first_company().profile = "eu"
    session.commit()
    body = {"data_class": "metrics", "days": 30, "warn_days": 14}
    said = officer.post_ok("/api/v1/retention/terms", body, status=400)["error"]
    assert "AI Act" in said["message"] and said["details"]["field"] == "days"
    terms = officer.post_ok("/api/v1/retention/terms", {**body, "days": 200})["terms"]
    assert [term["days"] for term in terms if term["data_class"] == "metrics"] == [200]
    terms = officer.post_ok("/api/v1/retention/terms/drop", {"data_class": "metrics"})["terms"]
    assert [term["preset"] for term in terms if term["data_class"] == "metrics"] == [True]


def test_found_held_released_erased_certified(officer, person, session, collaborators):
    (found,) = officer.get("/api/v1/retention/people?q=quill").json["people"]
    assert (found["id"], found["held"], found["sittings"]) == (person.id, False, 1)
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.search"))
    assert entry.details == {"found": [person.id]}  # whom it found; what was typed is a name
    hold = officer.post_ok(
        "/api/v1/retention/holds", {"scope": "candidate", "id": person.id, "reason": "case 1", "owner": "Ann"}
    )["hold"]
    wanted = {"legal_basis": "withdrawn", "asked_by": "person", "reference": "letter 7"}
    assert officer.code_of(f"/api/v1/retention/people/{person.id}/erase", wanted, 409) == "on_hold"
    assert officer.post_ok(f"/api/v1/retention/holds/{hold['id']}/release", {"reason": "over"})["hold"]["released_ms"]
    named = {**wanted, "reference": "letter of Zoe"}
    assert officer.code_of(f"/api/v1/retention/people/{person.id}/erase", named) == "bad_input"
    asked = officer.post_ok(f"/api/v1/retention/people/{person.id}/erase", wanted)["erasure"]
    assert asked["state"] == "requested"
    done = erasure.carry_out(collaborators, asked["id"], utcnow())
    session.expire_all()
    shown = officer.get("/api/v1/retention").json
    assert shown["erasures"][0]["certificate_id"] == shown["certificates"][0]["id"] == done.certificate_id
    page = officer.get(f"/retention/certificates/{done.certificate_id}").text
    assert "letter 7" in page and "Zoe" not in page
    content = officer.get(f"/api/v1/retention/certificates/{done.certificate_id}/content").body
    signature = officer.get(f"/api/v1/retention/certificates/{done.certificate_id}/signature").body
    pem = EvidenceKey.load_or_create(collaborators.settings.evidence_key_file, collaborators.vault).public_pem
    assert certificate.verify(content, signature, pem).is_genuine
    assert session.get_one(Candidate, person.id).email == ""


def test_a_persons_archive(officer, person, session, collaborators):
    asked = officer.post_ok(f"/api/v1/retention/people/{person.id}/export", {"with_recordings": True})[
        "person_export"
    ]
    path = f"/api/v1/retention/person-exports/{asked['id']}/file"
    assert officer.get(path, status=404).json["error"]["code"] == "not_found"
    person_export.make(collaborators, asked["id"], utcnow())
    session.expire_all()
    archive = zipfile.ZipFile(io.BytesIO(officer.get(path).body))
    assert json.loads(archive.read("data.json"))["person"]["first_name"] == "Zoe"
    deleted = officer.delete(
        f"/api/v1/retention/person-exports/{asked['id']}", headers={"X-CSRF-Token": officer.csrf}
    ).json
    assert deleted["person_export"]["url"] is None
    officer.get(path, status=404)
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("person_export")))
    assert list(actions) == [f"person_export.{verb}" for verb in ("request", "make", "download", "delete")]


def test_what_is_deleted_soon(officer, person, session, make, collaborators):
    purge.run(collaborators, utcnow())
    assert officer.get("/api/v1/retention/soon").json["total"] == 0
    exam = person_exam(session, person)
    officer.post_ok(
        "/api/v1/retention/terms", {"data_class": "recording", "days": 10, "warn_days": 14, "exam_id": exam}
    )
    purge.run(collaborators, utcnow())
    session.expire_all()
    found = officer.get("/api/v1/retention/soon?data_class=recording").json
    assert [(row["data_class"], row["days"]) for row in found["deletions"]] == [("recording", 10)]
    (count,) = officer.get("/api/v1/retention").json["soon"]
    assert (count["data_class"], count["count"]) == ("recording", 1)


def person_exam(session, person):
    return session.scalars(select(Sitting.exam_id).where(Sitting.candidate_id == person.id)).one()


def test_papers(officer):
    for name, title in (("record", "Record of processing"), ("dpia", "Data protection impact assessment")):
        answer = officer.get(f"/api/v1/retention/papers/{name}")
        assert answer.content_type == "text/markdown" and title in answer.text
        page = officer.get(f"/api/v1/retention/papers/{name}?html=true")
        assert page.content_type == "text/html" and f"<h1>{title}" in page.text


def test_another_companys_are_not_found(staff, make, session, person):
    officer = make.user(Role.SECURITY_OFFICER, company=make.company(), totp_secret=TOTP_SECRET)
    stranger = staff(user=officer)
    assert stranger.get("/api/v1/retention/people?q=zoe").json["people"] == []
    body = {"scope": "candidate", "id": person.id, "reason": "x", "owner": "y"}
    assert stranger.code_of("/api/v1/retention/holds", body, 404) == "not_found"
    wanted = {"legal_basis": "withdrawn", "asked_by": "person"}
    assert stranger.code_of(f"/api/v1/retention/people/{person.id}/erase", wanted, 404) == "not_found"
