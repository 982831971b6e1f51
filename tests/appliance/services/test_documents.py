"""What was read on a document: kept once a photo, told in three words, gone with a newer photo."""

import pytest

from appliance.audit import Actor
from appliance.errors import NotFound
from appliance.models import AuditEntry, DocumentReading, IdentityPhoto, LiveEvent
from appliance.services import check_ins, documents, payloads
from appliance.vocabulary import IdentityVerdict, PhotoKind, PhotoState, SittingState

READER = Actor.appliance("document_reader")
CONTENTS = {"fields": {"number": {"value": "X1", "checked": True, "source": "mrz"}}, "digits": {}, "name": {}}


def found(verdict=IdentityVerdict.MATCH, contents=CONTENTS, kind="td3", hints=(), expired=False):
    return documents.Findings(kind, verdict, expired, hints, contents, {"network": "0" * 64})


@pytest.fixture
def photo(make, session):
    sitting = make.sitting(SittingState.CHECK_IN)
    sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"\xff\xd8 a picture")
    session.flush()
    row = IdentityPhoto(
        sitting_id=sitting.id,
        kind=PhotoKind.DOCUMENT,
        vault_object_id=sealed.id,
        width=1,
        height=1,
        hints=["too_dark"],
    )
    session.add(row)
    session.commit()
    return row


def test_a_second_reading_takes_the_place_of_the_first(session, photo, vault):
    documents.keep(session, READER, vault, photo, found(IdentityVerdict.MISMATCH))
    documents.keep(session, READER, vault, photo, found(hints=("document_cut_off", "too_dark"), expired=True))
    session.commit()
    (row,) = session.query(DocumentReading)
    assert row.name_verdict is IdentityVerdict.MATCH
    said = payloads.photo(photo)
    assert said["document"] == {"name_verdict": "match", "expired": True, "readable": True}
    assert said["hints"] == ["too_dark", "document_cut_off"]
    with vault.open(session, documents.sealed(session, photo)) as reader:
        told = documents.contents(session, photo, reader.read())
    assert told["fields"] == CONTENTS["fields"]
    assert told["declared"]["first_name"] == "Ada"


def test_the_faces_verdict_keeps_what_was_read(session, photo, vault):
    """Either of the two jobs may be first; the last event has both answers."""
    documents.keep(session, READER, vault, photo, found())
    check_ins.set_photo_verdict(session, READER, photo, IdentityVerdict.MATCH, 0.4, [])
    session.commit()
    last = session.query(LiveEvent).filter_by(kind="photo.checked").order_by(LiveEvent.id.desc()).first()
    assert last.payload["document"]["name_verdict"] == "match"
    assert last.payload["verdict"] == "match"


def test_what_could_not_be_read_is_told_and_has_no_contents(session, photo, vault):
    documents.keep(session, READER, vault, photo, found(IdentityVerdict.UNDETERMINED, None, "", ("no_text",), None))
    session.commit()
    assert payloads.photo(photo)["document"] == {"name_verdict": "undetermined", "expired": None, "readable": False}
    with pytest.raises(NotFound):
        documents.sealed(session, photo)


def test_a_photo_that_was_taken_anew_meanwhile_keeps_nothing(session, photo, vault):
    photo.state = PhotoState.SUPERSEDED
    assert documents.keep(session, READER, vault, photo, found()) is None
    session.commit()
    assert session.query(DocumentReading).count() == 0
    assert session.query(AuditEntry).filter_by(action="document.read").count() == 0
