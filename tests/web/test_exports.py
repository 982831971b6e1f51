"""Exports over HTTP: who may, what a range gives, what the audit log hears, and that what is deleted is gone."""

import io
import zipfile

import pytest
from sqlalchemy import text

from appliance.db import utcnow
from appliance.evidence import verify
from appliance.models import AuditEntry, Export
from appliance.services import exports
from appliance.vocabulary import ExportContent, ExportState, Role, SittingState
from media.exports.make import EXPORTER, make_export
from tests.media.exports.conftest import judged, recordings  # noqa: F401 - fixtures

BODY = {"contents": ["camera", "originals"]}


@pytest.fixture
def sitting(judged):  # noqa: F811
    return judged


@pytest.fixture
def reviewer(staff):
    return staff(Role.REVIEWER)


@pytest.fixture
def ready(reviewer, collaborators, sitting):
    export = reviewer.post_ok(f"/api/v1/sittings/{sitting.id}/exports", BODY)["export"]
    assert export["state"] == "waiting"
    assert export["url"] is None
    assert make_export(collaborators, export["id"])
    (listed,) = reviewer.get(f"/api/v1/sittings/{sitting.id}/exports").json["exports"]
    assert listed["state"] == "ready"
    return listed


def actions(session):
    session.expire_all()
    rows = session.query(AuditEntry).filter(AuditEntry.action.like("export.%")).order_by(AuditEntry.id)
    return [(row.action, row.actor_kind) for row in rows]


def test_from_the_request_to_a_whole_archive(reviewer, ready, session, tmp_path):
    answer = reviewer.get(ready["url"])
    assert answer.content_type == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert len(answer.body) == ready["size_bytes"]
    path = tmp_path / "export.zip"
    path.write_bytes(answer.body)
    assert verify([path]).is_whole
    assert verify([path]).manifest["export"]["requested_by"]["role"] == "reviewer"
    assert actions(session) == [("export.request", "user"), ("export.make", "appliance"), ("export.download", "user")]


def test_one_file_and_ranges_of_it(reviewer, ready):
    whole = reviewer.get(ready["url"]).body
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        film = archive.read("camera.webm")
    one = reviewer.get(ready["url"], {"name": "camera.webm"})
    assert (one.body, one.content_type) == (film, "video/webm")
    path = f"{ready['url']}?name=camera.webm"
    part = reviewer.get(path, headers={"Range": "bytes=100-299"}, status=206)
    assert part.body == film[100:300]
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(film)}"
    assert reviewer.get(path, headers={"Range": "bytes=-10"}, status=206).body == film[-10:]
    assert reviewer.get(ready["url"], headers={"Range": "bytes=0-3"}, status=206).body == b"PK\x03\x04"
    reviewer.get(path, headers={"Range": f"bytes={len(film)}-"}, status=416)
    reviewer.get(ready["url"], {"name": "../camera.webm"}, status=404)


def test_a_download_in_pieces_is_one_entry_in_the_audit_log(reviewer, ready, session):
    for first in range(0, 3000, 1000):
        reviewer.get(ready["url"], headers={"Range": f"bytes={first}-{first + 999}"})
    assert actions(session).count(("export.download", "user")) == 1


def test_at_rest_it_is_sealed(ready, collaborators):
    folder = collaborators.settings.data_dir
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"PK\x03\x04" not in path.read_bytes()[:4]
    assert not list((folder / "exports").iterdir())


def test_deleted_is_gone_and_its_key_with_it(reviewer, ready, sitting, session):
    path = f"/api/v1/exports/{ready['id']}"
    answer = reviewer.delete(path, headers={"X-CSRF-Token": reviewer.csrf}).json
    assert answer["export"]["state"] == "deleted"
    reviewer.get(ready["url"], status=404)
    assert reviewer.get(f"/api/v1/sittings/{sitting.id}/exports").json["exports"] == []
    assert actions(session)[-1] == ("export.delete", "user")
    assert session.get(Export, ready["id"]).requested_by["role"] == "reviewer", "who took it out stays known"


def test_after_its_time_it_is_destroyed(reviewer, ready, session, vault):
    row = session.get(Export, ready["id"])
    assert exports.expire(session, EXPORTER, vault, utcnow()) == []
    assert exports.expire(session, EXPORTER, vault, row.expires_at) == [row.id]
    session.commit()
    reviewer.get(ready["url"], status=404)
    assert actions(session)[-1] == ("export.expire", "appliance")
    assert vault.sweep(session) == 1


def test_deleted_while_it_waits_it_is_not_made(reviewer, sitting, collaborators, session):
    export = reviewer.post_ok(f"/api/v1/sittings/{sitting.id}/exports", BODY)["export"]
    reviewer.delete(f"/api/v1/exports/{export['id']}", headers={"X-CSRF-Token": reviewer.csrf})
    assert not make_export(collaborators, export["id"])
    session.expire_all()
    assert session.get(Export, export["id"]).state is ExportState.DELETED


def test_deleted_while_it_is_made_nothing_of_it_stays(reviewer, sitting, collaborators, session):
    export = reviewer.post_ok(f"/api/v1/sittings/{sitting.id}/exports", BODY)["export"]
    said = []

    def delete_now():
        if not said:
            said.append(reviewer.delete(f"/api/v1/exports/{export['id']}", headers={"X-CSRF-Token": reviewer.csrf}))

    assert not make_export(collaborators, export["id"], delete_now)
    session.expire_all()
    row = session.get(Export, export["id"])
    assert (row.state, row.vault_object_id) == (ExportState.DELETED, None)
    assert not list((collaborators.settings.data_dir / "exports").iterdir())


def test_a_tampered_part_is_said_and_nothing_is_exported(reviewer, sitting, collaborators, session):
    for file in collaborators.settings.vault.rglob("*.sealed"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    export = reviewer.post_ok(f"/api/v1/sittings/{sitting.id}/exports", BODY)["export"]
    assert not make_export(collaborators, export["id"])
    (failed,) = reviewer.get(f"/api/v1/sittings/{sitting.id}/exports").json["exports"]
    assert failed["state"] == "failed"
    assert failed["problem"]
    session.expire_all()
    assert session.query(AuditEntry).filter_by(action="export.make", result="failed").count() == 1


def test_no_more_than_so_many_at_once(reviewer, sitting):
    path = f"/api/v1/sittings/{sitting.id}/exports"
    for _ in range(3):
        reviewer.post_ok(path, BODY)
    assert reviewer.code_of(path, BODY, 429) == "too_many"


@pytest.mark.parametrize(
    "body", [{}, {"contents": []}, {"contents": ["aux"]}, {"contents": ["camera"], "container": "avi"}, {"x": 1}]
)
def test_bad_wishes_name_their_field(reviewer, sitting, body):
    assert reviewer.code_of(f"/api/v1/sittings/{sitting.id}/exports", body) == "bad_input"


def test_a_sitting_that_goes_on_or_was_not_recorded_cannot_be_exported(reviewer, make, session):
    for state in (SittingState.RUNNING, SittingState.PROCESSING, SittingState.IN_REVIEW):
        other = make.sitting(state)
        session.commit()
        assert reviewer.code_of(f"/api/v1/sittings/{other.id}/exports", BODY, 409) == "impossible_step"


def test_who_may_not_fetch(staff, ready):
    for role in (Role.PROCTOR, Role.SECURITY_OFFICER, Role.SUPPORT, Role.AUDITOR):
        staff(role).get(ready["url"], status=403)


def test_what_no_job_makes_any_more_is_told_as_failed(reviewer, sitting, session, settings):
    path = f"/api/v1/sittings/{sitting.id}/exports"
    died, lives = (reviewer.post_ok(path, BODY)["export"]["id"] for _ in range(2))
    by_hand = exports.request(
        session, EXPORTER, settings, sitting, [ExportContent.CAMERA], by_job=False
    )  # as the command line does
    exports.begin(session, died)
    exports.begin(session, by_hand.id)
    session.commit()
    assert exports.give_up(session, EXPORTER) == [], "jobs wait for both"
    job = text("UPDATE procrastinate_jobs SET status = 'failed' WHERE args ->> 'export_id' = :id")
    session.execute(job, {"id": str(died)})
    assert exports.give_up(session, EXPORTER) == [died]
    by_hand.requested_at -= exports.BY_HAND
    session.flush()
    assert exports.give_up(session, EXPORTER) == [by_hand.id]
    session.commit()
    listed = {one["id"]: one for one in reviewer.get(path).json["exports"]}
    assert (listed[died]["state"], listed[died]["problem"]) == ("failed", exports.GIVEN_UP)
    assert listed[lives]["state"] == "waiting"
    assert actions(session)[-1] == ("export.make", "appliance")
