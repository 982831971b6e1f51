"""Passwords of staff: argon2id."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import BadInput

MIN_LENGTH = 12
"""NIST SP 800-63B asks for length, not for kinds of characters."""

MAX_LENGTH = 256
"""Longer ones only cost time."""

_hasher = PasswordHasher()
"""Parameters of RFC 9106 for constrained memory (64 MiB, 3 passes), the library's default."""

_NOBODY = _hasher.hash("the password of nobody")


def hash_password(password: str) -> str:
    """Return the argon2id hash; raise ``BadInput`` for one that is too short or too long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadInput(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether it fits; with no hash (nobody of that name, or no password) it takes as long and says no."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        fits = _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return fits and bool(password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
