"""The audit log ends after everything it speaks of, and its chain stays whole."""

from datetime import timedelta

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import AuditSegment, VaultObject
from appliance.retention import log_term, terms
from appliance.vocabulary import DataClass

DAY = timedelta(days=1)
ACTOR = Actor.appliance("retention")


def test_the_longest_term_counts(session, make):
    assert log_term.longest(session) == 0  # nobody's data: no log to end
    company = make.company(profile="eu")
    session.flush()
    assert log_term.longest(session) == 730
    exam = make.exam(company=company)
    terms.set_rule(session, ACTOR, company, DataClass.LOG, 1500, 14, utcnow(), exam.id)
    assert log_term.longest(session) == 1500
    endless = make.company(profile="none")
    terms.set_rule(session, ACTOR, endless, DataClass.CHAT, None, 14, utcnow())
    assert log_term.longest(session) is None


def test_sealed_then_destroyed_and_still_whole(session, make, collaborators):
    company = make.company(profile="eu")
    for number in range(5):
        audit.record(session, ACTOR, "test.act", ("test", number), company_id=company.id)
        session.commit()
    now = utcnow()
    assert log_term.run(collaborators, now + 759 * DAY, ACTOR) == (0, [])
    assert log_term.run(collaborators, now + 761 * DAY, ACTOR) == (5, [])
    session.expire_all()
    segment = session.get_one(AuditSegment, 1)
    kept = session.get_one(VaultObject, segment.vault_object_id)
    kept.created_at = now + 761 * DAY  # the vault knows only the real clock
    sealed = collaborators.vault.folder / kept.path
    session.commit()
    assert log_term.run(collaborators, now + 790 * DAY, ACTOR)[1] == []
    assert 1 in log_term.run(collaborators, now + 792 * DAY, ACTOR)[1]
    session.expire_all()
    assert segment.erased_at is not None and sealed.exists()
    collaborators.vault.sweep(session)
    assert not sealed.exists()
    assert audit.verify_chain(session).entries >= 7
