"""The officer's page: report, settings, profile."""

import pytest

from appliance.models import AuditEntry, Company
from appliance.vocabulary import IdentityAction, Role


def test_the_officer_reads_how_each_measure_stands(staff, session):
    officer = staff(Role.SECURITY_OFFICER)
    assert "Compliance" in officer.get("/compliance").text
    report = officer.get("/api/v1/compliance").json["report"]
    assert {"key", "requirement", "measure", "setting", "evidence", "tests", "state"} == set(report["measures"][0])
    assert session.query(AuditEntry).filter_by(action="compliance.report").count() == 1
    answer = officer.get("/api/v1/compliance/settings")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.json["settings"]["appliance"]["secret_key"] == "set"


@pytest.mark.parametrize("role", [Role.PROCTOR, Role.ORGANISER, Role.REVIEWER, Role.SUPPORT])
def test_others_do_not(staff, role):
    staff(role).get("/api/v1/compliance", status=403)


def test_an_auditor_reads_and_changes_nothing(staff):
    auditor = staff(Role.AUDITOR)
    auditor.get("/api/v1/compliance")
    assert auditor.code_of("/api/v1/profile", {"profile": "eu"}, 403) == "not_allowed"


def test_the_profile_is_changed_when_nothing_contradicts(staff, make, session):
    admin = staff(Role.ADMIN)
    exam = make.exam(name="Algebra", identity_action=IdentityAction.STOP)
    session.commit()
    told = admin.get("/api/v1/profile").json["profile"]
    against = {one["name"]: one["contradictions"] for one in told["profiles"]}
    assert [one["name"] for one in against["eu"]] == ["Algebra"] and against["none"] == []
    refused = admin.post_ok("/api/v1/profile", {"profile": "eu"}, 409)["error"]
    assert refused["details"]["contradictions"][0]["name"] == "Algebra"
    exam.identity_action = IdentityAction.NOTE
    session.commit()
    assert admin.post_ok("/api/v1/profile", {"profile": "eu"})["profile"]["profile"] == "eu"
    assert admin.code_of("/api/v1/profile", {"profile": "us"}) == "bad_input"
    session.expire_all()
    assert session.get(Company, exam.company_id).profile == "eu"


def test_private_hosts_are_named_by_the_company(staff):
    admin = staff(Role.ADMIN)
    hosts = ["lms.school.local", "10.2.0.0/16"]
    assert admin.post_ok("/api/v1/private-hosts", {"private_hosts": hosts})["private_hosts"] == hosts
    assert admin.get("/api/v1/profile").json["profile"]["private_hosts"] == hosts
    assert admin.code_of("/api/v1/private-hosts", {"private_hosts": ["127.0.0.1"]}) == "bad_input"
