"""Who reads people's data by the command line is in the audit log, as who reads it on a page."""

from sqlalchemy import select

from appliance.db import utcnow
from appliance.models import AuditEntry, DeletionCertificate
from appliance.vocabulary import Role


def test_every_command_that_shows_people_is_written_down(kustos, make, session, tmp_path):
    company = make.company(slug="north")
    make.user(Role.ADMIN, company=company, email="ada@north.example")
    facts = {
        "kind": "terms",
        "made_at": utcnow(),
        "content": "{}",
        "signature": "00",
        "rows": 0,
        "files": 0,
        "bytes": 0,
    }
    session.add(DeletionCertificate(company_id=company.id, **facts))
    session.commit()
    reading = {
        ("user", "list", "north"): "user.list",
        ("retention", "due", "north"): "retention.view",
        ("retention", "certificate", "show", "1"): "certificate.view",
        ("templates", "show", "north"): "template.list",
        ("compliance", "report", "--company", "north"): "compliance.report",
        ("compliance", "record", "north"): "compliance.record",
        ("compliance", "dpia", "north"): "compliance.dpia",
        ("audit", "export", str(tmp_path / "log.jsonl")): "audit.export",
    }
    for words, action in reading.items():
        before = len(of_commands(session))
        kustos(*words)
        assert of_commands(session)[before:] == [action], words
    assert "ada@north.example" in kustos("user", "list", "north")


def of_commands(session):
    session.rollback()
    return list(
        session.scalars(select(AuditEntry.action).where(AuditEntry.actor_kind == "cli").order_by(AuditEntry.id))
    )
