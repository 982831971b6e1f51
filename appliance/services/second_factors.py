"""What a person has besides the password: an authenticator's codes, security keys, recovery codes on paper."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, VaultTampered
from appliance.models import RecoveryCode, SecurityKey, User
from appliance.security import recovery_codes, totp
from appliance.services import log_in_attempts, security_keys
from appliance.services.security_keys import KeyAnswer
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import ProvedBy

SET_UP_WITHIN: Final = timedelta(minutes=30)
_LONGEST: Final = 64
_PENDING: Final = "pending authenticator"
"""What one that has shown no code yet is bound to."""
"""Of what is typed into the field for codes; a recovery code with its dashes has 19."""


@dataclass(frozen=True, slots=True)
class PendingAuthenticator:
    """An authenticator that has not shown a code yet."""

    secret: str
    """Base32, for typing in."""
    uri: str
    """``otpauth:``, for the QR code."""
    pending: str
    """Sealed; comes back with the first code, so that nothing is kept of who gives up."""


def shown(
    session: Session, vault: Vault, user: User | None, code: str, answer: KeyAnswer | None, purpose: str
) -> ProvedBy | None:
    """Return which second factor of the user was shown, if any; it is used up in the caller's transaction.

    ``purpose``: ``log_in`` or ``prove``. With no user it computes as much and says None.
    """
    secret = (
        row_secrets.read(vault, user, User.totp_secret).decode() if user and user.totp_secret else totp.new_secret()
    )
    step = totp.accept(secret, code[:16], user.totp_last_step if user else 0)
    on_paper = recovery_codes.code_hash(code[:_LONGEST])
    if answer is not None:
        factory = log_in_attempts.own_transactions(session)
        return ProvedBy.SECURITY_KEY if security_keys.answers(session, factory, user, answer, purpose) else None
    if user is None:
        return None
    if step is not None and user.totp_secret is not None and _use_step(session, user, step):
        return ProvedBy.TOTP
    if on_paper is not None and _use_code(session, user, on_paper):
        return ProvedBy.RECOVERY_CODE
    return None


def has_any(session: Session, user: User) -> bool:
    """Say whether the account has a second factor of its own."""
    return user.totp_secret is not None or bool(_keys(session, user))


def set_up(vault: Vault, user: User) -> PendingAuthenticator:
    """Propose a new authenticator."""
    secret = totp.new_secret()
    claims = {"user": user.id, "secret": secret, "until": (utcnow() + SET_UP_WITHIN).timestamp()}
    pending = base64.urlsafe_b64encode(vault.wrap(json.dumps(claims).encode(), _PENDING)).decode()
    return PendingAuthenticator(secret, totp.provisioning_uri(secret, user.email), pending)


def confirm(session: Session, actor: Actor, vault: Vault, user: User, pending: str, code: str) -> None:
    """Take over the authenticator once it has shown a right code; raise ``BadInput``."""
    secret = _pending_secret(vault, user, pending)
    step = totp.accept(secret, code[:16], 0)
    if step is None:
        text = "This code is not right. Check that the clock of the phone is right, and type the next one."
        raise BadInput(text, field="code", reason="code")
    session.refresh(user, with_for_update=True)
    row_secrets.keep(session, vault, user, User.totp_secret, secret.encode())
    user.totp_last_step = step
    audit.record(session, actor, "user.authenticator_set", ("user", user.id), company_id=user.company_id)


def remove_authenticator(session: Session, actor: Actor, user: User) -> None:
    """Go on with security keys alone; raise ``BadInput`` for who has none."""
    if not _keys(session, user):
        raise BadInput("Without a security key the authenticator is needed.", reason="last")
    user.totp_secret, user.totp_last_step = None, 0
    audit.record(session, actor, "user.authenticator_remove", ("user", user.id), company_id=user.company_id)


def remove_key(session: Session, actor: Actor, user: User, key_id: int) -> None:
    """Forget a security key; raise ``BadInput`` for the last second factor, ``NotFound``."""
    if user.totp_secret is None and _keys(session, user) < 2:
        raise BadInput("This is your only second factor; set up another one first.", reason="last")
    security_keys.remove(session, actor, user, key_id)


def new_recovery_codes(session: Session, actor: Actor, user: User, count: int = recovery_codes.COUNT) -> list[str]:
    """Return new codes, shown once; the old ones are void."""
    codes = recovery_codes.new_codes(count)
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    hashes = [recovery_codes.code_hash(code) for code in codes]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=kept) for kept in hashes if kept)
    audit.record(session, actor, "user.recovery_codes", ("user", user.id), company_id=user.company_id, count=count)
    return codes


def recovery_codes_left(session: Session, user: User) -> int:
    """Return how many codes still work."""
    unused = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def forget_all(session: Session, user: User) -> None:
    """Take every second factor away: the person has lost them, or somebody else has them."""
    user.totp_secret, user.totp_last_step = None, 0
    session.execute(delete(SecurityKey).where(SecurityKey.user_id == user.id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _keys(session: Session, user: User) -> int:
    return session.scalar(select(func.count()).where(SecurityKey.user_id == user.id)) or 0


def _use_step(session: Session, user: User, step: int) -> bool:
    """Use the code up; of two log-ins with the same code one gets False."""
    newer = update(User).where(User.id == user.id, User.totp_last_step < step).values(totp_last_step=step)
    return session.scalar(newer.returning(User.id)) is not None


def _use_code(session: Session, user: User, kept: str) -> bool:
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == kept, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(unused.values(used_at=utcnow()).returning(RecoveryCode.id)) is not None


def _pending_secret(vault: Vault, user: User, pending: str) -> str:
    try:
        claims = json.loads(vault.unwrap(base64.urlsafe_b64decode(pending.encode()), _PENDING))
    except (VaultTampered, binascii.Error, ValueError) as error:
        raise BadInput("Start setting up the authenticator again.", field="pending") from error
    if claims["user"] != user.id or claims["until"] < utcnow().timestamp():
        raise BadInput("Start setting up the authenticator again.", field="pending")
    return str(claims["secret"])
