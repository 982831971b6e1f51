"""Record of processing and impact assessment: what they say is what is set."""

from appliance.db import utcnow
from appliance.retention import dpia, processing_record, terms
from appliance.vocabulary import BiometricsMode, DataClass, Role


def test_the_record_follows_the_settings(session, make, settings):
    company = make.company(profile="eu", name="Uni <b>| *Ost*", support_email="help@example.org")
    make.exam(company=company, name="Algebra", biometrics=BiometricsMode.NONE)
    actor = make.actor(make.user(Role.SECURITY_OFFICER, company=company))
    before = processing_record.record(session, settings, company, utcnow())
    assert "| recording | camera, screen" in before and "| 90 | 14 |" in before
    terms.set_rule(session, actor, company, DataClass.RECORDING, 77, 21, utcnow())
    after = processing_record.record(session, settings, company, utcnow())
    assert "| 77 | 21 |" in after
    for words in ("1 with faces measured: none", "help@example.org", "to be filled in", "art. 30", "audit_entry"):
        assert words in after, words
    page = processing_record.as_html(after, company.name)
    assert "<h1>Record of processing activities: Uni &lt;b&gt;| *Ost*</h1>" in page
    assert "<script" not in page and "<td>77</td>" in page and "**" not in page


def test_the_assessment_knows_the_exams(session, make, settings):
    company = make.company(profile="ru")
    make.exam(company=company, name="Physics", liveness=True, biometrics=BiometricsMode.ON_DEVICE)
    text = dpia.template(session, settings, company, utcnow())
    assert "| Physics | online | in the candidate's browser" in text and "| yes | note |" in text
    assert "art. 35" in text and text.count(processing_record.FILL_IN) > 8
    assert processing_record.as_html(text, "x").count("<table>") == 3
