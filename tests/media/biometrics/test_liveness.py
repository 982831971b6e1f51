"""The judgement of movements: drawn heads, attacks with a photo, and what real footage shows of single movements."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from appliance.vocabulary import ChallengeState, Movement
from media.biometrics import liveness
from media.biometrics.engines import default_engine
from media.biometrics.liveness import Reason, judge
from media.biometrics.liveness_report import liveness_figures
from media.biometrics.looks import look_at
from media.biometrics.presentations import EVERY_MS, STEP_LOOKS, Sitter, Species, presentation
from media.clips.drawn import portrait
from tests.media.biometrics.filmed import DATA, pictures

STEPS = (Movement.TURN_LEFT, Movement.BLINK, Movement.TURN_RIGHT, Movement.NOD)
SCENES, TALKING = DATA / "scenes", DATA / "talking"
PASSED, FAILED, UNDETERMINED = ChallengeState.PASSED, ChallengeState.FAILED, ChallengeState.UNDETERMINED


@pytest.fixture(scope="module")
def sitter():
    return Sitter(portrait(), default_engine())


@pytest.fixture(scope="module")
def head(sitter):
    return presentation(sitter, STEPS, Species.HEAD)


def test_a_head_passes_in_every_order(sitter):
    for steps in permutations(Movement):
        found = judge(presentation(sitter, steps, Species.HEAD), steps)
        assert found.state is PASSED, (steps, found)
        assert [step.movement for step in found.steps] == list(steps)


@pytest.mark.parametrize(
    "species", [Species.STILL, Species.SHIFTED, Species.COVERED, Species.BENT, Species.OTHER_ORDER]
)
def test_photos_and_a_recording_of_another_order_do_not(sitter, species):
    found = judge(presentation(sitter, STEPS, species), STEPS)
    assert found.state is FAILED and Reason.NOT_DONE in found.reasons
    assert 1 <= len(found.evidence) <= 2


def test_no_other_order_passes_for_the_one_that_was_asked_for(sitter):
    recorded = presentation(sitter, STEPS, Species.HEAD)
    for steps in permutations(Movement):
        if steps != STEPS:
            assert judge(recorded, steps).state is not PASSED


def test_a_recording_with_left_and_right_exchanged_is_for_a_person_to_judge(sitter):
    """A camera that mirrors its picture looks the same."""
    swapped = tuple(
        {Movement.TURN_LEFT: Movement.TURN_RIGHT, Movement.TURN_RIGHT: Movement.TURN_LEFT}.get(one, one)
        for one in STEPS
    )
    found = judge(presentation(sitter, swapped, Species.HEAD), STEPS)
    assert (found.state, found.reasons) == (UNDETERMINED, (Reason.MIRRORED,))


def test_another_face_in_the_middle_or_than_on_the_photo_is_told(head):
    stranger = np.roll(next(look.descriptor for look in head if look.descriptor is not None), 7) + 0.1
    half = len(head) // 2
    spliced = head[:half] + [replace(look, descriptor=stranger) for look in head[half:]]
    assert Reason.ANOTHER_PERSON in judge(spliced, STEPS).reasons
    assert Reason.ANOTHER_PERSON in judge(head, STEPS, reference=stranger).reasons
    without = [replace(look, descriptor=None) for look in head]
    assert judge(without, STEPS).state is PASSED  # exams that forbid templates


def test_a_cut_is_told_without_any_template(head):
    other_room = [
        replace(look, descriptor=None, thumb=look.thumb[::-1])
        if 20 <= index < 30 and look.thumb is not None
        else look
        for index, look in enumerate(head)
    ]
    assert Reason.CUT in judge(other_room, STEPS).reasons


def test_a_flat_mesh_that_turned_is_told(head):
    """If the network ever took a turned photo for a turned head, its points would still lie in one plane."""
    straight = head[0].mesh
    for degrees in (20, 30, 40):
        squeezed = straight.points.copy()
        middle = squeezed[:, 0].mean()
        squeezed[:, 0] = middle + (squeezed[:, 0] - middle) * np.cos(np.radians(degrees))
        assert liveness.depth_share(straight, replace(straight, points=squeezed), degrees) < liveness.FLAT / 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda look, index: replace(look, mesh=None, faces=0) if index % 2 else look, "face_not_seen"),
        (lambda look, index: replace(look, faces=2), "several_faces"),
        (lambda look, index: replace(look, brightness=12.0), "too_dark"),
        (lambda look, index: None if index % 3 else look, "too_few_pictures"),
        (lambda look, index: replace(look, at_ms=look.at_ms + 3000 * (index % STEP_LOOKS > 6)), "too_few_pictures"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_undetermined(head, change, reason):
    changed = [change(look, index) for index, look in enumerate(head)]
    found = judge([look for look in changed if look is not None], STEPS)
    assert found.state is UNDETERMINED and reason in found.reasons


def test_nothing_at_all_is_undetermined():
    assert judge([], STEPS).state is UNDETERMINED


def test_looks_worth_describing_are_one_a_step(head):
    chosen = liveness.frontal(head)
    assert len(chosen) == len(STEPS) + 1 and all(abs(head[index].mesh.pose.yaw) < 10 for index in chosen)


@pytest.mark.skipif(not SCENES.is_dir(), reason=f"the filmed heads are not here: {SCENES} (set KUSTOS_TEST_DATA)")
@pytest.mark.parametrize(
    ("movement", "first", "last"), [(Movement.TURN_LEFT, 0.7, 1.1), (Movement.TURN_RIGHT, 0.0, 0.8)]
)
def test_a_filmed_turn_is_seen_and_has_depth(movement, first, last):
    """A face of 75 pixels that turns to both sides in 1.8 s; there is no longer footage of turns."""
    clip = list(pictures(SCENES / "head-pose-face-detection-female.gif", rate=13))
    straight = [image for seconds, image in clip if 0.7 < seconds < 0.8]
    turning = [image for seconds, image in clip if first <= seconds <= last]
    if movement is Movement.TURN_RIGHT:
        turning.reverse()  # the clip begins turned
    shown = [(0, straight[0])] * STEP_LOOKS + [(1, image) for image in [*straight * 3, *turning, *turning[::-1]]]
    looks = [look_at(image, index * EVERY_MS, step) for index, (step, image) in enumerate(shown)]
    found = judge(looks, (movement,))
    assert found.steps[0].done and Reason.FLAT not in found.reasons


@pytest.mark.skipif(not TALKING.is_dir(), reason=f"the filmed faces are not here: {TALKING} (set KUSTOS_TEST_DATA)")
@pytest.mark.parametrize(
    ("name", "movement", "straight", "window"),
    [
        ("d0.mp4", Movement.BLINK, (0.0, 0.4), (2.2, 3.1)),
        ("s13.mp4", Movement.BLINK, (3.0, 3.3), (3.2, 4.0)),
        ("d11.mp4", Movement.NOD, (0.0, 0.6), (0.6, 2.4)),
    ],
)
def test_a_filmed_blink_and_a_nod_are_seen(name, movement, straight, window):
    clip = list(pictures(TALKING / name, rate=25))
    before = [image for seconds, image in clip if straight[0] <= seconds <= straight[1]]
    during = [image for seconds, image in clip if window[0] <= seconds <= window[1]]
    shown = [(0, image) for image in (before * 8)[:8]] + [(1, image) for image in during]
    looks = [look_at(image, index * 40, step) for index, (step, image) in enumerate(shown)]
    assert judge(looks, (movement,)).steps[0].done
    if movement is Movement.BLINK:
        still = [(0, before[0])] * 8 + [(1, image) for image in before]
        looks = [look_at(image, index * 40, step) for index, (step, image) in enumerate(still)]
        assert not judge(looks, (movement,)).steps or not judge(looks, (movement,)).steps[0].done


def test_rates_are_told_by_species_with_their_counts():
    figures = liveness_figures([portrait(), np.full((200, 200, 3), 90, np.uint8)])
    assert figures["bona_fide"] == {"shown": 3, "rejected": 0, "undetermined": 0}
    assert figures["failure_to_acquire"] == 1 and figures["limits"]
    rates = {row["species"]: row for row in figures["attacks"]}
    assert set(rates) == {species.value for species in Species if species is not Species.HEAD}
    assert rates["spliced_with_another_person"]["shown"] == 0  # there is nobody else
    assert rates["still_photo"] == {"species": "still_photo", "shown": 3, "accepted": 0, "undetermined": 0}
