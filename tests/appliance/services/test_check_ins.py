"""The check-in's steps, in their order."""

import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import (
    BadInput,
    CheckInIncomplete,
    ConsentMissing,
    ImpossibleStep,
    NotAllowed,
    NotFound,
    TooMany,
)
from appliance.models import Consent, IdentityPhoto, Sitting, SystemCheck, VaultObject
from appliance.services import check_ins, sittings
from appliance.vault import Vault
from appliance.vocabulary import CheckInStep, ExamMode, IdentityVerdict, PhotoKind, PhotoState
from appliance.vocabulary import SittingState as S
from tests.appliance.services.conftest import BOX, CHECKS, actions, by_candidate, events, jobs_of, picture
from tests.factories import Factories

CheckedIn = Callable[..., Sitting]
FACE, DOCUMENT = PhotoKind.FACE, PhotoKind.DOCUMENT


def hand_in(session: Session, vault: Vault, sitting: Sitting, kind: PhotoKind, **options: object) -> IdentityPhoto:
    content = picture(**options)
    return check_ins.submit_photo(session, by_candidate(sitting), vault, sitting, kind, content, 1_000_000)


def test_the_texts() -> None:
    assert set(check_ins.CONSENT_TEXTS) == {"en", "ru"}
    for text in check_ins.CONSENT_TEXTS.values():
        assert text.hash == hashlib.sha256(text.text.encode()).hexdigest() and len(text.text) > 1500
    assert check_ins.consent_text("ru-RU").language == "ru"
    assert check_ins.consent_text("de").language == "en"


def test_consent_is_kept_with_the_words_that_were_shown(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.CHECK_IN)
    candidate = by_candidate(sitting)
    row = check_ins.answer_consent(session, candidate, sitting, True, "ru", "192.0.2.7", "Browser/1", "2026-11-1")
    assert check_ins.answer_consent(session, candidate, sitting, True, "ru") is row
    session.commit()
    text = check_ins.CONSENT_TEXTS["ru"]
    assert (row.text_version, row.text_hash, row.language) == (text.version, text.hash, "ru")
    assert sitting.step is CheckInStep.SYSTEM_CHECK
    assert actions(session) == ["consent.accept"]
    assert events(session, f"sitting:{sitting.id}")[-1].payload["step"] == "system_check"


def test_refusal_is_recorded_and_ends_the_sitting(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.CHECK_IN)
    check_ins.answer_consent(session, by_candidate(sitting), sitting, False, "en")
    session.commit()
    assert sitting.state is S.DECLINED and session.scalars(select(Consent)).one().accepted is False
    assert actions(session) == ["consent.refuse", "sitting.decline"]
    with pytest.raises(ImpossibleStep):
        check_ins.answer_consent(session, by_candidate(sitting), sitting, True, "en")


def test_an_outdated_text_is_not_accepted(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.CHECK_IN)
    with pytest.raises(BadInput):
        check_ins.answer_consent(session, by_candidate(sitting), sitting, True, "en", version="2020-01")


def test_nothing_without_consent(session: Session, make: Factories, vault: Vault) -> None:
    sitting = make.sitting(S.CHECK_IN)
    candidate = by_candidate(sitting)
    with pytest.raises(ConsentMissing):
        check_ins.record_system_check(session, candidate, sitting, CHECKS, {})
    with pytest.raises(ConsentMissing):
        hand_in(session, vault, sitting, FACE)
    with pytest.raises(ConsentMissing):
        check_ins.enter_waiting_room(session, candidate, sitting)


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"camera": {"state": "warning"}}, []),
        ({"camera": {"state": "failed"}}, ["camera"]),
        ({"microphone": {}}, ["microphone"]),
        ({"displays": {"state": "warning"}}, []),
        ({"connection": {"state": "failed"}}, ["connection"]),
        ({"screen": {"state": "passed", "display_surface": "monitor"}}, []),
        ({"screen": {"state": "passed", "display_surface": "window"}}, ["screen"]),
    ],
)
def test_what_stops_the_system_check(change: dict, faults: list[str]) -> None:
    assert check_ins.check_faults({**CHECKS, **change}) == faults


def test_every_run_of_the_system_check_is_kept(session: Session, checked_in: CheckedIn) -> None:
    sitting = checked_in()
    assert sitting.step is CheckInStep.FACE_PHOTO
    bad = {**CHECKS, "camera": {"state": "failed"}}
    check_ins.record_system_check(session, by_candidate(sitting), sitting, bad, {"browser": "B 1"})
    assert sitting.step is CheckInStep.SYSTEM_CHECK
    check_ins.record_system_check(session, by_candidate(sitting), sitting, CHECKS, {})
    assert sitting.step is CheckInStep.FACE_PHOTO
    assert [row.passed for row in session.scalars(select(SystemCheck).order_by(SystemCheck.id))] == [
        True,
        False,
        True,
    ]


def test_a_report_that_is_none_is_refused(session: Session, checked_in: CheckedIn) -> None:
    sitting = checked_in()
    for results in ({"camera": "passed"}, {**CHECKS, "log": {"state": "passed", "text": "x" * 70_000}}):
        with pytest.raises(BadInput):
            check_ins.record_system_check(session, by_candidate(sitting), sitting, results, {})


def test_the_order_of_steps_is_enforced(session: Session, checked_in: CheckedIn, vault: Vault) -> None:
    sitting = checked_in()
    with pytest.raises(CheckInIncomplete) as refused:
        hand_in(session, vault, sitting, DOCUMENT)
    assert refused.value.details["missing"] == ["face_photo"]
    with pytest.raises(CheckInIncomplete) as refused:
        check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    assert refused.value.details["missing"] == ["face_photo", "document_photo"]
    hand_in(session, vault, sitting, FACE)
    hand_in(session, vault, sitting, DOCUMENT)
    assert sitting.step is CheckInStep.WAITING_ROOM
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    session.commit()
    assert sitting.state is S.WAITING and sitting.waiting_at is not None
    assert actions(session).count("sitting.wait") == 1


@pytest.mark.parametrize(
    ("identification", "kinds"),
    [("skip", []), ("face", [FACE]), ("passport", [DOCUMENT]), ("face_and_passport", [FACE, DOCUMENT])],
)
def test_the_exam_says_which_photos(
    session: Session, checked_in: CheckedIn, vault: Vault, identification: str, kinds: list[PhotoKind]
) -> None:
    sitting = checked_in(identification)
    for kind in PhotoKind:
        if kind in kinds:
            hand_in(session, vault, sitting, kind)
        else:
            with pytest.raises(BadInput):
                hand_in(session, vault, sitting, kind)
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    assert set(check_ins.photo_states(session, sitting)) == {kind.value for kind in kinds}


def test_a_photo_is_sealed_and_compared(session: Session, checked_in: CheckedIn, vault: Vault) -> None:
    sitting = checked_in()
    photo = hand_in(session, vault, sitting, FACE)
    session.commit()
    sealed = session.get_one(VaultObject, photo.vault_object_id)
    with vault.open(session, sealed) as reader:
        assert reader.read().startswith(b"\xff\xd8\xff")
    assert b"\xff\xd8\xff" not in (vault.folder / sealed.path).read_bytes()[:200]
    assert jobs_of(session, "media.check_photo") == [{"photo_id": photo.id}]
    (event,) = events(session, f"sitting:{sitting.id}", "photo.submitted")
    assert event.payload == {"kind": "face", "photo_id": photo.id, "source": "uploaded"}


def test_a_newer_photo_supersedes_the_older(session: Session, checked_in: CheckedIn, vault: Vault) -> None:
    sitting = checked_in()
    first, second = hand_in(session, vault, sitting, FACE), hand_in(session, vault, sitting, FACE)
    assert (first.state, second.state) == (PhotoState.SUPERSEDED, PhotoState.SUBMITTED)
    assert check_ins.photos(session, sitting.id) == [second]


def test_photos_have_an_end(session: Session, checked_in: CheckedIn, vault: Vault, monkeypatch) -> None:
    monkeypatch.setattr(check_ins, "MAX_PHOTOS", 2)
    sitting = checked_in()
    hand_in(session, vault, sitting, FACE)
    hand_in(session, vault, sitting, FACE)
    with pytest.raises(TooMany):
        hand_in(session, vault, sitting, FACE)


@pytest.mark.parametrize("state", [S.WAITING, S.RUNNING])
def test_a_photo_asked_for_again(
    session: Session, checked_in: CheckedIn, vault: Vault, proctor: Actor, state: S
) -> None:
    sitting = checked_in()
    face, document = hand_in(session, vault, sitting, FACE), hand_in(session, vault, sitting, DOCUMENT)
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    if state is S.RUNNING:
        sittings.start(session, proctor, sitting)
    check_ins.request_photo(session, proctor, sitting, DOCUMENT)
    session.commit()
    assert (sitting.state, sitting.step) == (state, CheckInStep.DOCUMENT_PHOTO)
    assert (face.state, document.state) == (PhotoState.SUBMITTED, PhotoState.RETAKE_REQUESTED)
    assert check_ins.photo_states(session, sitting)["document"]["state"] == "retake_requested"
    assert events(session, f"sitting:{sitting.id}", "photo.requested")[0].payload == {"kind": "document"}
    newer = hand_in(session, vault, sitting, DOCUMENT)
    assert (sitting.state, sitting.step) == (state, CheckInStep.WAITING_ROOM)
    assert (document.state, newer.state) == (PhotoState.SUPERSEDED, PhotoState.SUBMITTED)


def test_who_may_ask_and_for_what(session: Session, checked_in: CheckedIn, proctor: Actor) -> None:
    sitting = checked_in("face")
    with pytest.raises(BadInput):
        check_ins.request_photo(session, proctor, sitting, DOCUMENT)
    with pytest.raises(NotAllowed):
        check_ins.request_photo(session, by_candidate(sitting), sitting, FACE)


def test_the_verdict_is_told(session: Session, checked_in: CheckedIn, vault: Vault) -> None:
    sitting = checked_in()
    photo = hand_in(session, vault, sitting, FACE)
    check_ins.set_photo_verdict(session, BOX, photo, IdentityVerdict.UNDETERMINED, None, ["too_dark"])
    session.commit()
    (event,) = events(session, f"sitting:{sitting.id}", "photo.checked")
    told = {"kind": "face", "photo_id": photo.id, "verdict": "undetermined", "hints": ["too_dark"]}
    assert event.payload == told
    assert check_ins.photo_states(session, sitting)["face"]["hints"] == ["too_dark"]


def test_identification_ends_with_the_photos(session: Session, checked_in: CheckedIn, vault: Vault) -> None:
    sitting = checked_in("face", ExamMode.IDENTIFICATION)
    hand_in(session, vault, sitting, FACE)
    check_ins.enter_waiting_room(session, by_candidate(sitting), sitting)
    assert sitting.state is S.IN_REVIEW


def test_a_photo_of_another_company_is_not_there(
    session: Session, checked_in: CheckedIn, vault: Vault, make: Factories, proctor: Actor
) -> None:
    sitting = checked_in()
    photo = hand_in(session, vault, sitting, FACE)
    assert check_ins.get_photo(session, photo.id, sitting.company_id) is photo
    with pytest.raises(NotFound):
        check_ins.get_photo(session, photo.id, make.company().id)
    check_ins.record_view(session, proctor, photo)
    session.commit()
    assert actions(session)[-1] == "photo.view"
