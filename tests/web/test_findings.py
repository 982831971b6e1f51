"""What the pages say of findings, and of the switch for what Kustos does not do."""

import re

from appliance.findings.defaults import default_rules
from appliance.findings.table import FINDINGS
from appliance.models import Company
from appliance.vocabulary import Role
from media.detectors.settings import DEFAULT_RULES


def test_who_judges_findings_reads_what_each_means(staff):
    page = staff(Role.PROCTOR).get("/findings").text
    for type_ in FINDINGS:
        assert f'id="{type_.value}"' in page
    assert page.count("never scored") == 8  # faults of machines, and doubts
    rule = DEFAULT_RULES["absence"]
    shown = re.search(r"<code>absence</code> from a score of ([\d.]+), for at least ([\d.]+) s", page)
    assert shown is not None
    assert (float(shown[1]), float(shown[2]) * 1000) == (rule.threshold, rule.min_duration_ms)
    assert "off unless the exam switches it on" in page
    assert all(name in default_rules() for finding in FINDINGS.values() for name in finding.detectors)
    for role in (Role.ADMIN, Role.ORGANISER, Role.REVIEWER):
        assert 'href="/findings"' in staff(role).get("/archive").text
    assert staff(Role.SUPPORT).get("/findings", status="*").status_int == 403


def test_the_page_speaks_russian(staff):
    page = staff(Role.REVIEWER).get("/findings?lang=ru").text
    assert "Типичные ложные тревоги" in page
    assert "Typical false alarms" not in page


def test_an_administrator_switches_attention_monitoring_unless_the_profile_forbids_it(staff, session):
    admin, officer = staff(Role.ADMIN), staff(Role.SECURITY_OFFICER)
    assert 'id="attention"' in officer.get("/biometrics").text
    assert officer.get("/api/v1/attention").json["attention"]["on"] is False
    assert officer.code_of("/api/v1/attention", {"on": True}, status=403) == "not_allowed"
    assert admin.post_ok("/api/v1/attention", {"on": True})["attention"]["on"] is True
    assert admin.post_ok("/api/v1/attention", {"on": False})["attention"]["on"] is False
    session.query(Company).update({"profile": "eu"})
    session.commit()
    assert admin.get("/api/v1/attention").json["attention"]["allowed"] is False
    assert admin.code_of("/api/v1/attention", {"on": True}, status=400) == "bad_input"
    session.expire_all()
    assert not any(company.attention_monitoring for company in session.query(Company))
