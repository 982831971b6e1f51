import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from media.biometrics.faces import FaceDetector, face_detector
from media.biometrics.mesh import mesh_network
from media.biometrics.model_files import FACE_MESH, FACE_SHORT_RANGE, ModelFile, ModelMissing
from media.biometrics.regions import Square
from media.clips.drawn import portrait


@pytest.fixture(scope="module")
def picture():
    """The shipped portrait on a wider wall, 640x480, the face about 110 pixels wide."""
    wall = np.full((480, 640, 3), 150, np.uint8)
    wall[40:440, 120:520] = cv2.resize(portrait(), (400, 400), interpolation=cv2.INTER_AREA)
    return wall


@pytest.fixture(scope="module")
def face(picture):
    (found,) = face_detector().all(picture)
    return found


def turned(picture, degrees):
    matrix = cv2.getRotationMatrix2D((320, 240), -degrees, 1)
    return cv2.warpAffine(picture, matrix, (640, 480), borderValue=(150, 150, 150))


def test_faces_are_found_where_they_are_in_pictures_of_all_sizes(picture, face):
    for factor in (0.5, 0.9, 1.5, 2, 3.1):
        whole = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        (found,) = face_detector().all(whole)
        assert np.hypot(*np.subtract(np.divide(found.centre, factor), face.centre)) < 0.05 * face.width
        assert found.width / factor == pytest.approx(face.width, rel=0.06)


def test_the_one_face_is_found_where_it_is(picture, face):
    assert face.score > 0.8
    (left_eye, right_eye, nose, mouth), x, y = face.keypoints[:4], *face.centre
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth[1]
    assert face.left < nose[0] < face.left + face.width
    assert 80 < face.width < 180
    assert abs(x - nose[0]) < face.width / 2 > abs(y - nose[1])


def test_moving_and_scaling_the_picture_moves_and_scales_the_face(picture, face):
    half = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
    moved = np.roll(half, 60, axis=1)
    (smaller,) = face_detector().all(moved)
    assert smaller.width == pytest.approx(face.width / 2, rel=0.15)
    assert smaller.centre[0] == pytest.approx(face.centre[0] / 2 + 60, abs=8)
    assert smaller.centre[1] == pytest.approx(face.centre[1] / 2, abs=8)


def test_two_faces_are_two(picture):
    both = picture.copy()
    small = cv2.resize(portrait(), (200, 200), interpolation=cv2.INTER_AREA)
    both[100:300, 440:640] = small
    faces = [face for face in face_detector().all(both) if face.score >= 0.5]
    assert len(faces) == 2
    assert faces[0].width > faces[1].width


def test_a_wall_and_noise_have_no_face():
    random = np.random.default_rng(5)
    for picture in (np.full((480, 640, 3), 150, np.uint8), random.integers(0, 255, (480, 640, 3), np.uint8)):
        assert [face for face in face_detector().all(picture) if face.score >= 0.5] == []


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (720, 1280), (100, 400)])
def test_any_shape_of_picture_is_taken(shape):
    face_detector().all(np.zeros((*shape, 3), np.uint8))


def test_many_threads_share_one_detector_and_agree(picture):
    detector, results = FaceDetector(), []
    threads = [
        threading.Thread(target=lambda: results.append([found.score for found in detector.all(picture)]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(each == results[0] for each in results)


def test_the_mesh_lies_on_the_face(picture, face):
    mesh = mesh_network().mesh(picture, face)
    assert mesh.presence > 0.9
    assert mesh.points.shape == (468, 3)
    for mesh_point, keypoint in ((1, 2), (13, 3)):  # nose tip, lips
        assert np.hypot(*(mesh.points[mesh_point, :2] - face.keypoints[keypoint])) < 0.12 * face.width


def test_the_mesh_network_sees_no_face_in_a_wall(face):
    assert mesh_network().mesh(np.full((480, 640, 3), 150, np.uint8), face).presence < 0.5


@pytest.mark.parametrize("degrees", [-25, 20])
def test_leaning_changes_roll_and_little_else(picture, face, degrees):
    upright = mesh_network().mesh(picture, face).pose
    leaning_picture = turned(picture, degrees)
    leaning = mesh_network().mesh(leaning_picture, face_detector().all(leaning_picture)[0]).pose
    assert leaning.roll - upright.roll == pytest.approx(degrees, abs=5)
    assert leaning.yaw == pytest.approx(upright.yaw, abs=8)
    assert leaning.pitch == pytest.approx(upright.pitch, abs=8)


def test_the_axes_of_the_head_are_square_to_each_other_and_face_the_camera(picture, face):
    axes = mesh_network().mesh(picture, face).axes
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert axes[2, 2] > 0.8  # out of the face, towards the camera
    assert axes[1, 1] > 0.8  # up is up


def test_a_badly_placed_box_gives_the_same_mesh(picture, face):
    """The detectors' boxes of turned heads lie off by a tenth: the crop is drawn again round the mesh itself."""
    good = mesh_network().mesh(picture, face)
    moved = replace(face, left=face.left + 0.12 * face.width, width=face.width * 1.15, height=face.height * 1.15)
    again = mesh_network().mesh(picture, moved)
    assert np.abs(again.points[:, :2] - good.points[:, :2]).mean() < 0.03 * face.width
    assert again.pose.yaw == pytest.approx(good.pose.yaw, abs=3)


def test_mirroring_changes_the_sign_of_yaw_and_the_side_of_the_gaze(picture, face):
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    network = mesh_network()
    mesh = network.mesh(picture, face)
    other = network.mesh(mirrored, face_detector().all(mirrored)[0])
    assert other.pose.yaw == pytest.approx(-mesh.pose.yaw, abs=4)
    left, right = network.gaze(picture, mesh)
    other_left, other_right = network.gaze(mirrored, other)
    assert other_left.across == pytest.approx(1 - right.across, abs=0.06)
    assert other_right.across == pytest.approx(1 - left.across, abs=0.06)
    assert min(eye.opening for eye in (left, right, other_left, other_right)) > 0.15


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_point_cut_out_is_carried_back_to_its_place(mirrored):
    picture = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(picture, (170, 80), 3, (0, 0, 255), -1)
    square = Square(160, 90, 60, angle=0.5)
    cut = square.cut(picture, 120, mirrored)
    assert (cut[..., 0].max(), cut[..., 2].max()) == (pytest.approx(1, abs=0.1), 0)  # red comes first
    y, x = np.argwhere(cut[..., 0] > 0.5).mean(axis=0)
    back = square.back(np.array([[x, y, 2.0]], np.float32), 120, mirrored)[0]
    assert back[:2] == pytest.approx((170, 80), abs=1)
    assert back[2] == pytest.approx(1.0)


def test_model_files_are_known_by_their_hash():
    assert FACE_SHORT_RANGE.sha256.startswith("3bc182eb9f3392")
    assert FACE_MESH.name == "face_landmark"


def test_a_missing_model_file_says_what_to_install():
    with pytest.raises(ModelMissing, match=r"requirements-models\.txt"):
        _ = ModelFile("no_such_package", "data/x.tflite").path
