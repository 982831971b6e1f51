"""Faces by REST: who sees them, who sets what, who revokes."""

import numpy as np
import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.models import AuditEntry, FaceTemplate, IdentityPhoto
from appliance.services import identity_checks, templates
from appliance.services.templates import Found
from appliance.vocabulary import BiometricsMode, IdentityCheckKind, IdentityVerdict, PhotoKind, Role, SittingState

BOX = Actor.appliance("photo_check")


def enrol(session, make, sitting, seed=1):
    face = np.random.default_rng(seed).normal(size=128)
    return templates.enrol(session, BOX, make.vault, sitting, face, "ab" * 32)


def sent(browser, path, body, expect_errors=False):
    return browser.post_json(path, body, headers={"X-CSRF-Token": browser.csrf}, expect_errors=expect_errors)


@pytest.fixture
def checked(make, session):
    """A sitting with both photos, compared, and another person who looks alike."""
    sitting, other = make.sitting(SittingState.WAITING), make.sitting(SittingState.WAITING)
    for row in (sitting, other):
        for kind in PhotoKind:
            sealed = make.vault.seal(session, f"sitting:{row.id}", "photo", b"picture")
            session.add(
                IdentityPhoto(sitting_id=row.id, kind=kind, vault_object_id=sealed.id, width=1, height=1, hints=[])
            )
        session.flush()
    _, document = session.scalars(select(IdentityPhoto).where(IdentityPhoto.sitting_id == sitting.id))
    match = IdentityVerdict.MATCH
    identity_checks.keep(
        session, BOX, sitting, document, IdentityCheckKind.DOCUMENT, match, 0.4, {"match_below": 0.55}
    )
    found = [Found(1, other.candidate_id, other.id, 0.31)]
    identity_checks.keep_similar(session, sitting, found)
    enrol(session, make, sitting)
    session.commit()
    return sitting, other


def test_the_faces_of_a_sitting(staff, checked):
    sitting, other = checked
    report = staff(Role.PROCTOR).get(f"/api/v1/sittings/{sitting.id}/identity").json
    assert (report["colour"], report["reason"], report["mode"]) == ("yellow", "similar", "server")
    assert [photo["kind"] for photo in report["photos"]] == ["face", "document"]
    assert report["checks"][0]["distance"] == 0.4
    (similar,) = report["similar"]
    assert (similar["sitting_id"], similar["distance"]) == (other.id, 0.31)
    assert similar["candidate"]["id"] == other.candidate_id
    assert "content" not in str(report)


def test_the_other_one_is_told_too(staff, checked):
    _, other = checked
    report = staff(Role.REVIEWER).get(f"/api/v1/sittings/{other.id}/identity").json
    assert report["colour"] == "yellow"
    assert [each["candidate"]["id"] for each in report["similar"]] == [checked[0].candidate_id]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.SECURITY_OFFICER, Role.AUDITOR])
def test_faces_are_not_for_everybody(staff, checked, role):
    assert staff(role).get(f"/api/v1/sittings/{checked[0].id}/identity", expect_errors=True).status_int == 403


def test_an_exam_without_biometrics_is_grey(staff, make, session):
    sitting = make.sitting(exam=make.exam(biometrics=BiometricsMode.NONE))
    session.commit()
    report = staff(Role.PROCTOR).get(f"/api/v1/sittings/{sitting.id}/identity").json
    assert (report["colour"], report["reason"]) == ("grey", "off")


WANTED = {"biometrics": "none", "identity_action": "warn", "liveness": True, "gaze_calibration": False}


def test_an_organiser_sets_an_exam(staff, make, session):
    exam = make.exam()
    session.commit()
    browser = staff(Role.ORGANISER)
    answer = sent(browser, f"/api/v1/exams/{exam.id}/biometrics", WANTED).json["exam"]
    assert {name: answer[name] for name in WANTED} == WANTED
    (listed,) = [each for each in browser.get("/api/v1/exams").json["exams"] if each["id"] == exam.id]
    assert {name: listed[name] for name in WANTED} == WANTED
    session.expire_all()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "exam.set_biometrics")).one()
    assert entry.details["before"]["biometrics"] == "server"
    assert entry.details["after"]["biometrics"] == "none"
    for wrong in ({**WANTED, "biometrics": "cloud"}, {**WANTED, "liveness": "maybe"}, {"biometrics": "none"}):
        refused = sent(browser, f"/api/v1/exams/{exam.id}/biometrics", wrong, expect_errors=True)
        assert refused.status_int == 400


def test_a_profile_forbids(staff, make, session):
    company = make.first_company()
    company.profile = "eu"
    exam = make.exam()
    session.commit()
    browser = staff(Role.ORGANISER)
    wrong = {**WANTED, "identity_action": "stop"}
    refused = sent(browser, f"/api/v1/exams/{exam.id}/biometrics", wrong, expect_errors=True)
    assert (refused.status_int, refused.json["error"]["details"]["field"]) == (400, "identity_action")
    (listed,) = browser.get("/api/v1/exams").json["exams"]
    assert listed["forbidden"] == ["stop"]


def test_what_is_stored_is_counted(staff, checked, make, session):
    found = staff(Role.AUDITOR).get("/api/v1/biometrics").json
    assert (found["templates"]["in_use"], found["templates"]["people"]) == (1, 1)
    assert found["templates"]["models"] == [{"sha256": "ab" * 32, "count": 1}]
    assert (found["protection"]["version"], found["protection"]["renewed_ms"]) == (1, None)
    assert found["keys"] == {"people": 1, "people_destroyed": 0}
    assert {row["kind"]: row["count"] for row in found["photos"]} == {"face": 2, "document": 2}
    assert (found["checks"], found["similar"]) == (1, 1)
    assert [exam["biometrics"] for exam in found["exams"]] == ["server"]
    stranger = make.company()
    make.user(Role.AUDITOR, company=stranger)
    session.commit()


def test_a_security_officer_revokes(staff, checked, session):
    sitting, _ = checked
    browser = staff(Role.SECURITY_OFFICER)
    (person,) = browser.get("/api/v1/biometrics/people?q=lovelace").json["people"]
    assert (person["id"], person["templates"]) == (sitting.candidate_id, 1)
    assert browser.get("/api/v1/biometrics/people?q=nobody").json["people"] == []
    path = f"/api/v1/biometrics/people/{person['id']}/revoke"
    assert sent(browser, path, {"reason": "asked for"}).json == {"revoked": 1}
    session.expire_all()
    assert session.scalars(select(FaceTemplate)).one().content is None
    after = browser.get("/api/v1/biometrics").json
    assert (after["templates"]["in_use"], after["keys"]) == (0, {"people": 0, "people_destroyed": 1})
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "face.revoke")).one()
    assert (entry.actor_kind, entry.details["reason"]) == ("user", "asked for")


def test_an_auditor_only_looks(staff, checked):
    browser = staff(Role.AUDITOR)
    path = f"/api/v1/biometrics/people/{checked[0].candidate_id}/revoke"
    assert sent(browser, path, {}, expect_errors=True).status_int == 403
    assert sent(browser, "/api/v1/biometrics/renew", {}, expect_errors=True).status_int == 403


def test_another_company_is_not_found(staff, make, session):
    foreign = make.candidate(company=make.company())
    make.first_company()
    session.commit()
    browser = staff(Role.SECURITY_OFFICER)
    path = f"/api/v1/biometrics/people/{foreign.id}/revoke"
    assert sent(browser, path, {}, expect_errors=True).status_int == 404


def test_renewing_is_asked_of_a_worker(staff, checked, session):
    browser = staff(Role.SECURITY_OFFICER)
    assert sent(browser, "/api/v1/biometrics/renew", {}).json == {"asked": True}
    assert sent(browser, "/api/v1/biometrics/renew", {}).json == {"asked": False}  # it waits already
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "face.ask_to_renew")).all()
    assert len(actions) == 2


def test_the_pages_open(staff, checked):
    assert "biometrics.js" in staff(Role.SECURITY_OFFICER).get("/biometrics").text
    assert 'id="tab-faces"' in staff(Role.REVIEWER).get(f"/sittings/{checked[0].id}").text
