"""Terms within the profile's limits, and what counts where."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.db import utcnow
from appliance.errors import BadInput, NotFound
from appliance.models import AuditEntry
from appliance.retention import due, terms
from appliance.services.retention_terms import TERMS
from appliance.vocabulary import DataClass, Role, SittingState
from tests.appliance.retention.evidence import fill


@pytest.fixture
def actor(make):
    return make.actor(make.user(Role.SECURITY_OFFICER))


@pytest.mark.parametrize("profile", list(TERMS))
@pytest.mark.parametrize("data_class", list(DataClass))
def test_presets_are_within_their_own_limits(profile, data_class):
    term = TERMS[profile][data_class]
    assert term.within(term.default) == term.default
    assert term.within(0) == term.least and term.within(None) == term.most
    assert (term.most is None) == (term.most_rule == "")


@pytest.mark.parametrize(
    ("profile", "data_class", "days", "words"),
    [
        ("eu", DataClass.METRICS, 183, "AI Act, art. 26"),
        ("eu", DataClass.RECORDING, 366, "GDPR, art. 5"),
        ("eu", DataClass.RECORDING, None, "wants an end"),
        ("ru", DataClass.LOG, 91, "FSTEC"),
        ("ru", DataClass.TEMPLATE, 366, "152-FZ"),
        ("none", DataClass.CHAT, 0, "announced before"),
        ("none", DataClass.CHAT, 10**6, "at most"),
    ],
)
def test_beyond_the_limits_is_refused_with_the_rule(session, make, actor, profile, data_class, days, words):
    company = make.company(profile=profile)
    with pytest.raises(BadInput, match=words):
        terms.set_rule(session, actor, company, data_class, days, 14, utcnow())


def test_what_counts_where(session, make, actor):
    company = make.first_company()
    exam, other = make.exam(company=company), make.company()
    terms.set_rule(session, actor, company, DataClass.CHAT, None, 14, utcnow())
    terms.set_rule(session, actor, company, DataClass.CHAT, 40, 20, utcnow(), exam.id)
    (row,) = [row for row in terms.table(session, company) if row["data_class"] == "chat"]
    assert (row["days"], row["preset"], row["exams"][0]["days"], row["exams"][0]["warn_days"]) == (
        None,
        False,
        40,
        20,
    )
    with pytest.raises(NotFound):
        terms.set_rule(session, actor, other, DataClass.CHAT, 40, 20, utcnow(), exam.id)
    for warn in (2, 91):
        with pytest.raises(BadInput, match="announced 3 to 90 days"):
            terms.set_rule(session, actor, company, DataClass.CHAT, 40, warn, utcnow())
    assert terms.drop_rule(session, actor, company, DataClass.CHAT)
    assert not terms.drop_rule(session, actor, company, DataClass.CHAT)
    session.commit()
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["retention.set", "retention.set", "retention.unset"]


def test_the_database_reckons_as_the_table_says(session, make, actor, collaborators):
    """The query's CASE over profiles, rules and limits gives what ``Term.within`` gives."""
    now = utcnow()
    for profile in ("eu", "ru", "none"):
        company = make.company(profile=profile)
        plain, own = make.exam(company=company), make.exam(company=company)
        terms.set_rule(session, actor, company, DataClass.RECORDING, 100, 14, now)
        terms.set_rule(session, actor, company, DataClass.RECORDING, 50, 30, now, own.id)
        for exam, days, warn in ((plain, 100, 14), (own, 50, 30)):
            sitting = make.sitting(SittingState.CONCLUDED, exam=exam, finished_at=now)
            found = due.subjects(session, DataClass.RECORDING, [sitting.id])[sitting.id]
            assert (found.days, found.warn_days, found.due_at) == (days, warn, now + timedelta(days=days))
            chat = due.subjects(session, DataClass.CHAT, [sitting.id])[sitting.id]
            assert chat.days == TERMS[profile][DataClass.CHAT].default
        company.profile = "eu"  # a rule beyond a new profile's limits does not outlive the change
        session.flush()
    company = make.company(profile="none")
    terms.set_rule(session, actor, company, DataClass.RECORDING, None, 14, now)
    sitting = make.sitting(SittingState.CONCLUDED, exam=make.exam(company=company), finished_at=now)
    assert due.subjects(session, DataClass.RECORDING, [sitting.id])[sitting.id].due_at is None
    company.profile = "eu"
    session.flush()
    assert due.subjects(session, DataClass.RECORDING, [sitting.id])[sitting.id].days == 365


@pytest.mark.parametrize("state", due.AT_WORK)
def test_what_is_still_made_has_no_term_yet(session, make, collaborators, state):
    sitting = make.sitting(state, created_at=utcnow() - timedelta(days=4000))
    fill(session, collaborators, sitting, utcnow())
    for data_class in DataClass:
        number = sitting.candidate_id if data_class in due.OF_PEOPLE else sitting.id
        assert due.subjects(session, data_class, [number]) == {}
        assert due.coming(session, data_class, utcnow(), 10) == []
