"""Emotion and engagement: nothing judges them, and in profile eu nothing may ever be allowed to."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from appliance.errors import BadInput
from appliance.models import AuditEntry, Company
from appliance.services import attention


@pytest.fixture
def company(make, session):
    row = make.first_company()
    session.flush()
    return row


def test_it_is_off_until_an_administrator_allows_it_and_the_act_is_audited(company, session, make):
    assert attention.describe(company) == {"on": False, "allowed": True, "profile": company.profile}
    attention.switch(session, make.actor(), company, True)
    session.commit()
    assert session.get_one(Company, company.id).attention_monitoring
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "company.attention_monitoring"))
    assert entry.details["on"] is True


def test_profile_eu_refuses_with_its_reason(company, session, make):
    company.profile = "eu"
    assert not attention.describe(company)["allowed"]
    with pytest.raises(BadInput, match="forbids judging emotion"):
        attention.switch(session, make.actor(), company, True)
    attention.switch(session, make.actor(), company, False)
    assert not company.attention_monitoring


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE company SET attention_monitoring = true, profile = 'eu'",
        "UPDATE company SET profile = 'eu'; UPDATE company SET attention_monitoring = true",
        "UPDATE company SET attention_monitoring = true; UPDATE company SET profile = 'eu'",
    ],
)
def test_no_statement_can_have_both_in_whatever_order(company, session, statement):
    session.commit()
    with pytest.raises(IntegrityError, match="no_attention_monitoring_in_eu"):
        for part in statement.split("; "):
            session.execute(text(part))
    session.rollback()


def test_neither_can_the_model_by_a_change_of_the_profile_afterwards(company, session, make):
    attention.switch(session, make.actor(), company, True)
    session.commit()
    company.profile = "eu"
    with pytest.raises(IntegrityError, match="no_attention_monitoring_in_eu"):
        session.commit()
    session.rollback()
    row = session.get_one(Company, company.id)
    assert (row.profile, row.attention_monitoring) != ("eu", True)
