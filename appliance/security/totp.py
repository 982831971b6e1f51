"""Time-based one-time codes (RFC 6238, SHA-1, 6 digits, 30 seconds), each accepted once."""

import pyotp

from appliance.db import utcnow

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""A phone's clock may be a step off either way."""


def new_secret() -> str:
    """Return 160 random bits in base32 (RFC 4226 recommends that length)."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, email: str, issuer: str = "Kustos") -> str:
    """Return the ``otpauth:`` address that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def accept(secret: str, code: str, last_step: int, now: float | None = None) -> int | None:
    """Return the step whose code this is, None if it fits none or that step (or a later one) was already used.

    The caller keeps the returned step as the next ``last_step``, in the transaction of the log-in and with the user's
    row locked, so that no code works twice. ``now``: POSIX seconds, by default the server's clock.
    """
    digits = code.replace(" ", "")
    present = int(utcnow().timestamp() if now is None else now) // STEP_SECONDS
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    if not (digits.isascii() and digits.isdigit()):
        return None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        fits = pyotp.utils.strings_equal(totp.generate_otp(step), digits)
        if fits and step > last_step:
            return step
    return None
