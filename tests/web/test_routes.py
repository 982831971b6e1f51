"""The table of routes: who gets in where. Every row x every role, a candidate, and nobody."""

import json
import re
from datetime import timedelta

import pytest

from appliance.models import (
    AccessGrant,
    ApiClient,
    Approval,
    Challenge,
    ChallengePictures,
    Conversation,
    DeletionCertificate,
    EvidencePicture,
    Export,
    IdentityPhoto,
    IdentityProvider,
    Incident,
    LegalHold,
    Node,
    Observation,
    Part,
    PersonExport,
    PipelineCheck,
    Seat,
    SecurityKey,
)
from appliance.security.permission_map import CANDIDATE_PERMISSIONS, TABLE, Permission
from appliance.services import accounts, notices
from appliance.settings import load_settings
from appliance.vocabulary import (
    ChallengeKind,
    ConversationKind,
    ExportContainer,
    FourEyesAct,
    HoldScope,
    IdentityProviderKind,
    ObservationSource,
    ObservationType,
    PhotoKind,
    ProvedBy,
    Role,
    Scope,
    SittingState,
    Track,
)
from tests.web.bodies import body_of
from tests.web.conftest import Browser
from web import contexts
from web.policy import Side
from web.routes import ROUTES

STAFF_ROWS = [row for row in ROUTES[Side.STAFF] if row.permission is not None]
CANDIDATE_ROWS = ROUTES[Side.CANDIDATE]
REFUSED = {401, 403}


@pytest.fixture
def address(make, session):
    """Fills a row's pattern with ids of things that exist."""
    sitting = make.sitting(SittingState.WAITING)
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"picture")
    session.flush()
    seen = Observation(
        sitting_id=sitting.id,
        type=ObservationType.PHONE,
        source=ObservationSource.DETECTOR,
        started_at=sitting.created_at,
    )
    photo = IdentityPhoto(sitting_id=sitting.id, kind=PhotoKind.FACE, vault_object_id=sealed.id, width=1, height=1)
    part = Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=1, path="", node_url="")
    marked = Incident(
        sitting_id=sitting.id,
        type=ObservationType.PHONE,
        started_at=sitting.created_at,
        created_by_id=make.user(Role.REVIEWER).id,
    )
    export = Export(
        sitting_id=sitting.id,
        contents=["camera"],
        container=ExportContainer.WEBM,
        with_records=True,
        language="en",
        requested_by={"kind": "user", "name": "Reviewer", "role": "reviewer"},
        files=[],
    )
    talk = Conversation(company_id=sitting.company_id, kind=ConversationKind.CALL, host=make.user(Role.PROCTOR))
    talk.seats = [Seat(sitting=sitting)]
    colleague = make.user(Role.REVIEWER)
    login, _ = accounts.begin_session(
        session, colleague, load_settings({}, secret_key="x"), "", "", proved_by=ProvedBy.TOTP
    )
    notice = notices.give(session, sitting.company_id, "break_glass")
    key = SecurityKey(user_id=colleague.id, credential_id=b"key", public_key=b"", name="Key")
    session.add(key)
    node = Node(name="one", url="ws://127.0.0.1:1/kurento")
    support = make.user(Role.SUPPORT)
    checked = PipelineCheck(company_id=sitting.company_id, sitting_id=sitting.id, requested_by_id=support.id)
    session.add(checked)
    challenge = Challenge(sitting_id=sitting.id, kind=ChallengeKind.LIVENESS)
    session.add(challenge)
    session.flush()
    session.add(ChallengePictures(challenge_id=challenge.id, evidence=True, number=1, vault_object_id=sealed.id))
    session.add(seen)
    session.flush()
    session.add(
        EvidencePicture(observation_id=seen.id, number=1, taken_at=sitting.created_at, vault_object_id=sealed.id)
    )
    session.add_all([export, seen, photo, part, marked, talk, node])
    held = LegalHold(
        company_id=sitting.company_id,
        scope=HoldScope.EXAM,
        exam_id=sitting.exam_id,
        reason="case 1",
        owner="Ann",
        release_reason="",
    )
    asked = PersonExport(company_id=sitting.company_id, candidate_id=sitting.candidate_id, with_recordings=False)
    asked.problem = ""
    said = {
        "company": {"name": "One"},
        "made_ms": 0,
        "kind": "retention",
        "asked": {"by": "schedule", "legal_basis": "not_needed", "reference": ""},
        "totals": {"rows": 0, "files": 0, "bytes": 0, "keys": 0},
        "items": [],
        "kept": [],
        "audit_entries": [],
        "key_fingerprint": "",
    }
    certified = DeletionCertificate(
        company_id=sitting.company_id,
        kind="retention",
        made_at=sitting.created_at,
        rows=0,
        files=0,
        bytes=0,
        content=json.dumps(said),
        signature="",
    )
    session.add_all([held, asked, certified])
    later = sitting.created_at + timedelta(days=1)
    granted = AccessGrant(
        company_id=sitting.company_id, user_id=support.id, ticket="T-1", sights=[], expires_at=later
    )
    granted.granted_by_id = colleague.id
    program = ApiClient(company_id=sitting.company_id, name="x", permissions=[], token_hash="x", expires_at=later)
    wanted = Approval(company_id=sitting.company_id, act=FourEyesAct.EXPORT, subject_kind="sitting", subject_id="1")
    wanted.details, wanted.digest, wanted.expires_at = {}, "x", later
    wanted.requested_by = {"kind": "cli", "id": "root", "name": "root"}
    provider = IdentityProvider(company_id=sitting.company_id, kind=next(iter(IdentityProviderKind)), name="One")
    session.add_all([granted, program, wanted, provider])
    session.commit()
    ids = {
        "sittings": sitting.id,
        "observations": seen.id,
        "photos": photo.id,
        "parts": part.id,
        "incidents": marked.id,
        "exams": sitting.exam_id,
        "warnings": marked.id,
        "hand-ins": 1,
        "exports": export.id,
        "conversations": talk.id,
        "nodes": node.id,
        "checks": checked.id,
        "people": sitting.candidate_id,
        "challenges": challenge.id,
        "staff": colleague.id,
        "sessions": login.id,
        "keys": key.id,
        "notices": notice.id,
        "holds": held.id,
        "person-exports": asked.id,
        "certificates": certified.id,
        "grants": granted.id,
        "api-clients": program.id,
        "approvals": wanted.id,
        "providers": provider.id,
        "sign-on": provider.id,
    }

    def fill(row):
        filled = re.sub(r"/([\w-]+)/\{id(?::[^}]*)?\}", lambda found: f"/{found[1]}/{ids[found[1]]}", row.pattern)
        filled = re.sub(r"\{number[^}]*\}", "1", filled)
        filled = re.sub(r"\{name:(\w+)[^}]*\}", r"\1", filled)
        filled = re.sub(r"\{kind:liveness[^}]*\}", "liveness", filled)
        return re.sub(r"\{kind:[^}]*\}", "face", filled).replace("{n}", "0").replace("{step}", "0")

    return fill


def status(browser: Browser, row, path: str, body: bytes = b"{}") -> int:
    if row.method == "GET":
        return browser.get(path, expect_errors=True).status_int
    headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
    return browser.request(path, method=row.method, body=body, headers=headers, expect_errors=True).status_int


@pytest.mark.parametrize("role", list(Role))
def test_staff_get_in_exactly_where_their_role_permits(staff, address, role):
    browser = staff(role)
    for row in STAFF_ROWS:
        got = status(browser, row, address(row))
        if getattr(TABLE[row.permission], role.value) not in {None, Scope.GRANTED}:
            assert got not in REFUSED, f"{role} is kept out of {row.method} {row.pattern}: {got}"
            assert got < 500, f"{row.method} {row.pattern} fails: {got}"
        else:
            assert got == 403, f"{role} gets into {row.method} {row.pattern}: {got}"


def test_nobody_gets_in_anywhere(browser, address):
    for side, rows in ((Side.STAFF, STAFF_ROWS), (Side.CANDIDATE, CANDIDATE_ROWS)):
        for row in rows:
            got = status(browser, row, address(row))
            wants_login = side is Side.STAFF and row.method == "GET" and not row.pattern.startswith("/api/")
            assert got == (303 if wants_login else 401), f"nobody gets {got} at {row.method} {row.pattern}"


def test_a_candidates_cookie_opens_no_staff_route(candidate, address):
    browser, _ = candidate()
    for row in STAFF_ROWS:
        assert status(browser, row, address(row)) in {401, 303}, row.pattern


def test_a_staff_cookie_opens_no_candidate_route(staff, address):
    browser = staff(Role.ADMIN)
    for row in CANDIDATE_ROWS:
        assert status(browser, row, address(row)) == 401, row.pattern


def test_both_cookies_in_one_browser_each_open_their_own_side(staff, candidate):
    browser = staff(Role.PROCTOR)
    sitter, sitting = candidate()
    browser.set_cookie("kustos_sitting", sitter.cookies["kustos_sitting"].strip('"'))
    assert browser.get("/api/v1/sitting").json["sitting"]["id"] == sitting.id
    assert browser.get("/api/v1/room").status_int == 200


def test_a_candidate_gets_in_at_all_own_routes(candidate, address):
    browser, _ = candidate()
    for row in CANDIDATE_ROWS:
        assert row.permission in CANDIDATE_PERMISSIONS
        assert status(browser, row, address(row)) not in REFUSED, row.pattern


def test_every_staff_route_but_log_out_has_a_permission():
    without = [row.pattern for row in ROUTES[Side.STAFF] if row.permission is None]
    assert without == ["/logout"]


def test_every_unsafe_route_wants_its_token(staff, candidate, address):
    admin, (sitter, _) = staff(Role.ADMIN), candidate()
    for side, browser in ((Side.STAFF, admin), (Side.CANDIDATE, sitter), (Side.OPEN, admin)):
        for row in ROUTES[side]:
            if row.method == "GET":
                continue
            for headers in (
                {},
                {"X-CSRF-Token": "wrong"},
                {"X-CSRF-Token": browser.csrf, "Origin": "https://a.example"},
            ):
                answer = browser.request(address(row), method=row.method, headers=headers, expect_errors=True)
                assert answer.status_int == 403, f"{row.pattern} takes {headers}"


SHARED = {Permission.NODE_VIEW, Permission.NODE_DRAIN}
"""Nodes are the whole appliance's."""

OF_A_SITTING = {
    contexts.sitting,
    contexts.photo,
    contexts.challenge_picture,
    contexts.part,
    contexts.observation,
    contexts.incident,
    contexts.export,
    contexts.exam,
}


def test_another_companys_things_do_not_exist(staff, make, session, address):
    """Every number in every address is another company's, and what is sent with it is right."""
    stranger = make.user(Role.ADMIN, company=make.company(), totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    browser = staff(user=stranger)
    looked = 0
    for row in STAFF_ROWS:
        if "{id}" in row.pattern and row.permission not in SHARED:
            got = status(browser, row, address(row), body_of(row.schema))
            assert got == 404, f"{row.method} {row.pattern}: {got}"
            looked += 1
    assert looked > 50


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.PROCTOR, {"assigned": False}),
        (Role.REVIEWER, {"limited": True}),
        (Role.ORGANISER, {"limited": True}),
        (Role.SUPPORT, {}),
    ],
)
def test_what_is_not_assigned_and_not_granted_is_closed_at_every_route(staff, make, address, role, fields):
    browser = staff(user=make.user(role, totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", **fields))
    looked = 0
    for row in STAFF_ROWS:
        reach = getattr(TABLE[row.permission], role.value)
        narrowed = role is not Role.SUPPORT or reach is Scope.GRANTED
        if row.context in OF_A_SITTING and reach is not None and narrowed:
            got = status(browser, row, address(row), body_of(row.schema))
            assert got == 403, f"{role} gets {got} at {row.method} {row.pattern}"
            looked += 1
    assert looked >= 7
    if role is not Role.SUPPORT:
        assert browser.get("/api/v1/sittings").json["sittings"] == []
        assert browser.get("/api/v1/exams").json["exams"] == []
    if role is Role.PROCTOR:
        assert browser.get("/api/v1/room").json["sittings"] == []


def test_a_proctor_cannot_act_on_a_colleagues_sitting(staff, make, session):
    sitting = make.sitting(SittingState.WAITING, proctor_id=make.user(Role.PROCTOR).id)
    browser = staff(Role.PROCTOR)
    assert browser.code_of(f"/api/v1/sittings/{sitting.id}/start", status=403) == "not_allowed"


@pytest.mark.parametrize("number", ["0", "999999999", "x", "-1", "9" * 30, "%D9%A1"])
def test_an_id_that_is_none_is_not_found(staff, number):
    browser = staff(Role.ADMIN)
    assert browser.get(f"/api/v1/sittings/{number}/timeline", status=404).json["error"]["code"] == "not_found"


def test_a_wrong_method_says_which_is_right(staff):
    answer = staff(Role.PROCTOR).delete("/api/v1/room", status=405)
    assert answer.headers["Allow"] == "GET"
    assert answer.json["error"]["code"] == "bad_input"
