"""Exams analysed in the candidate's browser: what is taken of its word, and what is not."""

import pytest
from sqlalchemy import select

from appliance.db import to_ms, utcnow
from appliance.errors import BadInput
from appliance.models import IdentityCheck, IdentityPhoto, VaultObject
from appliance.security.identity import of_candidate
from appliance.services import check_ins, incidents, on_device_photos, rooms
from appliance.services.on_device_photos import Judgement
from appliance.vocabulary import (
    BiometricsMode,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PhotoKind,
    PhotoSource,
    Track,
)
from media.pipelines import evidence

HASH = "a" * 64


def candidate(sitting):
    return of_candidate(sitting, "192.0.2.1").actor


MODELS = {"face_landmark": HASH}


@pytest.fixture
def sitting(session, make):
    found = make.sitting(state="check_in")
    found.exam.biometrics = BiometricsMode.ON_DEVICE
    found.exam.identification = "face_and_passport"
    actor = candidate(found)
    check_ins.answer_consent(session, actor, found, True, "en")
    passed = {name: {"state": "passed"} for name in ("camera", "microphone", "screen")}
    check_ins.record_system_check(session, actor, found, passed, {})
    session.flush()
    return found


def find(session, sitting, kind=ObservationType.NO_USER_IN_FRAME, **details):
    source, now = ObservationSource.ON_DEVICE, to_ms(utcnow())
    return incidents.open_observation(session, sitting.id, kind, source, now, 0.9, "absence", details)


def test_a_photo_leaves_a_verdict_and_no_picture(session, sitting):
    actor = candidate(sitting)
    on_device_photos.submit(session, actor, sitting, PhotoKind.FACE, Judgement(True, models=MODELS))
    judged = Judgement(True, (), IdentityVerdict.MATCH, 0.41, MODELS)
    document = on_device_photos.submit(session, actor, sitting, PhotoKind.DOCUMENT, judged)
    assert check_ins.missing_steps(session, sitting) == []
    assert (document.verdict, document.distance, document.models) == (IdentityVerdict.MATCH, 0.41, MODELS)
    rows = session.scalars(select(IdentityPhoto)).all()
    assert {(row.source, row.vault_object_id) for row in rows} == {(PhotoSource.ON_DEVICE, None)}
    assert session.scalars(select(VaultObject)).all() == []
    (check,) = session.scalars(select(IdentityCheck)).all()
    assert check.details["source"] == "on_device"


def test_a_photo_that_nothing_could_be_said_of_is_undetermined(session, sitting):
    judged = Judgement(False, ("too_dark",))
    row = on_device_photos.submit(session, candidate(sitting), sitting, PhotoKind.FACE, judged)
    assert (row.verdict, row.hints) == (IdentityVerdict.UNDETERMINED, ["too_dark"])


def test_pictures_are_refused_here_and_words_elsewhere(session, sitting, vault):
    actor = candidate(sitting)
    with pytest.raises(BadInput, match="leaves photos"):
        check_ins.submit_photo(session, actor, vault, sitting, PhotoKind.FACE, b"\xff\xd8\xff")
    sitting.exam.biometrics = BiometricsMode.SERVER
    with pytest.raises(BadInput, match="photo itself"):
        on_device_photos.submit(session, actor, sitting, PhotoKind.FACE, Judgement(True))


def test_a_finding_has_no_room_for_a_picture_or_a_template(session, sitting):
    row = find(
        session,
        sitting,
        score=0.91234567,
        reason="frozen",
        descriptor="0.1," * 128,
        picture="data:image/jpeg;base64,/9j/4AAQ",
        quality="Free text, with blanks",
        faces=True,
        distance=float("inf"),
        models=MODELS,
        pauses=[[0, 1]],
    )
    assert row.details == {"score": 0.9123, "reason": "frozen", "models": MODELS}
    assert row.source is ObservationSource.ON_DEVICE


@pytest.mark.parametrize("models", [{"m": "no hash"}, {str(n): HASH for n in range(9)}, {"m/../x y": HASH}, ["m"]])
def test_models_must_be_names_with_hashes(session, sitting, models):
    with pytest.raises(BadInput, match="model"):
        find(session, sitting, models=models)


def test_only_what_the_analysis_finds_and_only_where_the_exam_asks_for_it(session, sitting):
    with pytest.raises(BadInput, match="does not find"):
        find(session, sitting, ObservationType.CLIPBOARD)
    sitting.exam.biometrics = BiometricsMode.SERVER
    with pytest.raises(BadInput, match="not analysed"):
        find(session, sitting)


def test_the_same_detector_says_it_once_others_beside_it(session, sitting):
    first = find(session, sitting)
    session.flush()
    assert find(session, sitting) is first
    other = incidents.open_observation(
        session,
        sitting.id,
        ObservationType.NO_USER_IN_FRAME,
        ObservationSource.ON_DEVICE,
        to_ms(utcnow()),
        detector="other",
    )
    assert other is not first


def test_only_the_screen_is_evidence(session, make, sitting):
    assert evidence.facts(session, sitting.id).tracks == (Track.SCREEN,)
    (entry,) = rooms.support_entries(session, make.who())
    assert entry["tracks"] == {"camera": "stays", "screen": "none"}


def test_the_consent_says_where_faces_are_measured(session, sitting):
    texts = {
        (mode, language): check_ins.consent_text(language, mode)
        for mode in BiometricsMode
        for language in ("en", "ru")
    }
    assert len({text.hash for text in texts.values()}) == len(texts)
    assert len({text.version for text in texts.values()}) == len(BiometricsMode)
    words = texts[BiometricsMode.ON_DEVICE, "en"].text
    assert "stay on this computer" in words
    assert "the picture and sound of your camera" not in words
