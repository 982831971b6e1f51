"""Who sees what was read on a document, and that each look is written down."""

import pytest

from appliance.audit import Actor
from appliance.models import AuditEntry, IdentityPhoto
from appliance.services import documents
from appliance.vocabulary import IdentityVerdict, PhotoKind, Role, SittingState

FIELDS = {"number": {"value": "AN5123427", "checked": True, "source": "mrz"}}


@pytest.fixture
def photo(make, session):
    sitting = make.sitting(SittingState.IN_REVIEW)
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"\xff\xd8 a picture")
    session.flush()
    row = IdentityPhoto(sitting_id=sitting.id, kind=PhotoKind.DOCUMENT, vault_object_id=sealed.id, width=1, height=1)
    session.add(row)
    session.flush()
    contents = {
        "fields": FIELDS,
        "digits": {"number": True},
        "name": {"reason": "same", "score": 1.0, "source": "mrz"},
    }
    found = documents.Findings("td3", IdentityVerdict.MATCH, False, (), contents, {"network": "0" * 64})
    documents.keep(session, Actor.appliance("document_reader"), make.vault, row, found)
    session.commit()
    return row


def test_a_reviewer_sees_the_fields_and_the_look_is_audited(staff, photo, session):
    browser = staff(Role.REVIEWER)
    for _ in range(2):
        said = browser.get(f"/api/v1/photos/{photo.id}/document").json["document"]
    assert said["fields"] == FIELDS
    assert (said["kind"], said["name_verdict"], said["expired"]) == ("td3", "match", False)
    assert said["name"]["reason"] == "same"
    session.expire_all()
    assert session.query(AuditEntry).filter_by(action="document.view").count() == 1


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.SECURITY_OFFICER, Role.AUDITOR])
def test_others_see_nothing_of_it(staff, photo, role):
    staff(role).get(f"/api/v1/photos/{photo.id}/document", status=403)


def test_nothing_is_shown_before_anything_was_read(staff, make, session, photo):
    other = IdentityPhoto(
        sitting_id=photo.sitting_id, kind=PhotoKind.DOCUMENT, vault_object_id=photo.vault_object_id, width=1, height=1
    )
    session.add(other)
    session.commit()
    assert (
        staff(Role.PROCTOR).get(f"/api/v1/photos/{other.id}/document", status=404).json["error"]["code"]
        == "not_found"
    )
