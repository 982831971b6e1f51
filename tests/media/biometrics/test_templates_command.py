"""``kustos templates`` on an appliance's settings."""

import json

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.models import AuditEntry, FaceTemplate
from appliance.services import templates
from tests.bench.biometrics.search import crowd


@pytest.fixture
def run(run_kustos):
    return lambda *arguments: run_kustos("templates", *arguments)


def test_show_renew_revoke(run, make, session, vault):
    sitting = make.sitting()
    templates.enrol(session, Actor.appliance("photo_check"), vault, sitting, next(crowd(1))[0], "ab" * 32)
    session.commit()
    slug, person = make.first_company().slug, sitting.candidate.external_id
    session.commit()
    found = json.loads(run("show", slug).output)
    assert (found["templates"]["in_use"], found["protection"]["version"]) == (1, 1)
    assert "1 templates" in run("renew", slug).output
    assert json.loads(run("show", slug).output)["protection"]["version"] == 2
    assert "1 templates" in run("revoke", slug, person, "--reason", "asked for").output
    session.expire_all()
    assert session.scalars(select(FaceTemplate.content)).all() == [None]
    acts = session.scalars(select(AuditEntry).where(AuditEntry.actor_kind == "cli").order_by(AuditEntry.id)).all()
    assert [entry.action for entry in acts] == ["template.list", "face.renew", "template.list", "face.revoke"]


def test_who_is_not_there_is_said(run, make, session):
    slug = make.first_company().slug
    session.commit()
    wrong = run("show", "nobody")
    assert wrong.exit_code == 1
    assert slug in wrong.stderr
    assert "has no person" in run("revoke", slug, "nobody").stderr
    assert "Nobody is enrolled" in run("renew", slug).stderr
