"""A passive anti-spoofing network that the customer supplies; none is shipped. Its answer is a hint, never a verdict.

Layout of MiniFASNetV2 (minivision-ai, Silent-Face-Anti-Spoofing, Apache-2.0): input 1x3x80x80, the face box enlarged
2.7 times, channels blue, green, red, values 0 to 255; output three classes, the second of which is a living face. The
files that packages bundle rate fakes higher than the living, which is why there is no default.
"""

import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.errors import SettingInvalid
from media.biometrics.faces import Face
from media.biometrics.looks import Look
from media.biometrics.regions import Image

log = structlog.get_logger(__name__)

SIZE: Final = 80
SCALE: Final = 2.7
"""The crop's side as a multiple of the face box, of the network's own training."""
CLASSES: Final = 3
LIVING: Final = 1
"""Index of the living class."""
ASKED: Final = 12
"""Pictures of a challenge that are asked about."""


class AntiSpoof:
    """One file, run by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Load the file. Raises SettingInvalid that says what is wrong with it."""
        # loads 20 MB of native code
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415

        self.path = path
        if not path.is_file():
            raise SettingInvalid(f"antispoof_model: there is no file {path}")
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._lock = threading.Lock()
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a dozen kinds of its own
            raise SettingInvalid(f"antispoof_model: {path} is no ONNX file that can be run") from error
        self._check_layout()

    def _check_layout(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        fits = len(inputs) == 1 and list(inputs[0].shape)[1:] == [3, SIZE, SIZE]
        if not fits or len(outputs) < 1 or list(outputs[0].shape)[-1] != CLASSES:
            raise SettingInvalid(
                f"antispoof_model: {self.path} does not have the layout of MiniFASNetV2: "
                f"one input Nx3x{SIZE}x{SIZE}, one output Nx{CLASSES}"
            )
        self._input = inputs[0].name

    def living(self, image: Image, face: Face) -> float:
        """How sure the network is, 0 to 1, that the face is a living one."""
        crop = cv2.resize(image[_box(image, face)], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
        tensor = crop.astype(np.float32).transpose(2, 0, 1)[np.newaxis]
        with self._lock:
            logits = np.asarray(self._session.run(None, {self._input: tensor})[0], dtype=np.float64).reshape(-1)
        return float(_softmax(logits)[LIVING])


def hint(network: AntiSpoof, looks: Sequence[Look], images: Sequence[Image]) -> dict[str, Any]:
    """What the network says of a challenge: the median over some of its pictures, and which file said it."""
    faces = [(image, look.face) for look, image in zip(looks, images, strict=True) if look.face is not None]
    chosen = [faces[index] for index in np.linspace(0, len(faces) - 1, min(ASKED, len(faces))).astype(int)]
    scores = [network.living(image, face) for image, face in chosen]
    living = round(float(np.median(scores)), 3) if scores else None
    return {"living": living, "pictures": len(scores), "model": network.sha256}


@lru_cache(maxsize=2)  # the setting's one file; tests have another
def supplied(path: str) -> AntiSpoof | None:
    """The process's network from the setting ``antispoof_model``; None when it is empty or cannot be run.

    A wrong file is told loudly, once, and nobody's check-in waits for it: the answer is a hint only.
    """
    if not path:
        return None
    try:
        network = AntiSpoof(Path(path))
    except SettingInvalid as error:
        log.error("no anti-spoofing hint", reason=error.message)
        return None
    log.info("anti-spoofing file of the customer", path=path, sha256=network.sha256)
    return network


def _box(image: Image, face: Face) -> tuple[slice, slice]:
    """The enlarged box, moved into the picture and made smaller where it does not fit: as in the training."""
    height, width = image.shape[:2]
    scale = min((height - 1) / face.height, (width - 1) / face.width, SCALE)
    wide, high = face.width * scale, face.height * scale
    left = min(max(face.centre[0] - wide / 2, 0.0), width - 1 - wide)
    top = min(max(face.centre[1] - high / 2, 0.0), height - 1 - high)
    return slice(int(top), int(top + high) + 1), slice(int(left), int(left + wide) + 1)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
