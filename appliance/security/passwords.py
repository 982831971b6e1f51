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

_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$OUqBhydf2aL7OqAka9b2fw$1L9GOYrfjHpl/bMGpVdlTuaUEea6Vs/TOZKq6Gpyqh8"
"""Of a password that nobody knows, with today's parameters (the tests hold it to these); made anew it would cost each
process half a second at its start."""


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
