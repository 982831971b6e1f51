"""Support's table with its search, and checks of the pipeline: asked for, answered or not, taken away."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.diagnostics.report import failed, passed, warning
from appliance.models import AuditEntry, LiveEvent, PipelineCheck
from appliance.services import pipeline_checks
from appliance.vocabulary import Role, SittingState


@pytest.fixture
def support(staff):
    return staff(Role.SUPPORT)


@pytest.fixture
def running(make, session):
    row = make.sitting(SittingState.RUNNING)
    session.commit()
    return row


def asked(support, sitting=None):
    path = "/api/v1/support/check" if sitting is None else f"/api/v1/support/sittings/{sitting.id}/check"
    return support.post_ok(path)["check"]


def test_a_check_is_asked_for_on_the_bus_and_in_the_audit_log(support, running, session):
    check = asked(support, running)
    assert (check["state"], check["steps"], check["sitting_id"]) == ("waiting", [], running.id)
    [event] = session.scalars(select(LiveEvent).where(LiveEvent.kind == "check.requested"))
    assert (event.topic, event.payload) == ("checks", {"check_id": check["id"]})
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "support.check"))
    assert (entry.subject_kind, int(entry.subject_id)) == ("sitting", running.id)


def test_a_gateway_that_does_not_answer_is_the_first_failed_step(support, running, session):
    number = asked(support, running)["id"]
    session.get_one(PipelineCheck, number).requested_at = utcnow() - timedelta(seconds=4)
    session.commit()
    answer = support.get(f"/api/v1/support/checks/{number}").json["check"]
    assert answer["state"] == "done"
    [step] = answer["steps"]
    assert (step["key"], step["cause"], step["state"]) == ("support_gateway", "gateway_silent", "failed")
    assert "kustos check" in step["remedy"]
    assert answer["verdict"] == step


def test_steps_appear_the_first_failure_is_the_verdict_and_the_bundle_is_taken_away(support, running, session, vault):
    number = asked(support, running)["id"]
    assert pipeline_checks.claim(session, number)
    assert not pipeline_checks.claim(session, number)
    session.commit()
    pipeline_checks.add_steps(session, number, [passed("database").to_json(), warning("disk", "disk_low").to_json()])
    session.commit()
    seen = support.get(f"/api/v1/support/checks/{number}").json["check"]
    assert (seen["state"], [step["title"] for step in seen["steps"]]) == ("running", ["Database", "Disk"])
    support.get(f"/api/v1/support/checks/{number}/bundle", status=404)
    steps = [failed("devices", "camera_muted", "camera", camera="muted"), failed("flow", "no_flow", "camera")]
    pipeline_checks.add_steps(session, number, [step.to_json() for step in steps])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("report.txt", "why")
    sealed = vault.seal(session, f"sitting:{running.id}", "bundle", packed.getvalue())
    pipeline_checks.end(session, number, sealed.id)
    pipeline_checks.end(session, number, failure="its process ended")  # what the gateway says after it: too late
    session.commit()
    answer = support.get(f"/api/v1/support/checks/{number}").json
    assert (answer["check"]["state"], answer["check"]["verdict"]["cause"]) == ("done", "camera_muted")
    assert ["Camera", "muted"] in answer["check"]["verdict"]["shown"]
    assert [one["id"] for one in answer["history"]] == [number]
    text = support.get(f"/api/v1/support/checks/{number}/text").text
    assert "The camera is muted in the browser" in text
    assert "Камера" in support.get(f"/api/v1/support/checks/{number}/text?lang=ru").text
    download = support.get(f"/api/v1/support/checks/{number}/bundle")
    assert zipfile.ZipFile(io.BytesIO(download.body)).namelist() == ["report.txt"]
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "support.bundle")).one()


def test_a_check_whose_process_broke_off_says_so(support, session):
    number = asked(support)["id"]
    pipeline_checks.claim(session, number)
    pipeline_checks.end(session, number, failure="Its process ended with status -9.")
    session.commit()
    answer = support.get(f"/api/v1/support/checks/{number}").json["check"]
    assert (answer["state"], answer["steps"][0]["cause"]) == ("broken", "check_broke_off")
    assert "-9" in answer["steps"][0]["detail"]


def test_what_nobody_took_for_long_is_not_begun_any_more(support, session):
    number = asked(support)["id"]
    session.get_one(PipelineCheck, number).requested_at = utcnow() - timedelta(minutes=1)
    session.commit()
    assert not pipeline_checks.claim(session, number)


def test_no_more_checks_at_once_than_are_good_for_the_nodes(support, session):
    for _ in range(pipeline_checks.AT_ONCE):
        pipeline_checks.claim(session, asked(support)["id"])
        session.commit()
    support.post_json("/api/v1/support/check", {}, headers={"X-CSRF-Token": support.csrf}, status=429)


def test_a_sitting_that_is_over_is_not_checked(support, make, session):
    over = make.sitting(SittingState.FINISHED)
    session.commit()
    assert support.code_of(f"/api/v1/support/sittings/{over.id}/check") == "bad_input"


def test_another_companys_check_is_not_found(support, make, session):
    other = make.company()
    user = make.user(Role.SUPPORT, company=other)
    session.commit()
    actor = Actor("user", str(user.id), user.name, "192.0.2.9", other.id, "support")
    row = pipeline_checks.request(session, actor, None)
    session.commit()
    support.get(f"/api/v1/support/checks/{row.id}", status=404)


def test_the_table_is_searched_by_name_mail_id_and_number(support, make, session):
    ada = make.sitting(SittingState.WAITING, candidate=make.candidate(first_name="Ada", email="ada@example.org"))
    bob = make.sitting(SittingState.RUNNING, candidate=make.candidate(first_name="Bob", external_id="student-77"))
    make.sitting(SittingState.FINISHED, candidate=make.candidate(first_name="Ada"))
    session.commit()

    def found(q):
        answer = support.get("/api/v1/support/sittings", {"q": q}).json
        return [row["id"] for row in answer["sittings"]]

    assert found("") == [ada.id, bob.id]
    assert found("ada@exam") == [ada.id]
    assert found("bob") == found("student-77") == found(f"#{bob.id}") == [bob.id]
    assert found("100%") == found("nobody") == []
    assert 'value="bob &lt;"' in support.get("/support", {"q": "bob <"}).text


def test_old_checks_of_the_appliance_are_destroyed_with_their_bundles(support, running, session, vault):
    old, fresh, of_a_sitting = (asked(support, one)["id"] for one in (None, None, running))
    bundles = {}
    for number in (old, fresh, of_a_sitting):
        row = session.get_one(PipelineCheck, number)
        sealed = vault.seal(session, pipeline_checks.purpose(row), "bundle", b"why")
        bundles[number] = vault.folder / sealed.path
        pipeline_checks.end(session, number, sealed.id)
        if number != fresh:
            row.requested_at = utcnow() - timedelta(days=91)
    session.commit()
    assert pipeline_checks.expire(session, Actor.appliance("upkeep"), vault, 90) == [old]
    session.commit()
    assert vault.sweep(session, timedelta(0)) == 1
    assert [path.exists() for path in bundles.values()] == [False, True, True]
    support.get(f"/api/v1/support/checks/{old}", status=404)
    assert support.get(f"/api/v1/support/checks/{of_a_sitting}/bundle").body == b"why"
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "check.expire"))
    assert (entry.actor_kind, entry.subject_kind, int(entry.subject_id)) == ("appliance", "check", old)
