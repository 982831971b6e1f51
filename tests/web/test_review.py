"""What a reviewer gets: ranges of sealed parts, photos, the timeline, and what of it the audit log hears."""

import hashlib

import pytest

from appliance.errors import VaultTampered
from appliance.models import AuditEntry, IdentityPhoto, Part
from appliance.services import evidence_pictures, incidents
from appliance.vocabulary import ObservationSource, ObservationType, PartState, PhotoKind, Role, SittingState, Track

CONTENT = bytes(range(256)) * 2000  # 512 000 bytes: eight blocks of the vault
SIZE = len(CONTENT)


@pytest.fixture
def sitting(make, session):
    sitting = make.sitting(SittingState.IN_REVIEW)
    sitting.started_at = sitting.finished_at = sitting.created_at
    session.commit()
    return sitting


@pytest.fixture
def part(make, session, sitting):
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "part", CONTENT)
    session.flush()
    part = Part(
        sitting_id=sitting.id,
        track=Track.CAMERA,
        sequence=1,
        state=PartState.SEALED,
        path="",
        node_url="",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=SIZE,
        vault_object_id=sealed.id,
    )
    session.add(part)
    session.commit()
    return part


def viewed(session, action):
    session.expire_all()
    return session.query(AuditEntry).filter_by(action=action).count()


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        (None, 200, 0, SIZE - 1),
        ("bytes=0-0", 206, 0, 0),
        ("bytes=65530-65545", 206, 65530, 65545),
        ("bytes=100-", 206, 100, SIZE - 1),
        ("bytes=-300", 206, SIZE - 300, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE - 1),
        (f"bytes={SIZE - 5}-{SIZE + 99}", 206, SIZE - 5, SIZE - 1),
        ("bytes=5-2", 200, 0, SIZE - 1),  # not valid: RFC 9110 says to ignore it
        ("pages=1-2", 200, 0, SIZE - 1),
        ("bytes=0-1,5-6", 200, 0, SIZE - 1),  # several ranges: a server may send the whole
    ],
)
def test_ranges(staff, part, asked, status, first, last):
    headers = {"Range": asked} if asked else {}
    answer = staff(Role.REVIEWER).get(f"/api/v1/parts/{part.id}/media", headers=headers, status=status)
    assert answer.body == CONTENT[first : last + 1]
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content_type == "video/webm"
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"


def test_a_player_is_told_the_container(staff, session, part):
    part.media = {"container": "mp4"}
    session.commit()
    answer = staff(Role.REVIEWER).get(f"/api/v1/parts/{part.id}/media", headers={"Range": "bytes=0-1"}, status=206)
    assert answer.content_type == "video/mp4"


def test_a_range_behind_the_end_cannot_be_satisfied(staff, part):
    path = f"/api/v1/parts/{part.id}/media"
    answer = staff(Role.REVIEWER).get(path, headers={"Range": f"bytes={SIZE}-"}, status=416)
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


def test_a_range_of_another_version_gets_the_whole(staff, part):
    browser, path = staff(Role.REVIEWER), f"/api/v1/parts/{part.id}/media"
    etag = browser.head(path).headers["ETag"]
    assert etag == f'"{part.sha256}"'
    browser.get(path, headers={"Range": "bytes=0-9", "If-Range": etag}, status=206)
    browser.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'}, status=200)


def test_one_viewing_is_one_entry_in_the_audit_log(staff, part, session):
    browser, path = staff(Role.REVIEWER), f"/api/v1/parts/{part.id}/media"
    for first in range(0, 5000, 1000):
        browser.get(path, headers={"Range": f"bytes={first}-{first + 999}"})
    assert viewed(session, "recording.view") == 1
    staff(Role.ADMIN).get(path)
    assert viewed(session, "recording.view") == 2


def test_an_altered_recording_is_not_played(staff, part, settings, session):
    (file,) = [path for path in settings.vault.rglob("*") if path.is_file() and path.stat().st_size > SIZE]
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[200_000] ^= 1
    file.write_bytes(content)
    browser, path = staff(Role.REVIEWER), f"/api/v1/parts/{part.id}/media"
    browser.get(path, headers={"Range": "bytes=0-99"}, status=206)
    with pytest.raises(VaultTampered):  # in the middle of the body the only answer left is to break off
        browser.get(path, headers={"Range": "bytes=199000-199999"})


def test_an_erased_recording_is_gone(staff, part, make, session):
    make.vault.destroy(session, f"sitting:{part.sitting_id}")
    session.commit()
    answer = staff(Role.REVIEWER).get(f"/api/v1/parts/{part.id}/media", status=410)
    assert answer.json["error"]["code"] == "key_destroyed"
    assert viewed(session, "recording.view") == 0


def test_a_part_that_is_not_sealed_is_not_there_yet(staff, part, session):
    part.state = PartState.STOPPED
    session.commit()
    staff(Role.REVIEWER).get(f"/api/v1/parts/{part.id}/media", status=404)


def test_a_photo_and_its_entry_in_the_audit_log(staff, sitting, make, session):
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"\xff\xd8 a picture")
    session.flush()
    photo = IdentityPhoto(sitting_id=sitting.id, kind=PhotoKind.FACE, vault_object_id=sealed.id, width=1, height=1)
    session.add(photo)
    session.commit()
    browser = staff(Role.REVIEWER)
    for _ in range(2):
        answer = browser.get(f"/api/v1/photos/{photo.id}/image")
    assert (answer.body, answer.content_type) == (b"\xff\xd8 a picture", "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert viewed(session, "photo.view") == 1


@pytest.fixture
def shown(make, session, sitting):
    """An observation with the picture of its beginning and one of the time after."""
    shots = [
        evidence_pictures.seal(session, make.vault, sitting.id, at_ms, b"\xff\xd8%d" % at_ms) for at_ms in (5, 9, 11)
    ]
    row = incidents.open_observation(
        session, sitting.id, ObservationType.AVERT_EYES, ObservationSource.DETECTOR, 5, pictures=shots[:1]
    )
    incidents.close_observation(session, row.id, 10, pictures=shots[1:])
    session.commit()
    return row


def test_the_pictures_of_a_finding_are_told_shown_and_audited(staff, sitting, shown, session):
    browser = staff(Role.REVIEWER)
    (told,) = browser.get(f"/api/v1/sittings/{sitting.id}/timeline").json["observations"]
    assert told["pictures"] == [{"number": 1, "at_ms": 5}, {"number": 2, "at_ms": 9}]  # a third is never kept
    for number, body in ((1, b"\xff\xd85"), (2, b"\xff\xd89"), (2, b"\xff\xd89")):
        answer = browser.get(f"/api/v1/observations/{shown.id}/pictures/{number}")
        assert (answer.body, answer.content_type) == (body, "image/jpeg")
        assert answer.headers["Cache-Control"] == "no-store"
    assert viewed(session, "observation.picture") == 2
    browser.get(f"/api/v1/observations/{shown.id}/pictures/3", status=404)
    staff(Role.SUPPORT).get(f"/api/v1/observations/{shown.id}/pictures/1", status=403)


def test_the_pictures_of_a_finding_go_with_the_key_of_their_sitting(staff, sitting, shown, make, session):
    make.vault.destroy(session, f"pictures:{sitting.id}")
    session.commit()
    answer = staff(Role.REVIEWER).get(f"/api/v1/observations/{shown.id}/pictures/1", status=410)
    assert answer.json["error"]["code"] == "key_destroyed"


def test_page_and_timeline_are_one_viewing(staff, sitting, session):
    browser = staff(Role.REVIEWER)
    assert sitting.candidate.name in browser.get(f"/sittings/{sitting.id}").text
    timeline = browser.get(f"/api/v1/sittings/{sitting.id}/timeline").json
    assert timeline["sitting"]["id"] == sitting.id
    assert viewed(session, "sitting.view") == 1


def test_a_reviewer_marks_scores_and_concludes(staff, sitting, session):
    browser, path = staff(Role.REVIEWER), f"/api/v1/sittings/{sitting.id}"
    start = browser.get(f"{path}/timeline").json["start_ms"]
    marked = browser.post_ok(f"{path}/incidents", {"type": "phone", "start_ms": start})["incident"]
    assert marked["created_by"] == "Reviewer" or marked["created_by"].startswith("Reviewer ")
    withdrawn = browser.post_ok(f"/api/v1/incidents/{marked['id']}/withdraw")["incident"]
    assert withdrawn["withdrawn_ms"]
    assert 0 <= browser.post_ok(f"{path}/rescore")["score"]["value"] <= 100
    body = {"conclusion": "accepted", "comment": "Fine."}
    assert browser.post_ok(f"{path}/conclusion", body)["sitting"]["conclusion"] == "accepted"


def test_the_archive_filters_by_state_and_text(staff, sitting, make, session):
    make.sitting(SittingState.RUNNING)
    session.commit()
    browser = staff(Role.REVIEWER)
    found = browser.get("/api/v1/sittings", {"state": "in_review,concluded", "q": "lovelace", "page": "1"}).json
    assert [row["id"] for row in found["sittings"]] == [sitting.id]
    assert (found["total"], found["pages"]) == (1, 1)
    wrong = browser.get("/api/v1/sittings", {"state": "asleep"}, status=400).json["error"]
    assert wrong["details"]["field"] == "state"
