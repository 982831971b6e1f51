"""A whole check-in and analysis in each mode, with real faces: what is compared, stored, and what is never made."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from sqlalchemy import select, text

from appliance.audit import Actor
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.errors import BadInput
from appliance.models import Consent, FaceTemplate, IdentityCheck, IdentityPhoto, Sitting, SystemCheck
from appliance.services import check_ins, identity_actions, identity_checks, incidents, sittings, templates
from appliance.vocabulary import (
    BiometricsMode,
    ExamMode,
    IdentityAction,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PhotoKind,
    Role,
    SittingState,
)
from media import identity, watch_log
from media.analysis import Change, ObservationEvent
from media.biometrics.dlib_engine import DlibEngine
from media.biometrics.onnx_engine import OnnxEngine
from media.biometrics.photos import check_photo
from media.clips.drawn import portrait, portrait_jpeg
from media.frames import Frame
from media.live_analysis import LiveAnalysis
from media.pipelines.store import Store
from tests.media.scenarios import SCENARIOS, needs_scenarios
from tests.media.test_tasks import passport

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def described(monkeypatch):
    """How often a face was described, by whichever engine."""
    calls = []
    for engine, name in ((OnnxEngine, "describe_many"), (OnnxEngine, "describe"), (DlibEngine, "describe")):
        plain = getattr(engine, name)
        monkeypatch.setattr(
            engine,
            name,
            lambda self, *given, _plain=plain, _name=name: (calls.append(_name), _plain(self, *given))[1],
        )
    return calls


class Check:
    """One candidate's check-in and exam, through the services that the jobs call."""

    def __init__(self, make, session, session_factory, vault, **exam):
        self.factory, self.vault = session_factory, vault
        mode = exam.pop("mode", ExamMode.AUTO)
        candidate = exam.pop("candidate", None)
        given = exam.pop("exam", None) or make.exam(mode, **exam)
        fields = {"candidate": candidate} if candidate is not None else {}
        row = make.sitting(SittingState.CHECK_IN, exam=given, **fields)
        session.add(Consent(sitting_id=row.id, accepted=True, text_version="1", text_hash="x", language="en"))
        session.add(SystemCheck(sitting_id=row.id, passed=True, results={}, client={}))
        session.commit()
        self.id, self.exam, self.candidate = row.id, given, row.candidate

    def photo(self, kind, content):
        """Hand a photo in, and do what the worker's job does with it."""
        number = self.submit(kind, content)
        self.judge(number)
        with unit_of_work(self.factory) as session:
            return session.get_one(IdentityPhoto, number).verdict

    def submit(self, kind, content):
        with unit_of_work(self.factory) as session:
            actor = Actor("candidate", str(self.id), "Ada")
            row = check_ins.submit_photo(session, actor, self.vault, session.get_one(Sitting, self.id), kind, content)
            return row.id

    def judge(self, number):
        for each in self.work(identity.affected, number):
            submitted = self.work(identity.read, self.vault, each)
            found = identity.judge(submitted)
            searched = self.work(identity.search, self.vault, each, found)
            self.work(identity.keep, self.vault, each, found, searched)

    def work(self, act, *arguments):
        with unit_of_work(self.factory) as session:
            return act(session, *arguments)

    def report(self):
        return self.work(lambda session: identity_checks.report(session, session.get_one(Sitting, self.id)))

    def state(self):
        return self.work(lambda session: session.get_one(Sitting, self.id).state)

    def start(self):
        def begin(session):
            row = session.get_one(Sitting, self.id)
            candidate = Actor("candidate", str(self.id), "Ada")
            check_ins.enter_waiting_room(session, candidate, row)
            sittings.start(session, candidate, row)

        self.work(begin)

    def watch(self, seconds=6):
        """Analyse pictures of the portrait as live analysis does."""
        assignment = self.work(watch_log.take_up, self.vault, self.id)
        analyser = assignment.analyser()
        picture = cv2.resize(portrait(), (640, 640))
        began = to_ms(utcnow())
        for number in range(seconds * 2):
            noise = np.random.default_rng(number).integers(0, 3, picture.shape, dtype=np.uint8)
            analyser.feed(Frame(began + number * 500, cv2.add(picture, noise), "camera"))
        return analyser.finish(began + seconds * 1000)

    def everything_stored(self, folder):
        """All rows of all tables as text (bytes in hex), and all files."""
        with unit_of_work(self.factory) as session:
            tables = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
            rows = {
                table: session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars().all()  # noqa: S608
                for table in tables
            }
        files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return rows, files


@pytest.fixture
def check(make, session, session_factory, vault):
    return lambda **exam: Check(make, session, session_factory, vault, **exam)


def holds(numbers, rows, files):
    """Whether these numbers lie anywhere as such: as float32, as float64, or written out."""
    forms = [np.asarray(numbers, dtype=kind).tobytes()[:64] for kind in ("<f4", "<f8", ">f4", ">f8")]
    written = [f"{float(numbers[0]):.6f}"[:8]]
    in_rows = any(form.hex() in row or written[0] in row for form in forms for part in rows.values() for row in part)
    return in_rows or any(form in content for form in forms for content in files.values())


def test_server_compares_enrols_and_keeps_no_number_of_the_face_in_the_open(check, described, settings, vault):
    one = check(biometrics=BiometricsMode.SERVER)
    assert one.photo(PhotoKind.FACE, portrait_jpeg()) is None  # the first of this person: nothing to compare with
    assert one.photo(PhotoKind.DOCUMENT, passport()) is IdentityVerdict.MATCH
    report = one.report()
    assert (report["colour"], report["reason"], report["similar"]) == ("green", "match", [])
    one.start()
    before = len(described)
    one.watch()
    assert len(described) > before  # the face was compared during the exam
    rows, files = one.everything_stored(settings.data_dir)
    assert len(rows["face_template"]) == 1
    assert any(row.find(f"face:{one.candidate.id}") >= 0 for row in rows["data_key"])
    plain = check_photo(portrait_jpeg()).descriptor
    protected = one.work(lambda session: templates.protection_of(session, vault, one.exam.company_id)).protect(plain)
    for numbers in (plain, protected, plain / np.linalg.norm(plain)):
        assert not holds(numbers, rows, files)
    assert holds(plain, rows, {"spill": plain.astype("<f4").tobytes()})  # it would be seen


def nothing_of_a_face(one, settings, photos):
    """What is left of a sitting whose faces the appliance may not measure."""
    rows, files = one.everything_stored(settings.data_dir)
    for table in ("face_template", "face_protection", "identity_check", "similar_face"):
        assert rows[table] == []
    assert not any("face" in row for row in rows["data_key"])
    sealed = {path for path in files if path.suffix == ".sealed"}
    assert len(sealed) == len(rows["vault_object"]) == len(rows["identity_photo"]) == photos  # photos, nothing else
    assert not holds(check_photo(portrait_jpeg()).descriptor, rows, files)
    report = one.report()
    assert (report["colour"], report["similar"], report["checks"]) == ("grey", [], [])
    return report["reason"]


def test_without_biometrics_no_descriptor_is_ever_computed_or_stored(check, described, settings):
    one = check(biometrics=BiometricsMode.NONE)
    assert one.photo(PhotoKind.FACE, portrait_jpeg()) is None
    assert one.photo(PhotoKind.DOCUMENT, passport()) is None
    blank = cv2.imencode(".jpg", np.full((480, 640, 3), 140, np.uint8))[1].tobytes()
    assert one.photo(PhotoKind.FACE, blank) is IdentityVerdict.UNDETERMINED  # quality is judged all the same
    assert one.photo(PhotoKind.FACE, portrait_jpeg()) is None
    one.start()
    one.watch()
    assert described == []
    assert nothing_of_a_face(one, settings, photos=4) == "off"


def test_on_the_device_not_even_a_photo_comes_here(check, described, settings):
    one = check(biometrics=BiometricsMode.ON_DEVICE)
    for kind in PhotoKind:
        with pytest.raises(BadInput):
            one.photo(kind, portrait_jpeg())
    one.watch()
    assert described == []
    assert nothing_of_a_face(one, settings, photos=0) == "on_device"


@pytest.mark.parametrize("mode", [BiometricsMode.NONE, BiometricsMode.ON_DEVICE])
def test_a_photo_that_waits_is_not_described_after_biometrics_were_switched_off(check, described, settings, mode):
    one = check(biometrics=BiometricsMode.SERVER)
    number = one.submit(PhotoKind.FACE, portrait_jpeg())
    one.work(lambda session: setattr(session.get_one(Sitting, one.id).exam, "biometrics", mode))
    one.judge(number)
    one.watch()
    assert described == []
    nothing_of_a_face(one, settings, photos=1)


def test_a_profile_decides_over_the_exam(check, described, make, monkeypatch):
    company = make.company(profile="ru")
    exam = make.exam(ExamMode.AUTO, company=company, biometrics=BiometricsMode.NONE)
    one = check(exam=exam)
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert described == []


def test_a_later_sitting_is_compared_with_earlier_ones(check):
    first = check(biometrics=BiometricsMode.SERVER)
    first.photo(PhotoKind.FACE, portrait_jpeg())
    again = check(exam=first.exam, candidate=first.candidate)
    assert again.photo(PhotoKind.FACE, portrait_jpeg()) is IdentityVerdict.MATCH
    report = again.report()
    assert (report["colour"], [each["sitting_id"] for each in report["references"]]) == ("green", [first.id])
    kinds = {each["kind"]: each["distance"] for each in report["checks"]}
    assert kinds["enrolled"] < 0.1


def test_the_same_face_under_two_names_is_yellow_in_one_company_and_nothing_in_two(check, make, session):
    first = check(biometrics=BiometricsMode.SERVER)
    first.photo(PhotoKind.FACE, portrait_jpeg())
    second = check(exam=first.exam)
    second.photo(PhotoKind.FACE, portrait_jpeg())
    second.photo(PhotoKind.DOCUMENT, passport())
    report = second.report()
    assert (report["colour"], report["reason"]) == ("yellow", "similar")
    assert [each["sitting_id"] for each in report["similar"]] == [first.id]
    assert first.report()["colour"] == "yellow"
    series = second.work(lambda work: identity_checks.similar_share(work, work.get_one(Sitting, second.id)))
    assert series == 100
    stranger = check(company=make.company())
    stranger.photo(PhotoKind.FACE, portrait_jpeg())
    stranger.photo(PhotoKind.DOCUMENT, passport())
    assert stranger.report()["colour"] == "green"


def another_face():
    """Somebody else's photo of the measuring data."""
    return sorted(SCENARIOS.glob("*.candidate.jpg"))[0].read_bytes()


@needs_scenarios
def test_another_face_than_before_is_red_and_is_not_enrolled(check, session):
    first = check(biometrics=BiometricsMode.SERVER)
    first.photo(PhotoKind.FACE, portrait_jpeg())
    again = check(exam=first.exam, candidate=first.candidate)
    assert again.photo(PhotoKind.FACE, another_face()) is IdentityVerdict.MISMATCH
    assert (again.report()["colour"], again.report()["reason"]) == ("red", "enrolled_mismatch")
    assert session.scalars(select(FaceTemplate.sitting_id)).all() == [first.id]


def pause(one):
    """Another person is seen, and the exam's rule pauses it."""

    def see(session):
        details = {"threshold": 0.55, "distance": 0.7}
        now = to_ms(utcnow())
        kind, source = ObservationType.SUBSTITUTION_USER, ObservationSource.DETECTOR
        row = incidents.open_observation(session, one.id, kind, source, now, 0.75, "impostor", details)
        return identity_actions.follow_up(session, row)

    assert one.work(see) is IdentityAction.PAUSE
    assert one.state() is SittingState.PAUSED


def test_a_paused_candidate_goes_on_by_a_new_photo(check):
    one = check(biometrics=BiometricsMode.SERVER, identity_action=IdentityAction.PAUSE, identification="face")
    one.photo(PhotoKind.FACE, portrait_jpeg())
    one.start()
    pause(one)
    blank = cv2.imencode(".jpg", np.full((480, 640, 3), 140, np.uint8))[1].tobytes()
    one.photo(PhotoKind.FACE, blank)
    assert one.state() is SittingState.PAUSED
    if SCENARIOS.is_dir():
        one.photo(PhotoKind.FACE, another_face())
        assert one.state() is SittingState.PAUSED
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert one.state() is SittingState.RUNNING


def test_also_who_could_not_be_enrolled_goes_on_by_a_photo_like_the_check_ins(check, session, vault):
    one = check(biometrics=BiometricsMode.SERVER, identity_action=IdentityAction.PAUSE, identification="face")
    one.photo(PhotoKind.FACE, portrait_jpeg())
    with unit_of_work(one.factory) as work:
        templates.revoke(work, Actor.appliance("test"), vault, work.get_one(Sitting, one.id).candidate)
    one.start()
    pause(one)
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert one.state() is SittingState.RUNNING


def test_who_was_erased_is_neither_compared_nor_enrolled(check, vault):
    one = check(biometrics=BiometricsMode.SERVER)
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert one.work(vault.destroy, templates.person_purpose(one.candidate.id))
    assert one.photo(PhotoKind.FACE, portrait_jpeg()) is None
    assert (
        one.work(lambda session: watch_log.assignment(session, vault, session.get_one(Sitting, one.id))).enrolled
        is None
    )


def test_judging_a_photo_twice_leaves_one_outcome(check, session):
    one = check(biometrics=BiometricsMode.SERVER)
    one.photo(PhotoKind.FACE, portrait_jpeg())
    one.photo(PhotoKind.DOCUMENT, passport())
    (number,) = session.scalars(select(IdentityPhoto.id).where(IdentityPhoto.kind == PhotoKind.DOCUMENT))
    found = identity.judge(one.work(identity.read, one.vault, number))
    one.work(identity.keep, one.vault, number, found, None)
    kinds = session.scalars(select(IdentityCheck.kind).where(IdentityCheck.photo_id == number)).all()
    assert len(kinds) == 1


def test_a_proctor_of_an_online_exam_decides(check, make, session):
    one = check(
        mode=ExamMode.ONLINE,
        biometrics=BiometricsMode.SERVER,
        identity_action=IdentityAction.PAUSE,
        identification="face",
    )
    one.photo(PhotoKind.FACE, portrait_jpeg())
    one.start()
    pause(one)
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert one.state() is SittingState.PAUSED
    proctor = make.user(Role.PROCTOR)
    session.commit()
    one.work(lambda work: sittings.resume(work, make.actor(proctor), work.get_one(Sitting, one.id)))
    assert one.state() is SittingState.RUNNING


def test_live_analysis_follows_up_what_it_opens(check, collaborators):
    """An event of the impostor's rule, written as live analysis writes it; once, although it is told again."""
    one = check(biometrics=BiometricsMode.SERVER, identity_action=IdentityAction.PAUSE, identification="face")
    one.photo(PhotoKind.FACE, portrait_jpeg())
    one.start()
    live = LiveAnalysis(collaborators, Store(one.factory), one.id)
    now = to_ms(utcnow())
    details = {"distance": 0.7, "threshold": 0.55}
    event = ObservationEvent(
        Change.OPENED, ObservationType.SUBSTITUTION_USER, "impostor-1", now, now, None, 0.75, "impostor", details
    )
    live._write([event])
    assert one.state() is SittingState.PAUSED
    one.photo(PhotoKind.FACE, portrait_jpeg())
    assert one.state() is SittingState.RUNNING
    live._write([replace(event, change=Change.UPDATED, confidence=0.9)])
    assert one.state() is SittingState.RUNNING
    live._write([replace(event, key="impostor-2")])  # again, another time
    assert one.state() is SittingState.PAUSED
