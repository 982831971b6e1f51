"""Assignments, grants for a ticket, second persons and API clients over real HTTP."""

from datetime import timedelta

import pytest
from webtest import TestApp

from appliance.db import utcnow
from appliance.models import AccessGrant, ApiClient, AuditEntry, IdentityPhoto
from appliance.security.permission_map import TABLE
from appliance.services.api_clients import PREFIX
from appliance.vocabulary import PhotoKind, Role, SittingState
from web.presenters.access import TITLES


def audited(session, action):
    session.expire_all()
    return session.query(AuditEntry).filter_by(action=action).order_by(AuditEntry.id).all()


@pytest.fixture
def sitting(make, session):
    row = make.sitting(SittingState.IN_REVIEW, started_at=utcnow(), finished_at=utcnow())
    session.commit()
    return row


@pytest.fixture
def photo(make, session, sitting):
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"picture")
    session.flush()
    row = IdentityPhoto(sitting_id=sitting.id, kind=PhotoKind.FACE, vault_object_id=sealed.id, width=1, height=1)
    session.add(row)
    session.commit()
    return row


@pytest.mark.parametrize("role", list(Role))
def test_the_page_shows_everybody_the_map_and_only_what_is_theirs(staff, role):
    browser = staff(role)
    assert browser.get("/access").status_int == 200
    found = browser.get("/api/v1/access").json
    rows = [row for group in found["matrix"]["groups"] for row in group["rows"]]
    assert {row["permission"]: row["cells"] for row in rows} == {
        permission.value: [cell and cell.value for cell in cells] for permission, cells in TABLE.items()
    }
    assert ("api_clients" in found) is (role is Role.ADMIN)
    assert ("engineers" in found) is (role in {Role.ADMIN, Role.SECURITY_OFFICER})
    sees_grants = {Role.ADMIN, Role.SECURITY_OFFICER, Role.SUPPORT, Role.AUDITOR}
    assert (found["grants"] is not None) is (role in sees_grants)


def test_support_sees_a_face_for_a_ticket_and_each_use_is_written_down(staff, make, session, sitting, photo):
    engineer = make.user(Role.SUPPORT, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    support, officer = staff(user=engineer), staff(Role.SECURITY_OFFICER)
    image, timeline = f"/api/v1/photos/{photo.id}/image", f"/api/v1/sittings/{sitting.id}/timeline"
    support.get(image, status=403)
    support.get(f"/sittings/{sitting.id}", status=403)
    body = {"user_id": engineer.id, "ticket": "T-77", "sights": ["faces"], "hours": 2, "sitting_id": sitting.id}
    granted = officer.post_ok("/api/v1/grants", body)["grant"]
    assert support.get(image).body == b"picture"
    support.get(image)
    support.get(timeline)
    page = support.get(f"/sittings/{sitting.id}")
    assert "photo.view" in page.text
    assert [grant["ticket"] for grant in support.get("/api/v1/access").json["grants"]] == ["T-77"]
    uses = audited(session, "grant.use")
    assert {row.details["permission"] for row in uses} == {"photo.view", "sitting.review"}
    assert len([row for row in uses if row.details["permission"] == "photo.view"]) == 1
    assert {row.details["ticket"] for row in uses} == {"T-77"}
    assert {row.details["seen"] for row in uses} == {sitting.id}
    officer.post_ok(f"/api/v1/grants/{granted['id']}/revoke")
    support.get(image, status=403)
    assert [row.details["ticket"] for row in audited(session, "grant.revoke")] == ["T-77"]


def test_a_grant_that_has_expired_opens_nothing(staff, make, session, sitting, photo):
    engineer = make.user(Role.SUPPORT, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    officer, support = staff(Role.SECURITY_OFFICER), staff(user=engineer)
    body = {"user_id": engineer.id, "ticket": "T-1", "sights": ["faces", "recordings"], "hours": 24}
    number = officer.post_ok("/api/v1/grants", body)["grant"]["id"]
    support.get(f"/api/v1/photos/{photo.id}/image")
    session.get_one(AccessGrant, number).expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    support.get(f"/api/v1/photos/{photo.id}/image", status=403)
    assert officer.get("/api/v1/access").json["grants"][0]["over"] is True


def test_what_cannot_be_granted(staff, make, session, sitting):
    officer = staff(Role.SECURITY_OFFICER)
    engineer, foreign = make.user(Role.SUPPORT), make.sitting(exam=make.exam(company=make.company()))
    stranger, proctor = make.user(Role.SUPPORT, company=make.company()), make.user()
    session.commit()
    good = {"user_id": engineer.id, "ticket": "T", "sights": ["faces"], "hours": 1, "sitting_id": sitting.id}
    for wrong, status in (
        ({"user_id": stranger.id}, 404),
        ({"sitting_id": foreign.id}, 404),
        ({"user_id": proctor.id}, 400),
        ({"hours": 24.5}, 400),
        ({"hours": 0}, 400),
        ({"ticket": " "}, 400),
        ({"sights": []}, 400),
        ({"sights": ["voices"]}, 400),
    ):
        officer.post_ok("/api/v1/grants", {**good, **wrong}, status)
    assert audited(session, "grant.give") == []
    number = officer.post_ok("/api/v1/grants", good)["grant"]["id"]
    outsider = staff(
        user=make.user(Role.ADMIN, company=make.company(), totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    )
    outsider.post_ok(f"/api/v1/grants/{number}/revoke", status=404)


@pytest.fixture
def api_client(staff, make):
    """``api_client(["sitting.list"])``: headers of a new API client, made by an administrator."""

    def create(permissions, exam_ids=None, admin=None):
        admin = admin or staff(Role.ADMIN)
        body = {"name": "Campus", "permissions": permissions, "days": 30, "exam_ids": exam_ids}
        made = admin.post_ok("/api/v1/api-clients", body)
        assert made["token"].startswith(PREFIX)
        return {"Authorization": f"Bearer {made['token']}"}

    return create


def test_a_program_reads_what_it_was_given_without_cookie_and_csrf(application, api_client, sitting, session):
    headers, program = api_client(["sitting.list"]), TestApp(application)
    found = program.get("/api/v1/sittings", headers=headers)
    assert [row["id"] for row in found.json["sittings"]] == [sitting.id]
    assert "Set-Cookie" not in found.headers
    assert program.get("/api/v1/exams", headers=headers, status=403).json["error"]["code"] == "not_allowed"
    program.get(f"/api/v1/sittings/{sitting.id}/timeline", headers=headers, status=403)
    program.post("/api/v1/live-token", headers=headers, status=403)
    # a page is for people, who log in
    assert program.get("/archive", headers=headers, status=303).location.endswith("/login?next=/archive")
    assert session.query(ApiClient).one().last_used_at is not None


def test_what_a_program_does_is_written_down_as_its_own(application, api_client, make, session):
    exam = make.exam()
    session.commit()
    headers = api_client(["exam.edit"])
    body = {"weights": {"phone": 2}}
    TestApp(application).post_json(f"/api/v1/exams/{exam.id}/weights", body, headers=headers, status=200)
    (entry,) = audited(session, "exam.set_weights")
    client = session.query(ApiClient).one()
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("api", str(client.id), "Campus")
    (made,) = audited(session, "api_client.create")
    assert made.details["permissions"] == ["exam.edit"]
    assert client.token_hash not in str(made.details)


def test_a_program_of_one_exam_reaches_no_other(application, api_client, make, session):
    mine, other = make.sitting(exam=make.exam()), make.sitting(exam=make.exam())
    session.commit()
    headers = api_client(["sitting.list", "sitting.review", "exam.list"], [mine.exam_id])
    program = TestApp(application)
    assert [row["id"] for row in program.get("/api/v1/sittings", headers=headers).json["sittings"]] == [mine.id]
    assert [row["id"] for row in program.get("/api/v1/exams", headers=headers).json["exams"]] == [mine.exam_id]
    program.get(f"/api/v1/sittings/{mine.id}/timeline", headers=headers)
    program.get(f"/api/v1/sittings/{other.id}/timeline", headers=headers, status=403)


def test_another_companys_things_do_not_exist_for_a_program(application, api_client, make, session):
    foreign = make.sitting(exam=make.exam(company=make.company()))
    session.commit()
    headers = api_client(["sitting.list", "sitting.review"])
    TestApp(application).get(f"/api/v1/sittings/{foreign.id}/timeline", headers=headers, status=404)


def test_a_token_that_is_over_is_refused_and_the_attempt_written_down(application, api_client, staff, session):
    admin = staff(Role.ADMIN)
    headers, program = api_client(["sitting.list"], admin=admin), TestApp(application)
    row = session.query(ApiClient).one()
    row.expires_at = utcnow()
    session.commit()
    assert program.get("/api/v1/sittings", headers=headers, status=401).json["error"]["code"] == "token_invalid"
    row.expires_at = utcnow() + timedelta(days=1)
    session.commit()
    program.get("/api/v1/sittings", headers=headers, status=200)
    admin.post_ok(f"/api/v1/api-clients/{row.id}/revoke")
    program.get("/api/v1/sittings", headers=headers, status=401)
    assert [(e.result, e.details["reason"]) for e in audited(session, "api_client.enter")] == [
        ("refused", "expired"),
        ("refused", "revoked"),
    ]


@pytest.mark.parametrize("token", ["", "x", PREFIX, PREFIX + "x" * 43, "x" * 5000, "kustos_\u00e9"])
def test_a_wrong_token_opens_nothing_even_with_a_cookie(staff, token):
    browser = staff(Role.ADMIN)
    header = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    assert browser.get("/api/v1/sittings", headers=header, status=401).json["error"]["code"] == "token_invalid"


def test_what_a_program_cannot_be_given(staff, make, session):
    admin, foreign = staff(Role.ADMIN), make.exam(company=make.company())
    session.commit()
    good = {"name": "x", "permissions": ["sitting.list"], "days": 1, "exam_ids": None}
    for wrong, status in (
        ({"permissions": ["conclusion.give"]}, 400),
        ({"permissions": ["media.publish"]}, 400),
        ({"permissions": []}, 400),
        ({"permissions": ["audit.read"], "exam_ids": []}, 400),
        ({"exam_ids": [foreign.id]}, 404),
        ({"days": 400}, 400),
        ({"name": "\n"}, 400),
    ):
        admin.post_ok("/api/v1/api-clients", {**good, **wrong}, status)
    assert session.query(ApiClient).count() == 0


def test_four_eyes_over_the_wire(staff, make, session, sitting):
    admin, reviewer = staff(Role.ADMIN), staff(Role.REVIEWER)
    admin.post_ok("/api/v1/access/four-eyes", {"acts": ["conclusion_change"]})
    path = f"/api/v1/sittings/{sitting.id}/conclusion"
    reviewer.post_ok(path, {"conclusion": "accepted"})
    reviewer.post_ok(path, {"conclusion": "accepted", "comment": "said again"})
    wanted = reviewer.post_ok(path, {"conclusion": "rejected"}, 409)["error"]
    assert wanted["code"] == "approval_wanted"
    number = wanted["details"]["approval_id"]
    assert reviewer.post_ok(path, {"conclusion": "rejected"}, 409)["error"]["details"]["approval_id"] == number
    mine = reviewer.get("/api/v1/access").json["approvals"]
    assert [(row["id"], row["state"], row["act"]) for row in mine] == [(number, "waiting", "conclusion_change")]
    assert mine[0]["details"] == {"before": "accepted", "after": "rejected"}
    decide = f"/api/v1/approvals/{number}/decide"
    reviewer.post_ok(decide, {"agreed": True, "reason": "I say so"}, 403)
    admin.post_ok(decide, {"agreed": True, "reason": ""}, 400)
    admin.post_ok(decide, {"agreed": True, "reason": "seen together"})
    reviewer.post_ok(path, {"conclusion": "rejected"})
    reviewer.post_ok(path, {"conclusion": "accepted"}, 409)
    actions = [row.action for row in session.query(AuditEntry).filter(AuditEntry.action.startswith("approval."))]
    assert actions == ["approval.request", "approval.agree", "approval.use", "approval.request"]


def test_the_organiser_says_who_works_on_an_exam(staff, make, session):
    proctor = make.user(assigned=False, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    sitting = make.sitting(SittingState.WAITING)
    session.commit()
    organiser, watcher = staff(Role.ORGANISER), staff(user=proctor)
    assert watcher.get("/api/v1/room").json["sittings"] == []
    assert watcher.get("/api/v1/sittings").json["sittings"] == []
    assert watcher.code_of(f"/api/v1/sittings/{sitting.id}/claim", status=403) == "not_allowed"
    organiser.post_ok(f"/api/v1/exams/{sitting.exam_id}/assignments", {"user_ids": [proctor.id]})
    assert [row["id"] for row in watcher.get("/api/v1/room").json["sittings"]] == [sitting.id]
    watcher.post_ok(f"/api/v1/sittings/{sitting.id}/claim")
    people = organiser.get("/api/v1/assignments").json["people"]
    assert {row["id"]: row["exam_ids"] for row in people}[proctor.id] == [sitting.exam_id]


def test_a_limited_organiser_edits_and_assigns_only_their_exams(staff, make, session):
    mine, other = make.exam(), make.exam()
    person = make.user(Role.ORGANISER, limited=True, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    make.assign(person, exam=mine)
    session.commit()
    organiser = staff(user=person)
    assert [row["id"] for row in organiser.get("/api/v1/exams").json["exams"]] == [mine.id]
    for path, body in (("weights", {"weights": {"phone": 1}}), ("assignments", {"user_ids": []})):
        organiser.post_ok(f"/api/v1/exams/{mine.id}/{path}", body)
        organiser.post_ok(f"/api/v1/exams/{other.id}/{path}", body, 403)


def test_nobody_lifts_their_own_limit(staff, make, session):
    person = make.user(Role.ORGANISER, limited=True, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    session.commit()
    organiser = staff(user=person)
    organiser.post_ok(f"/api/v1/staff/{person.id}/limit", {"limited": False}, 403)
    organiser.post_ok("/api/v1/access/new-exams", {"to_proctors": False}, 403)
    exam = make.exam()
    session.commit()
    organiser.post_ok(f"/api/v1/exams/{exam.id}/assignments", {"user_ids": [person.id]}, 403)


def test_every_permission_has_words():
    assert set(TITLES) == set(TABLE), "give a new permission words in web/presenters/access.py"
