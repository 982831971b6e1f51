"""What makes a face's descriptor a template: turned by a secret of the company, then sealed. Pure.

A protection is a random rotation of the descriptors' space (Haar-distributed, Mezzadri 2007, "How to generate random
matrices from the classical compact groups"), drawn from the company's secret. Distances inside a company hold; the
same face in two companies gives two vectors that have nothing to do with each other. Descriptors are first brought to
one length: their lengths would tell people apart in every company alike.

A rotation keeps the shape of a whole crowd: who had the plain vectors of many people could compare the shapes of two
companies' crowds. So the vectors are sealed under a key made of the person's and the company's (ISO/IEC 24745: both
the pseudonymous identifier and its auxiliary data are needed), and nothing is stored unsealed.
"""

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from appliance.errors import BadInput, VaultTampered

Vector = NDArray[np.float64]

SIZE = 128
LENGTH = 1.414
"""Mean length of the network's descriptors: with it distances keep the scale of its thresholds."""
NONCE = 12
MAGIC = b"KUSTOS-FACE-1\n"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed template belongs to; it opens nowhere else."""

    company_id: int
    candidate_id: int
    template_id: int
    version: int
    """Of the company's protection."""
    model_hash: str

    @property
    def authenticated(self) -> bytes:
        """The associated data of the encryption."""
        numbers = struct.pack(">QQQQ", self.company_id, self.candidate_id, self.template_id, self.version)
        return MAGIC + numbers + self.model_hash.encode()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Protection:
    """A company's secret rotation, and its half of the keys of the templates."""

    version: int
    secret: bytes
    rotation: NDArray[np.float64]

    @classmethod
    def of(cls, version: int, secret: bytes) -> "Protection":
        """The protection that follows from a secret of 32 bytes; takes some ms the first time."""
        return cls(version, secret, _rotation(secret))

    def protect(self, descriptor: Vector) -> Vector:
        """128 numbers that tell distances within this company and nothing outside of it. Raises BadInput."""
        values = np.asarray(descriptor, dtype=np.float64)
        if values.shape != (SIZE,) or not np.all(np.isfinite(values)) or not np.any(values):
            raise BadInput(f"A descriptor has {SIZE} finite numbers.")
        turned: Vector = self.rotation @ (values * (LENGTH / float(np.linalg.norm(values))))
        return turned

    def reveal(self, protected: NDArray[Any]) -> Vector:
        """The descriptor again, at the common length: what a live face is compared with."""
        plain: Vector = self.rotation.T @ np.asarray(protected, dtype=np.float64)
        return plain

    def seal(self, protected: Vector, person_key: bytes, binding: Binding) -> bytes:
        """Nonce and ciphertext of the numbers as float32."""
        nonce = secrets.token_bytes(NONCE)
        plain = np.asarray(protected, dtype="<f4").tobytes()
        return nonce + AESGCM(self.key(person_key)).encrypt(nonce, plain, binding.authenticated)

    def open(self, sealed: bytes, person_key: bytes, binding: Binding) -> NDArray[np.float32]:
        """The protected numbers; raises VaultTampered for what was altered or belongs elsewhere."""
        try:
            cipher = AESGCM(self.key(person_key))
            plain = cipher.decrypt(sealed[:NONCE], sealed[NONCE:], binding.authenticated)
        except (InvalidTag, ValueError) as error:
            raise VaultTampered("A template of a face was altered, or belongs elsewhere.") from error
        return np.frombuffer(plain, dtype="<f4")

    def key(self, person_key: bytes) -> bytes:
        """The key of one person's templates in this company: neither half alone opens them."""
        return hmac.digest(self.secret, b"template\n" + person_key, "sha256")


@lru_cache(maxsize=64)  # a matrix has 128 KiB; a worker sees a few companies
def _rotation(secret: bytes) -> NDArray[np.float64]:
    """A rotation that follows from the secret on every machine: own random numbers, and a unique decomposition."""
    gaussian = _normal_numbers(secret, SIZE * SIZE).reshape(SIZE, SIZE)
    orthogonal, upper = np.linalg.qr(gaussian)
    rotation: NDArray[np.float64] = orthogonal * np.sign(np.diag(upper))
    rotation.setflags(write=False)
    return rotation


def _normal_numbers(secret: bytes, count: int) -> NDArray[np.float64]:
    """Normally distributed numbers by Box and Muller's method from SHAKE-256: NumPy's generators may change."""
    stream = hashlib.shake_256(b"kustos rotation\n" + secret).digest(16 * count)
    uniform = (np.frombuffer(stream, dtype="<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log1p(-uniform[:count]))
    normal: NDArray[np.float64] = radius * np.cos(2.0 * np.pi * uniform[count:])
    return normal
