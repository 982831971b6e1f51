import cv2
import numpy as np
import pytest

from appliance.vocabulary import IdentityVerdict, PhotoKind
from media.biometrics.faces import face_detector
from media.biometrics.photos import MAX_BYTES, PhotoHint, check_photo
from media.clips.drawn import portrait, portrait_jpeg


def encoded(picture, ending=".jpg"):
    return cv2.imencode(ending, picture)[1].tobytes()


def passport(picture):
    """The portrait printed small and pale on a page."""
    page = np.full((600, 850, 3), 225, np.uint8)
    page[180:430, 40:290] = cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA) // 2 + 110
    for line in range(8):
        cv2.putText(page, "NAME<<OF<THE<HOLDER", (320, 200 + 30 * line), cv2.FONT_HERSHEY_PLAIN, 1.5, (60, 60, 60), 2)
    return page


@pytest.fixture(scope="module")
def checked():
    return check_photo(portrait_jpeg())


def test_a_good_photo_gives_a_reference(checked):
    assert (checked.usable, checked.faces, checked.hints) == (True, 1, ())
    assert checked.descriptor.shape == (128,)
    assert checked.verdict is IdentityVerdict.UNDETERMINED
    assert checked.distance is None
    assert "descriptor" not in repr(checked)


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_other_image_formats_are_read_alike(checked, ending):
    other = check_photo(encoded(portrait(), ending), reference=checked.descriptor)
    assert other.verdict is IdentityVerdict.MATCH
    assert other.distance < 0.3


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg/>", b"%PDF-1.7 not a picture", portrait_jpeg()[:40]], ids=repr
)
def test_what_is_no_image_is_said_to_be_none(content):
    assert check_photo(content).hints == (PhotoHint.NOT_AN_IMAGE,)


def test_a_truncated_photo_never_raises():
    whole = portrait_jpeg()
    for share in (0.02, 0.3, 0.7, 0.95):
        assert check_photo(whole[: int(len(whole) * share)]).hints or True


def test_too_many_bytes_or_pixels_are_refused_before_decoding():
    assert check_photo(b"\xff" * (MAX_BYTES + 1)).hints == (PhotoHint.TOO_LARGE,)
    bomb = encoded(np.zeros((8000, 8000, 3), np.uint8), ".png")
    assert len(bomb) < 1_000_000
    assert check_photo(bomb).hints == (PhotoHint.TOO_LARGE,)


def dark():
    return (portrait() * 0.12).astype(np.uint8)


def small():
    page = np.full((480, 640, 3), 150, np.uint8)
    page[100:300, 200:400] = cv2.resize(portrait(), (200, 200), interpolation=cv2.INTER_AREA)
    return page


def blurred():
    return cv2.GaussianBlur(portrait(), (0, 0), 4)


def nobody():
    return np.full((480, 640, 3), 150, np.uint8)


def two():
    return np.hstack([portrait(), portrait()])


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        (dark, PhotoHint.TOO_DARK),
        (small, PhotoHint.TOO_SMALL),
        (blurred, PhotoHint.BLURRED),
        (nobody, PhotoHint.NO_FACE),
        (two, PhotoHint.SEVERAL_FACES),
    ],
)
def test_the_hint_says_what_to_do_better(made, hint):
    check = check_photo(encoded(made()))
    assert hint in check.hints
    assert not check.usable
    assert check.descriptor is None


def test_a_document_with_the_same_face_matches(checked):
    check = check_photo(encoded(passport(portrait())), PhotoKind.DOCUMENT, checked.descriptor)
    assert check.usable
    assert check.verdict is IdentityVerdict.MATCH


def test_a_document_without_a_portrait_says_so(checked):
    page = np.full((600, 850, 3), 225, np.uint8)
    check = check_photo(encoded(page), PhotoKind.DOCUMENT, checked.descriptor)
    assert (check.usable, check.hints, check.verdict) == (
        False,
        (PhotoHint.NO_FACE,),
        IdentityVerdict.UNDETERMINED,
    )


def test_a_document_of_somebody_else_is_no_match(checked):
    somebody_else = -checked.descriptor
    check = check_photo(encoded(passport(portrait())), PhotoKind.DOCUMENT, somebody_else)
    assert check.verdict is IdentityVerdict.MISMATCH
    assert check.distance > 1


def test_a_lamp_in_the_picture_is_told_and_is_no_obstacle(checked):
    shining = portrait().copy()
    face = face_detector().all(shining)[0]
    middle = (round(face.centre[0]), round(face.centre[1] - face.height * 0.2))
    cv2.circle(shining, middle, round(face.width * 0.14), (255, 255, 255), -1)
    found = check_photo(encoded(shining, ".png"))
    assert PhotoHint.GLARE in found.hints
    page = passport(portrait())
    assert PhotoHint.GLARE not in check_photo(encoded(page), PhotoKind.DOCUMENT).hints  # white paper is no lamp
    dull = (page * 0.6).astype(np.uint8)
    cv2.circle(dull, (360, 320), 90, (255, 255, 255), -1)
    found = check_photo(encoded(dull), PhotoKind.DOCUMENT, reference=checked.descriptor)
    assert found.usable and found.hints == (PhotoHint.GLARE,)
