"""The job that reads a check-in's document, in a real worker: outcome, secrecy, erasure."""

import json

import cv2
import pytest
from sqlalchemy import text

from appliance.audit import Actor
from appliance.db import unit_of_work
from appliance.errors import KeyDestroyed
from appliance.models import Consent, IdentityPhoto, Sitting, SystemCheck, VaultObject
from appliance.services import check_ins, documents
from appliance.vocabulary import BiometricsMode, IdentityVerdict, PhotoKind, SittingState
from media.documents import findings
from tests.live import until
from tests.media.biometrics.documents.drawn import Drawn, page, zone

pytestmark = pytest.mark.timeout(180)

NUMBER = "AN5123427"


def passport():
    lines = zone("td3", "LOVELACE", "ADA AUGUSTA", "POL", NUMBER, "740812", "200415", "F")
    drawn = Drawn("td3", lines, NUMBER, "1974-08-12", "2020-04-15", "LOVELACE", "ADA AUGUSTA", "POL")
    return cv2.imencode(".jpg", page(drawn))[1].tobytes()


@pytest.fixture
def checking_in(make, session):
    row = make.sitting(SittingState.CHECK_IN)
    row.exam.identification = "passport"
    row.exam.biometrics = BiometricsMode.NONE  # a document is no biometrics: read in this mode, too
    session.add(Consent(sitting_id=row.id, accepted=True, text_version="1", text_hash="x", language="en"))
    session.add(SystemCheck(sitting_id=row.id, passed=True, results={}, client={}))
    session.commit()
    return row


async def test_a_document_is_read_kept_sealed_and_erased(checking_in, collaborators, session_factory, worker):
    worker()
    with unit_of_work(session_factory) as session:
        row = session.get_one(Sitting, checking_in.id)
        actor = Actor("candidate", str(row.id), "Ada")
        photo_id = check_ins.submit_photo(session, actor, collaborators.vault, row, PhotoKind.DOCUMENT, passport()).id

    def kept():
        with unit_of_work(session_factory) as session:
            return documents.of_photo(session, photo_id)

    reading = await until(kept, 120, "the document's reading")
    assert (reading.kind, reading.name_verdict, reading.expired) == ("td3", IdentityVerdict.MATCH, True)
    assert set(reading.engines) == {"PP-OCRv6_det_small", "PP-OCRv6_rec_small"}
    with unit_of_work(session_factory) as session:
        photo = session.get_one(IdentityPhoto, photo_id)
        with collaborators.vault.open(session, documents.sealed(session, photo)) as reader:
            said = documents.contents(session, photo, reader.read())
        assert said["fields"]["number"] == {"value": NUMBER, "checked": True, "source": "mrz"}
        assert said["fields"]["surname"]["source"] == "mrz+print"
        assert said["name"]["reason"] == "part_of_name"
        assert_told_without_what_stands_on_it(session, photo_id)
        assert collaborators.vault.destroy(session, f"pictures:{checking_in.id}")
    with unit_of_work(session_factory) as session, pytest.raises(KeyDestroyed):
        collaborators.vault.open(session, session.get_one(VaultObject, reading.vault_object_id))


def assert_told_without_what_stands_on_it(session, photo_id):
    told = session.execute(
        text("SELECT payload FROM live_event WHERE kind = 'photo.checked' AND payload ? 'document'")
    ).scalars()
    (payload,) = {json.dumps(each["document"], sort_keys=True) for each in told}
    assert json.loads(payload) == {"name_verdict": "match", "expired": True, "readable": True}
    rows = session.execute(
        text(
            "SELECT row_to_json(t)::text FROM audit_entry t UNION ALL SELECT row_to_json(t)::text FROM live_event t"
            " UNION ALL SELECT row_to_json(t)::text FROM document_reading t"
        )
    ).scalars()
    everything = "\n".join(rows)
    assert '"document.read"' in everything
    for secret in (NUMBER, "1974-08-12", "740812", "LOVELACE", "AUGUSTA"):
        assert secret not in everything


def test_what_is_no_picture_is_an_outcome_too():
    found = findings(b"not a picture", "Ada", "Lovelace")
    assert (found.kind, found.name_verdict, found.contents) == ("", IdentityVerdict.UNDETERMINED, None)
    assert found.hints == ("no_text",)
