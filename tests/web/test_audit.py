"""The officer's page over HTTP: search, proof, files, viewers, unusual access, and the log that cannot be written."""

import csv
import io
import subprocess
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import text

from appliance import audit
from appliance.audit import Actor, deliveries, export, verification
from appliance.audit.statements import Signer
from appliance.db import to_ms, utcnow
from appliance.models import Assignment, AuditEntry, Part
from appliance.vocabulary import PartState, Role, SittingState, Track

ANNA = "Анна Смирнова"


@pytest.fixture
def officer(staff):
    return staff(Role.SECURITY_OFFICER)


@pytest.fixture
def company(make):
    return make.first_company()


def act(session, company, action="recording.view", subject=("sitting", 1), name=ANNA, result="success", **details):
    actor = Actor("user", "7" if name == ANNA else "8", name, "192.0.2.77", company.id, "proctor")
    audit.record(session, actor, action, subject, result, **details)
    session.commit()


@pytest.fixture
def log(session, company):
    act(session, company)
    act(session, company, "photo.view", ("photo", 3), sitting_id=1)
    act(session, company, name="Boris", subject=("sitting", 2))
    act(session, company, "user.log_in", ("user", "x"), name="Boris", result="refused")
    act(session, company, "sitting.note", ("sitting", 2), text='=HYPERLINK("http://x")', name="=1+1")
    return session


def ids(browser, **query):
    found = browser.get("/api/v1/audit", query).json["entries"]
    return sorted(row["id"] for row in found if row["action"] not in {"user.log_in", "audit.search"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 5]),
        ({"who": "анна"}, [1, 2]),
        ({"who": "user:7"}, [1, 2]),
        ({"who": "nobody at all"}, []),
        ({"action": "recording."}, [1, 3]),
        ({"action": "nothing"}, []),
        ({"subject": "sitting 2"}, [3, 5]),
        ({"subject": "sitting"}, [1, 3, 5]),
        ({"subject": "sitting:2", "who": "Boris"}, [3]),
        ({"address": "192.0.2.77", "action": "photo"}, [2]),
        ({"result": "success", "who": "7"}, [1, 2]),
        ({"result": "unsuccessful", "who": "Анна"}, []),
        ({"from_ms": 0, "to_ms": 10}, []),
    ],
)
def test_search(log, officer, query, expected):
    assert ids(officer, **query) == expected


def test_refused_attempts_are_found(log, officer):
    rows = officer.get("/api/v1/audit", {"result": "unsuccessful"}).json["entries"]
    assert [row["id"] for row in rows] == [4]


def test_a_span_of_time(log, officer, session):
    moment = to_ms(session.get(AuditEntry, 5).at) + 1
    assert ids(officer, from_ms=0, to_ms=moment) == [1, 2, 3, 5]
    assert 1 not in ids(officer, from_ms=moment + 1)


def test_pages_go_on_where_the_last_one_ended(session, company, officer):
    for number in range(205):
        audit.record(session, Actor("user", "7", ANNA, company_id=company.id), "photo.view", ("photo", number))
    session.commit()
    first = officer.get("/api/v1/audit", {"action": "photo."}).json
    second = officer.get("/api/v1/audit", {"action": "photo.", "before": first["next_before"]}).json
    third = officer.get("/api/v1/audit", {"action": "photo.", "before": second["next_before"]}).json
    assert [len(page["entries"]) for page in (first, second, third)] == [100, 100, 5]
    assert third["next_before"] is None
    seen = [row["id"] for page in (first, second, third) for row in page["entries"]]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 205


def test_another_company_is_not_seen(log, officer, make, session):
    other = make.company()
    act(session, other, name="Clara")
    assert ids(officer, who="Clara") == []
    audit.record(session, Actor("cli", "root", "root"), "node.drain", ("node", 1))
    session.commit()
    assert ids(officer, who="root") == []  # the appliance's own are seen where there is one company


def test_the_only_company_sees_the_acts_of_the_command_line(log, officer, session):
    audit.record(session, Actor("cli", "root", "root"), "node.drain", ("node", 1))
    session.commit()
    assert len(ids(officer, who="root")) == 1


def test_a_search_is_an_act_once(log, officer, session):
    for _ in range(2):
        officer.get("/api/v1/audit", {"who": "Анна"})
    session.expire_all()
    (row,) = session.query(AuditEntry).filter_by(action="audit.search").all()
    assert row.details == {"filter": {"who": "Анна"}}


def test_the_log_is_proved_and_the_proof_is_an_act(log, officer, session):
    before = officer.get("/api/v1/audit/state").json["entries"]
    found = officer.post_ok("/api/v1/audit/verify")
    assert (found["whole"], found["entries"]) == (True, before)
    session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
    session.execute(text("UPDATE audit_entry SET actor_name = 'x' WHERE id = 2"))
    session.commit()
    assert officer.code_of("/api/v1/audit/verify", status=409) == "audit_broken"


def test_a_long_log_is_proved_by_a_job(log, officer, monkeypatch, collaborators, session):
    monkeypatch.setattr(verification, "AT_ONCE", 1)
    assert officer.post_ok("/api/v1/audit/verify") == {"whole": None}
    assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'audit.verify'")) == 1
    assert officer.get("/api/v1/audit/state").json["verification"]["ended_ms"] is None
    verification.run(collaborators.session_factory, Signer.of(collaborators.settings, collaborators.vault))
    assert officer.get("/api/v1/audit/state").json["verification"]["whole"] is True


def test_csv_has_no_formula(log, officer):
    answer = officer.get("/api/v1/audit/file", {"form": "csv", "subject": "sitting 2"})
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["3", "5"]
    assert rows[1]["actor_name"] == "'=1+1"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_json_proves_itself(log, officer, collaborators, tmp_path, session):
    path = tmp_path / "log.jsonl"
    path.write_bytes(officer.get("/api/v1/audit/file", {"form": "json", "who": ANNA}).body)
    verdict = export.verify_export(path)
    assert (verdict.entries, verdict.filter) == (2, {"who": ANNA})
    session.expire_all()
    (row,) = session.query(AuditEntry).filter_by(action="audit.export").all()
    assert row.details == {"format": "json", "entries": 2, "filter": {"who": ANNA}}


def test_a_pdf_has_a_signature_that_openssl_checks(log, officer, tmp_path):
    answer = officer.get("/api/v1/audit/file", {"form": "pdf", "lang": "ru"})
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        archive.extractall(tmp_path)
        names = sorted(archive.namelist())
    pdf, signature, key = (tmp_path / name for name in names)
    assert pdf.read_bytes().startswith(b"%PDF-")
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", pdf, "-sigfile", signature]
    assert subprocess.run(check, capture_output=True).returncode == 0
    pdf.write_bytes(pdf.read_bytes() + b" ")
    assert subprocess.run(check, capture_output=True).returncode == 1


@pytest.fixture
def part(make, session):
    """A camera part of 100 s and 1 000 000 bytes."""
    sitting = make.sitting(SittingState.IN_REVIEW)
    content = bytes(1_000_000)
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "part", content)
    session.flush()
    row = Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=1, state=PartState.SEALED, path="", node_url="")
    row.started_at, row.duration_ms, row.media = utcnow() - timedelta(hours=1), 100_000, {}
    row.vault_object_id, row.size_bytes, row.sha256 = sealed.id, sealed.size_bytes, sealed.sha256
    session.add(row)
    session.commit()
    return row


def play(browser, part, *spans, status=200):
    body = {"spans": [{"part": part.id, "start": start, "end": end} for start, end in spans]}
    return browser.post_ok(f"/api/v1/sittings/{part.sitting_id}/played", body, status)


def fetch(browser, part, first, last):
    browser.get(f"/api/v1/parts/{part.id}/media", headers={"Range": f"bytes={first}-{last}"}, status=206)


def test_what_was_played_is_held_against_what_was_sent(staff, part, session, collaborators, officer):
    reviewer = staff(Role.REVIEWER)
    zero = to_ms(part.started_at)
    assert play(reviewer, part, (0, 5000)) == {"spans": {}}  # nothing was sent yet
    fetch(reviewer, part, 0, 399_999)
    assert play(reviewer, part, (0, 5000), (4000, 9000)) == {"spans": {"camera": [[zero, zero + 9000]]}}
    assert play(reviewer, part, (8000, 12_000)) == {"spans": {"camera": [[zero + 9000, zero + 12_000]]}}
    assert play(reviewer, part, (90_000, 95_000)) == {"spans": {}}  # far from what was sent
    session.expire_all()
    rows = session.query(AuditEntry).filter_by(action="recording.watch").order_by(AuditEntry.id).all()
    assert [row.details.get("unserved_ms", 0) for row in rows] == [5000, 0, 0, 5000]

    assert deliveries.settle(session, utcnow() + timedelta(minutes=1)) == 0
    assert deliveries.settle(session, utcnow() + timedelta(minutes=5)) == 1
    session.commit()
    assert deliveries.settle(session, utcnow() + timedelta(minutes=9)) == 0
    (sent,) = session.query(AuditEntry).filter_by(action="recording.deliver").all()
    assert sent.details["spans"] == {"camera": [[zero + 12_000, zero + 40_000]]}
    (found,) = officer.get("/api/v1/audit/watchers", {"q": str(part.sitting_id)}).json["sittings"]
    (viewer,) = found["viewers"]
    assert (viewer["played_ms"], viewer["sent_ms"], viewer["share"]) == (12_000, 28_000, 0.12)
    assert viewer["spans"]["played"] == {"camera": [[zero, zero + 12_000]]}


def test_another_sittings_part_is_not_played_here(staff, part, make, session):
    other = make.sitting(SittingState.IN_REVIEW)
    session.commit()
    body = {"spans": [{"part": part.id, "start": 0, "end": 1}]}
    staff(Role.REVIEWER).post_ok(f"/api/v1/sittings/{other.id}/played", body, 404)


def test_unusual_access_explains_itself(session, make, company, officer):
    person = make.user(Role.ADMIN)
    exam = make.exam()
    mine, strange = make.sitting(exam=exam), make.sitting()
    session.add(Assignment(user_id=person.id, sitting_id=mine.id))
    session.flush()
    actor = make.actor(person)
    for sitting in (mine, strange):
        audit.record(session, actor, "sitting.view", ("sitting", sitting.id))
    for number in range(20):
        audit.record(session, actor, "photo.view", ("photo", number), sitting_id=1000 + number)
    for _ in range(10):
        audit.record(
            session, Actor("api", "", "", "198.51.100.9", company.id), "user.log_in", ("user", "x"), "refused"
        )
    session.commit()
    now = to_ms(utcnow())
    found = officer.get("/api/v1/audit/unusual", {"from_ms": now - 3_600_000, "to_ms": now + 1000}).json["findings"]
    by_rule = {finding["rule"]: finding for finding in found if finding["rule"] != "night"}
    assert set(by_rule) == {"bulk_views", "never_assigned", "refused"}
    assert by_rule["never_assigned"]["sittings"] == [strange.id]
    assert by_rule["bulk_views"]["count"] == 20
    assert by_rule["refused"]["addresses"] == ["198.51.100.9"]
    assert by_rule["refused"]["entries"]
    assert officer.get("/api/v1/audit/unusual", {"from_ms": 0, "to_ms": now}, status=400).json["error"]


def test_no_audit_no_act(staff, make, session):
    browser = staff(Role.ORGANISER)
    exam = make.exam()
    session.execute(
        text("CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$")
    )
    session.execute(
        text(
            "CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION is_full()"
        )
    )
    session.commit()
    before = exam.weights
    answer = browser.post_ok(f"/api/v1/exams/{exam.id}/weights", {"weights": {"phone": 3}}, 503)
    assert answer["error"]["code"] == "audit_unavailable"
    session.refresh(exam)
    assert exam.weights == before


def test_searches_for_people_and_refusals_are_in_the_log(staff, session):
    browser = staff(Role.PROCTOR)
    for _ in range(3):
        browser.get("/api/v1/audit", status=403)
    browser.get("/api/v1/sittings", {"q": "Lovelace"})
    browser.get("/api/v1/sittings")
    session.expire_all()
    rows = session.query(AuditEntry).filter(AuditEntry.action.in_(["access.refuse", "sitting.search"])).order_by("id")
    told = [(row.action, row.subject_id if row.action == "access.refuse" else row.details["text"]) for row in rows]
    assert told == [("access.refuse", "GET /api/v1/audit"), ("sitting.search", "Lovelace")]
