"""The tree of errors. A docstring is the message; each border (HTTP, socket, CLI) translates once."""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """Names the browser knows; ``web/static/js/base/errors.js`` words them for people."""

    INTERNAL = "internal"
    BAD_INPUT = "bad_input"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    LOGIN_REQUIRED = "login_required"
    LOGIN_REFUSED = "login_refused"
    LOCKED_OUT = "locked_out"
    SIGN_ON_FAILED = "sign_on_failed"
    PROVIDER_AWAY = "provider_away"
    NO_ROLE = "no_role"
    SIGN_ON_WANTED = "sign_on_wanted"
    PROOF_WANTED = "proof_wanted"
    SESSION_LOCKED = "session_locked"
    ENROLMENT_WANTED = "enrolment_wanted"
    ACCOUNT_LINK_INVALID = "account_link_invalid"
    LINK_INVALID = "link_invalid"
    LINK_EXPIRED = "link_expired"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a code, not a secret
    CSRF = "csrf"
    IMPOSSIBLE_STEP = "impossible_step"
    CONSENT_MISSING = "consent_missing"
    CHECK_IN_INCOMPLETE = "check_in_incomplete"
    SUPERSEDED = "superseded"
    PHOTO_REFUSED = "photo_refused"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    MEDIA_UNAVAILABLE = "media_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    SETTING_INVALID = "setting_invalid"
    VAULT_TAMPERED = "vault_tampered"
    KEY_DESTROYED = "key_destroyed"
    AUDIT_BROKEN = "audit_broken"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    APPROVAL_WANTED = "approval_wanted"
    HOST_NOT_READY = "host_not_ready"
    ON_HOLD = "on_hold"
    OUTGOING_FAILED = "outgoing_failed"


class ApplianceError(Exception):
    """Something went wrong inside the appliance."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    def __init__(self, message: str = "", **details: object) -> None:
        """Keep a sentence for people (default: the class's docstring) and plain values for machines."""
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        super().__init__(self.message)


class BadInput(ApplianceError):
    """The request is not understood; the message says which field and what it should be."""

    code = ErrorCode.BAD_INPUT


class NotFound(ApplianceError):
    """There is no such thing here."""

    code = ErrorCode.NOT_FOUND


class NotAllowed(ApplianceError):
    """This account has no permission for that."""

    code = ErrorCode.NOT_ALLOWED


class LoginRequired(ApplianceError):
    """Please log in first."""

    code = ErrorCode.LOGIN_REQUIRED


class LoginRefused(ApplianceError):
    """E-mail, password or one-time code is wrong."""

    code = ErrorCode.LOGIN_REFUSED


class SingleSignOnWanted(LoginRefused):
    """Your organisation lets you log in only through its own log-in; choose it on this page."""

    code = ErrorCode.SIGN_ON_WANTED


class LockedOut(ApplianceError):
    """Too many failed attempts; try again later."""

    code = ErrorCode.LOCKED_OUT


class ProofWanted(ApplianceError):
    """Please show your second factor again for this."""

    code = ErrorCode.PROOF_WANTED


class SessionLocked(ApplianceError):
    """Nobody was at this page for a while; please show that it is you."""

    code = ErrorCode.SESSION_LOCKED


class EnrolmentWanted(ApplianceError):
    """Please finish setting up your account first."""

    code = ErrorCode.ENROLMENT_WANTED


class AccountLinkInvalid(ApplianceError):
    """This link is not valid or was used already; ask your administrator for a new one."""

    code = ErrorCode.ACCOUNT_LINK_INVALID


class LinkInvalid(ApplianceError):
    """This link is not valid; please open the exam from your course again."""

    code = ErrorCode.LINK_INVALID


class LinkExpired(LinkInvalid):
    """This link has expired; please open the exam from your course again."""

    code = ErrorCode.LINK_EXPIRED


class TokenInvalid(ApplianceError):
    """The live token is wrong or has expired; ask for a new one."""

    code = ErrorCode.TOKEN_INVALID


class CsrfRefused(ApplianceError):
    """The page is out of date; reload it and try again."""

    code = ErrorCode.CSRF


class ImpossibleStep(ApplianceError):
    """The sitting cannot take this step in its present state."""

    code = ErrorCode.IMPOSSIBLE_STEP


class BiometricsOff(ImpossibleStep):
    """Faces are not measured in this exam; nothing about them may be computed or kept."""


class ConsentMissing(ImpossibleStep):
    """The candidate has not given consent yet."""

    code = ErrorCode.CONSENT_MISSING


class CheckInIncomplete(ImpossibleStep):
    """The check-in is not complete yet."""

    code = ErrorCode.CHECK_IN_INCOMPLETE


class Superseded(ApplianceError):
    """The exam was opened in another tab; this one no longer takes part."""

    code = ErrorCode.SUPERSEDED


class PhotoRefused(BadInput):
    """The photo cannot be used."""

    code = ErrorCode.PHOTO_REFUSED


class TooLarge(BadInput):
    """The file is too large."""

    code = ErrorCode.TOO_LARGE


class TooMany(ApplianceError):
    """Too many requests; wait a moment."""

    code = ErrorCode.TOO_MANY


class MediaUnavailable(ApplianceError):
    """No media node can take the stream just now; it will be tried again."""

    code = ErrorCode.MEDIA_UNAVAILABLE


class DatabaseUnavailable(ApplianceError):
    """The database cannot be reached."""

    code = ErrorCode.DATABASE_UNAVAILABLE


class SettingInvalid(ApplianceError):
    """A setting is missing or wrong."""

    code = ErrorCode.SETTING_INVALID


class VaultTampered(ApplianceError):
    """A sealed file was altered, cut short, or belongs elsewhere."""

    code = ErrorCode.VAULT_TAMPERED


class KeyDestroyed(ApplianceError):
    """The key of this data was destroyed; it can never be read again."""

    code = ErrorCode.KEY_DESTROYED


class AuditBroken(ApplianceError):
    """The audit chain does not verify."""

    code = ErrorCode.AUDIT_BROKEN


class AuditUnavailable(ApplianceError):
    """The audit log cannot be written, so nothing was done."""

    code = ErrorCode.AUDIT_UNAVAILABLE


class OutgoingRefused(BadInput):
    """This address may not be asked from here."""


class OutgoingFailed(ApplianceError):
    """Another system did not answer."""

    code = ErrorCode.OUTGOING_FAILED


class HostNotReady(ApplianceError):
    """This machine is not ready to run Kustos."""

    code = ErrorCode.HOST_NOT_READY


class ApprovalWanted(ApplianceError):
    """A second person must agree to this; the request for it was kept."""

    code = ErrorCode.APPROVAL_WANTED


class OnHold(ApplianceError):
    """A legal hold forbids destroying this; release it first."""

    code = ErrorCode.ON_HOLD
