"""Single detectors on scenes that the test makes; whole clips are in test_analysis."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from media.biometrics.faces import Face, face_detector
from media.biometrics.gaze_map import GazeMap, PointLooks, features_of
from media.biometrics.matching import QualityGate, Thresholds
from media.biometrics.mesh import EyeGaze, HeadPose
from media.biometrics.onnx_engine import OnnxEngine
from media.biometrics.photos import check_photo
from media.clips.drawn import portrait, portrait_jpeg
from media.detectors.absence import Absence
from media.detectors.extra_person import ExtraPerson
from media.detectors.face_watch import SURE, FaceWatch
from media.detectors.frozen_picture import FrozenPicture
from media.detectors.gaze import LEARNING_MS, Gaze
from media.detectors.impostor import CHECKS, IdentityInterval, Impostor
from media.detectors.picture_loss import PictureLoss
from media.detectors.scene import Doubt, SceneReader
from media.frames import Frame, NoPicture


def seated(left=120, top=80, wall=160):
    picture = np.full((480, 640, 3), wall, np.uint8)
    person = cv2.resize(portrait(), (400, 400), interpolation=cv2.INTER_AREA)
    picture[top:, left : left + 400] = person[: 480 - top, : 640 - left]
    return picture


def scene(picture, at_ms=0):
    return SceneReader().read(Frame(at_ms, picture, "test"))


WALL = np.add(np.full((480, 640, 3), 160), np.arange(480)[:, None, None] // 8).astype(np.uint8)


def test_absence_knows_a_person_a_wall_and_the_dark():
    absence = Absence()
    assert absence.sample(scene(seated())).score < 0.3
    assert absence.sample(scene(WALL)).score > 0.78
    dark = absence.sample(scene((seated() * 0.06).astype(np.uint8)))
    assert (dark.score, dark.doubt) == (None, Doubt.TOO_DARK)
    assert absence.sample_nothing(NoPicture(1, 0, "test")).score is None


def test_a_hidden_face_over_the_same_body_is_a_doubt_and_no_absence():
    absence = Absence()
    for moment in (0, 500):
        absence.sample(scene(seated(), moment))
    covered = seated()
    covered[100:262, 230:400] = (110, 130, 170)  # hands before the face
    sample = absence.sample(scene(covered))
    assert (sample.score, sample.doubt) == (None, Doubt.FACE_HIDDEN)
    assert absence.sample(scene(WALL)).score > 0.78


def test_the_far_detector_looks_at_every_fourth_picture_and_whenever_there_is_doubt():
    here, small = (Face(left, 100, width, width, score, np.zeros((6, 2))) for left, width, score in FACES)
    near, far = [here], []
    blank = np.zeros((480, 640, 3), np.uint8)
    detector = SimpleNamespace(
        short=SimpleNamespace(detect=lambda image: list(near)),
        full=SimpleNamespace(detect=lambda image: far.append(1) or [here, small]),
    )
    watch = FaceWatch(detector)

    def looks(first, last, shift=40):
        """How many faces, and which pictures may be looked at again; ``shift``: grey levels between two pictures."""
        return [
            (len(watch.look(at_ms, blank, grey(at_ms // 500 % 2 * shift))), [at for at, _ in watch.take_near_only()])
            for at_ms in range(first, last, 500)
        ]

    # who is far behind has to be looked for in each picture, or they would seem to come and go
    assert (looks(0, 2500), len(far)) == ([(2, [])] * 5, 5)
    # unless each picture is the one before
    seen = [(2, []), (2, []), (2, []), (2, [3500, 3000, 2500]), (2, [])]
    assert (looks(2500, 5000, shift=5), len(far)) == (seen, 6)
    detector.full.detect = lambda image: far.append(1) or [here]
    alone = (1, [])
    looks(5500, 6000)
    assert looks(6000, 10_000) == [alone] * 3 + [(1, [7000, 6500, 6000])] + [alone] * 3 + [(1, [9000, 8500, 8000])]
    near.clear()
    asked = len(far)
    assert (looks(10_000, 10_500), len(far)) == ([(1, [])], asked + 1)


def test_a_distant_face_is_followed_without_the_far_detector_until_it_goes():
    """Somebody far behind whom the near detector does not see in the whole picture, but in a part of it, enlarged."""
    picture, empty, far = seated(left=0), seated(left=0), []
    child = cv2.resize(portrait(), (180, 180), interpolation=cv2.INTER_AREA)
    picture[100:280, 460:640] = child
    networks = face_detector()
    detector = SimpleNamespace(
        short=networks.short, full=SimpleNamespace(detect=lambda image: far.append(1) or networks.full.detect(image))
    )
    assert len([face for face in networks.short.detect(picture) if face.score >= SURE]) == 1
    watch = FaceWatch(detector)

    def looks(image, first, last):
        found = [watch.look(at_ms, image, grey(at_ms // 500 % 2 * 40)) for at_ms in range(first, last, 500)]
        return [sum(face.score >= SURE for face in faces) for faces in found], len(far)

    assert looks(picture, 0, 4000) == ([2] * 8, 2)
    assert looks(empty, 4000, 4500) == ([1], 3), "gone: the far detector looks at once"
    assert looks(empty, 4500, 6000) == ([1] * 3, 3)


def test_what_the_mesh_denies_is_left_alone_until_the_far_detector_looks_again():
    here, fold = (Face(left, 100, width, width, score, np.zeros((6, 2))) for left, width, score in (*FACES[:1], FOLD))
    far, blank = [], np.zeros((480, 640, 3), np.uint8)
    detector = SimpleNamespace(
        short=SimpleNamespace(detect=lambda image: [here, fold] if image is blank else []),
        full=SimpleNamespace(detect=lambda image: far.append(1) or []),
    )
    watch, seen = FaceWatch(detector), []
    for at_ms in range(0, 4000, 500):
        faces = watch.look(at_ms, blank, grey(at_ms % 256))
        watch.deny([face for face in faces if face is fold])
        seen.append(len(faces))
    assert (seen, len(far)) == ([2, 1, 1, 1, 2, 1, 1, 1], 2)


def grey(level):
    return np.full((60, 80), level, np.uint8)


FOLD = (400, 120, 0.3)
"""Something in the clothes that the near detector takes for a face."""
FACES = ((200, 150, 0.9), (500, 30, 0.7))
"""Left, width and score of one before the camera and of one far behind."""


def test_a_distant_second_face_began_in_the_pictures_where_it_was_not_looked_for(plain):
    person = ExtraPerson()
    two = replace(plain, faces=(plain.faces[0], plain.faces[0]))
    assert person.sample(plain).score == 0
    found = person.sample(
        replace(two, at_ms=2000, earlier=(lambda: replace(two, at_ms=1500), lambda: replace(plain, at_ms=1000)))
    )
    assert (found.score > 0.5, found.since_ms) == (True, 1500)


def test_extra_person_scores_the_second_face():
    alone, two = seated(), seated(left=-40 + 40)
    second = cv2.resize(portrait(), (200, 200), interpolation=cv2.INTER_AREA)
    two[100:300, 440:640] = second[:, :, ::1]
    assert ExtraPerson().sample(scene(alone)).score == 0
    sample = ExtraPerson().sample(scene(two))
    assert sample.score > 0.6
    assert sample.details["faces"] == 2


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.zeros((480, 640, 3), np.uint8), "black"),
        (np.random.default_rng(1).integers(0, 4, (480, 640, 3), np.uint8), "black"),
        (np.full((480, 640, 3), (60, 90, 150), np.uint8), "covered"),
    ],
)
def test_picture_loss_names_its_reason(picture, reason):
    sample = PictureLoss().sample(scene(picture))
    assert (sample.score, sample.details["reason"]) == (1.0, reason)


def test_picture_loss_leaves_real_pictures_alone_and_counts_silence_from_its_start():
    assert PictureLoss().sample(scene(seated())).score == 0
    assert PictureLoss().sample(scene(WALL)).score == 0
    silent = PictureLoss().sample_nothing(NoPicture(9000, 5000, "test"))
    assert (silent.score, silent.since_ms, silent.details["reason"]) == (1.0, 5000, "no_frames")


def test_frozen_needs_the_same_picture_with_a_face_in_it():
    frozen, random = FrozenPicture(), np.random.default_rng(2)
    noisy = [np.clip(seated() + random.normal(0, 2, (480, 640, 1)), 0, 255).astype(np.uint8) for _ in range(2)]
    assert frozen.sample(scene(noisy[0], 0)).score is None
    assert frozen.sample(scene(noisy[1], 500)).score == 0
    again = frozen.sample(scene(noisy[1], 1000))
    assert (again.score, again.since_ms) == (1.0, 500)
    frozen.sample(scene(WALL, 1500))
    assert frozen.sample(scene(WALL, 2000)).score is None


@pytest.fixture(scope="module")
def plain():
    return scene(seated())


def looking(plain, at_ms, yaw=0.0, pitch=0.0, across=0.5, opening=0.35):
    """The scene with the head and eyes as the test wants them."""
    mesh, eye = SimpleNamespace(pose=HeadPose(yaw, pitch, 0.0), presence=0.99), EyeGaze(across, opening)
    return replace(plain, at_ms=at_ms, mesh_of=lambda face: mesh, gaze_of=lambda face: (eye, eye))


def gaze_after(plain, usual, *then):
    """Scores after the usual direction was learned."""
    gaze = Gaze()
    for number in range(20):
        gaze.sample(looking(plain, number * 500, **usual))
    return [gaze.sample(looking(plain, 10_500 + n * 1500, **direction)).score for n, direction in enumerate(then)]


def test_gaze_says_nothing_before_it_knows_the_usual_direction(plain):
    gaze = Gaze()
    assert {gaze.sample(looking(plain, at_ms, yaw=60)).score for at_ms in range(0, LEARNING_MS, 500)} == {None}


def test_eyes_are_read_in_each_third_picture_and_those_between_when_they_turn(plain):
    gaze, read = Gaze(), []

    def counted(at_ms, **direction):
        seen = looking(plain, at_ms, **direction)
        return replace(seen, gaze_of=lambda face: read.append(at_ms) or seen.gaze_of(face))

    for at_ms in range(0, 10_500, 500):
        gaze.sample(counted(at_ms))
    assert read == list(range(0, 10_500, 1500))
    assert gaze.sample(counted(10_500)).score == 0
    assert gaze.sample(counted(11_000)).score is None
    assert gaze.sample(counted(11_500, across=0.7)).score is None
    turned = gaze.sample(counted(12_000, across=0.7))
    assert (turned.score >= 0.5, turned.since_ms) == (True, 11_500)
    assert gaze.sample(counted(12_500, across=0.7)).score >= 0.5


def test_with_a_calibration_gaze_is_where_on_the_screen_the_look_falls(plain):
    def seen(x, y):
        return looking(plain, 0, yaw=16 * (x - 0.5), pitch=16 * (y - 0.5), across=0.5 + 0.12 * (x - 0.5))

    def features(x, y):
        scene = seen(x, y)
        return features_of(scene.mesh_of(None), scene.gaze_of(None))

    points = [(0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)]
    gaze = Gaze(GazeMap.fit([PointLooks(x, y, np.array([features(x, y)] * 6)) for x, y in points]))
    assert gaze.sample(seen(0.5, 0.5)).score == 0
    assert gaze.sample(replace(seen(0.9, 0.9), at_ms=1500)).score < 0.4
    beside = gaze.sample(replace(seen(2.2, 0.5), at_ms=3000))
    assert beside.score >= 0.5
    assert beside.details["x"] > 1.3


@pytest.mark.parametrize("away", [{"yaw": 40}, {"yaw": -40}, {"pitch": 30}, {"across": 0.7}, {"across": 0.3}])
def test_gaze_away_from_the_screen_scores_high(plain, away):
    (score,) = gaze_after(plain, {}, away)
    assert score >= 0.5


@pytest.mark.parametrize("usual", [{}, {"yaw": 12, "pitch": -12, "across": 0.45}])
def test_gaze_at_the_screen_scores_low_however_one_sits(plain, usual):
    small_moves = [
        {key: value + change for key, value in {"yaw": 0, "pitch": 0, **usual}.items() if key != "across"}
        | {"across": usual.get("across", 0.5)}
        for change in (-5, 0, 5)
    ]
    assert all(score < 0.4 for score in gaze_after(plain, usual, *small_moves))


def test_eyes_that_stay_on_the_screen_while_the_head_turns_are_not_away(plain):
    (score,) = gaze_after(plain, {}, {"yaw": -14, "across": 0.5 + 14 / 120})
    assert score < 0.2


def test_a_blink_says_nothing(plain):
    assert gaze_after(plain, {}, {"opening": 0.05}) == [None]


class CountingEngine(OnnxEngine):
    """The real engine, and how many pictures it described."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def describe_many(self, faces):
        self.asked += len(faces)
        return super().describe_many(faces)


@pytest.fixture(scope="module")
def reference():
    return check_photo(portrait_jpeg()).descriptor


def impostor(engine, reference):
    return Impostor(engine, reference, IdentityInterval(), Thresholds(), QualityGate())


def test_impostor_is_thrifty_while_the_candidate_sits_there(reference):
    engine = CountingEngine()
    followed = impostor(engine, reference)
    samples = [followed.sample(scene(seated(), number * 500)) for number in range(30)]  # 15 s
    assert engine.asked == 2  # a sure match needs no mirror image
    assert all(sample.score < 0.375 for sample in samples)


def test_impostor_tells_another_person_after_some_comparisons_from_when_they_appeared(reference):
    engine = CountingEngine()
    followed = impostor(engine, -reference)
    followed.sample(scene(WALL, 0))
    samples = [followed.sample(scene(seated(), 500 + number * 250)) for number in range(CHECKS + 1)]
    assert [sample.score is None for sample in samples] == [True] * (CHECKS - 1) + [False] * 2
    assert samples[-1].score > 0.55
    assert samples[-1].since_ms == 500
    assert engine.asked == 3 * CHECKS  # alone, then beside the mirror image


def test_impostor_looks_again_at_once_after_an_absence(reference):
    engine = CountingEngine()
    followed = impostor(engine, reference)
    for number, picture in enumerate([seated(), WALL, seated()]):
        followed.sample(scene(picture, number * 500))
    assert engine.asked == 2


def test_impostor_says_what_it_cannot_tell(reference):
    engine = CountingEngine()
    strict = Impostor(engine, reference, IdentityInterval(), Thresholds(), QualityGate(min_width=400))
    sample = strict.sample(scene(seated()))
    assert (sample.score, sample.doubt, sample.details["quality"]) == (None, Doubt.IDENTITY_UNCLEAR, "too_small")
    assert engine.asked == 0
    assert impostor(engine, None).sample(scene(seated())).score is None


def test_who_walked_through_the_picture_leaves_no_body_behind():
    absence = Absence()
    for number, left in enumerate((0, 120, 240)):
        absence.sample(scene(seated(left=left), number * 500))
    assert absence.sample(scene(seated(left=240), 1500)).score < 0.3
    absence.sample(scene(seated(left=400), 2000))
    hidden = seated(left=400)
    hidden[:300, 400:] = 160
    assert absence.sample(scene(hidden, 2500)).doubt == ""
