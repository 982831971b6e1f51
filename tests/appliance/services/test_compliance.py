"""The report: each state by what the live system says, and each test it names exists."""

import ast
import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import click
import pytest

from appliance import audit
from appliance.audit import Actor
from appliance.cli.root import main
from appliance.db import utcnow
from appliance.models import AuditCheckpoint, AuditEntry, FaceTemplate
from appliance.services import compliance, compliance_checks
from appliance.services.compliance import MEASURES
from appliance.services.compliance_checks import Look, State
from appliance.vocabulary import IdentityAction, Role, SittingState

ROOT = Path(__file__).resolve().parents[3]
STATES = {state.value for state in State}


@cache
def functions(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.fixture
def company(make):
    return make.company(profile="ru")


@pytest.fixture
def found(session, settings, company):
    def look(**changes):
        session.flush()
        rows = compliance.report(session, replace(settings, **changes), company)["measures"]
        return {row["key"]: (row["state"], row["setting"]) for row in rows}

    return look


@pytest.mark.parametrize("measure", MEASURES, ids=[measure.key for measure in MEASURES])
def test_each_named_test_exists(measure):
    for test in measure.tests:
        file, _, function = test.partition("::")
        assert function in functions(file), test


def test_each_measure_has_its_own_key_and_evidence_and_all_requirements_are_there():
    assert len({measure.key for measure in MEASURES}) == len(MEASURES)
    assert all(measure.evidence and measure.requirement for measure in MEASURES)
    text = " ".join(measure.requirement for measure in MEASURES)
    for named in (
        "117",
        "21",
        "239",
        "152-FZ",
        "572-FZ",
        "5(1)(e)",
        "17",
        "15, 20, 30, 35",
        "22",
        "12, 26(6)",
        "5(1)(f)",
        "24745",
        "30107-3",
        "19795",
        "WCAG",
    ):
        assert named in text


def test_the_report_counts_its_states(session, settings, company):
    report = compliance.report(session, settings, company)
    assert {row["state"] for row in report["measures"]} <= STATES
    assert sum(report["counts"].values()) == len(MEASURES)
    assert report["counts"]["not met"] > 0  # nothing was ever backed up here
    json.dumps(report)


def test_an_account_without_a_second_factor_is_named(make, company, found):
    make.user(Role.PROCTOR, company=company, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert found()["second_factor"][0] == "met"
    user = make.user(Role.PROCTOR, company=company)
    user.totp_secret = None
    state, words = found()["second_factor"]
    assert state == "not met" and user.email in words
    user.disabled_at = utcnow()
    assert found()["second_factor"][0] == "met"


def test_what_the_settings_say(found):
    plain = found(public_url="http://exam.example", demo=True, outgoing_http=True, master_key="")
    assert {plain[key][0] for key in ("tls", "no_demo", "outgoing")} == {"not met"}
    assert plain["master_key"][0] == "depends on IT"
    better = found(
        public_url="https://exam.example",
        master_key="tpm",
        siem_url="tls://siem.example:6514",
        time_server="ntp.example",
    )
    for key in ("tls", "no_demo", "outgoing", "master_key", "forwarded", "clock"):
        assert better[key][0] == "met", key


def test_the_age_of_signatures_verifications_and_backups(session, settings, company):
    now = utcnow()
    actor = Actor("cli", "root", "root")

    def state(key, at):
        measure = next(one for one in MEASURES if one.key == key)
        return measure.check(Look(session, settings, company, at)).state.value

    assert {state(key, now) for key in ("checkpoints", "verified", "backups", "restored")} == {"not met"}
    session.add(AuditCheckpoint(number=1, entries=1, head_hash="", at=now, statement="", signature=""))
    for action in ("audit.verify", "backup.create", "backup.drill"):
        audit.record(session, actor, action, ("appliance", 1))
    session.commit()
    later = utcnow() + timedelta(minutes=1)
    assert {state(key, later) for key in ("checkpoints", "verified", "backups", "restored")} == {"met"}
    assert state("checkpoints", later + timedelta(hours=3)) == "not met"
    assert state("backups", later + timedelta(days=3)) == "not met"
    assert state("verified", later + timedelta(days=40)) == "not met"


def test_what_exams_and_sittings_say(session, make, company, found):
    company.profile = "none"
    exam = make.exam(company=company, identity_action=IdentityAction.STOP)
    make.sitting(SittingState.RUNNING, exam=exam)
    rows = found()
    assert rows["human"][0] == "not met" and exam.name in rows["human"][1]
    assert rows["consent"] == ("not met", "sittings that went on without one: 1")
    company.attention_monitoring = True
    assert found()["attention"][0] == "not met"
    company.attention_monitoring, company.profile = False, "eu"
    assert found()["attention"][0] == "met"
    assert found()["human"][0] == "met"  # the profile makes a pause of it


def test_four_eyes_as_the_profile_presets(company, found):
    company.four_eyes = []
    assert found()["four_eyes"][0] == "not met"
    company.four_eyes = ["erasure", "hold_release"]
    assert found()["four_eyes"][0] == "met"


def test_the_export_of_settings_has_no_secret(settings, company):
    secret = replace(settings, turn_secret="turn-secret-4711", database_url="postgresql://u:hidden-4711@h/d")
    text = json.dumps(compliance.settings_export(secret, company))
    for hidden in (secret.secret_key, "4711"):
        assert hidden not in text
    assert '"secret_key": "set"' in text and '"lock_minutes": 15' in text


def test_having_it_made_up_is_written_down(session, company):
    compliance.note_view(session, Actor("cli", "root", "root"), company, "report")
    session.commit()
    assert session.query(AuditEntry).filter_by(action="compliance.report").one().details == {"form": "report"}


def test_ages_are_words():
    assert [compliance_checks._age(timedelta(seconds=n)) for n in (5, 600, 9000, 400_000)] == [
        "5 s",
        "10 min",
        "2 h",
        "4 days",
    ]


@pytest.mark.parametrize("measure", MEASURES, ids=[measure.key for measure in MEASURES])
def test_each_command_named_as_evidence_exists(measure):
    for words in re.findall(r"kustos ((?:[a-z-]+ ?)+)", measure.evidence):
        command = main
        for word in words.split():
            command = command.get_command(click.Context(command), word)
            assert command is not None, words


def test_old_passwords_and_templates_without_an_exam_are_found(found, make, session, company):
    user = make.user(Role.REVIEWER, company=company)
    assert found()["passwords"][0] == "met"
    user.password_changed_at = utcnow() - timedelta(days=91)
    state, words = found()["passwords"]
    assert state == "not met" and user.email in words
    candidate = make.candidate(company=company)
    template = {"content": b"x", "model_hash": "ab" * 32, "protection_version": 1}
    session.add(FaceTemplate(company_id=company.id, candidate_id=candidate.id, **template))
    assert found()["biometrics"][0] == "not met"
    assert found()["findings"][0] == "met"
