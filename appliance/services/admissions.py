"""The way in: start links of the "simple integration" (HS256 JWT), and the LMS's server calls about a sitting."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt
import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import LinkExpired, LinkInvalid, MediaUnavailable, NotFound, TokenInvalid
from appliance.models import Candidate, Company, Exam, Sitting
from appliance.security import cookies, identity
from appliance.services import assignments, disk_guard, profiles, sittings, start_claims
from appliance.services.start_claims import StartClaims
from appliance.sitting_machine import LIVE, OVER
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import BiometricsMode, FinishedBy, IdentityAction
from appliance.vocabulary import SittingState as S

log = structlog.get_logger(__name__)

ALGORITHM: Final = "HS256"
MAX_TOKEN: Final = 32_768
"""A token with long rules has 4 KB."""

LEEWAY_SECONDS: Final = 30
"""How far the clocks of the LMS and of this box may differ."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The sitting and the candidate's new cookie token; of a sitting that is over only the end page is shown."""

    sitting: Sitting
    cookie_token: str

    @property
    def is_over(self) -> bool:
        """Say whether the candidate's part is over."""
        return self.sitting.state in OVER


def admit(
    session: Session, actor: Actor, vault: Vault, company_slug: str, token: str, reserve_mb: int = 0
) -> Admission:
    """Let the candidate of a start link in: find or make candidate, exam and sitting, and give a new cookie token.

    The same ``sessionId`` goes on with the same sitting; the newer start wins over older cookies. Raises
    ``LinkExpired`` (also too late), ``LinkInvalid`` (also too early) and ``MediaUnavailable`` for a new sitting when
    less than ``reserve_mb`` of disk is free, or would be when all sittings are over; the message is for people.
    """
    company, secret = _company(session, vault, company_slug)
    claims = start_claims.read(_decode(token, secret))
    sitting, is_new = _sitting(session, company, claims)
    sittings.lock(session, sitting)
    if sitting.state in {S.CREATED, S.SCHEDULED}:
        _check_window(claims.opens_at, claims.closes_at, utcnow())
        if is_new:
            _check_disk(session, vault, reserve_mb, sitting.duration_minutes)
        _take_over_exam(session, actor, sitting, claims)
    cookie_token = cookies.new_token()
    sitting.token_hash = cookies.token_hash(cookie_token)
    sitting.csrf_token = cookies.new_token()
    if sitting.state in LIVE:
        sitting.last_seen_at = utcnow()
    candidate = identity.of_candidate(sitting, actor.address).actor
    details: dict[str, Any] = {"state": sitting.state, "new": is_new}
    audit.record(session, candidate, "sitting.enter", ("sitting", sitting.id), company_id=company.id, **details)
    if sitting.state in {S.CREATED, S.SCHEDULED}:
        sittings.open_check_in(session, candidate, sitting)
        sitting.last_seen_at = utcnow()
    elif sitting.state is S.INTERRUPTED:
        sittings.return_(session, candidate, sitting)
    return Admission(sitting, cookie_token)


def sitting_by_token(session: Session, sitting_id: int, cookie_token: str) -> Sitting:
    """Return the sitting whose newest cookie token this is; raise ``LinkInvalid``."""
    sitting = session.get(Sitting, sitting_id)
    if sitting is None or not cookies.token_fits(cookie_token, sitting.token_hash):
        raise LinkInvalid("This page is no longer in use; open the exam from your course again.")
    return sitting


def integration_sitting(
    session: Session, vault: Vault, company_slug: str, external_id: str, authorization: str
) -> Sitting:
    """Return the sitting an LMS asks about with ``Authorization: JWT …``; raise ``TokenInvalid`` or ``NotFound``."""
    scheme, _, token = authorization.strip().partition(" ")
    try:
        company, secret = _company(session, vault, company_slug)
        if scheme.upper() != "JWT":
            raise TokenInvalid("The header must be: Authorization: JWT <token>.")
        _decode(token.strip(), secret, require_expiry=True)
    except LinkInvalid as error:
        raise TokenInvalid(f"The Authorization header is refused: {error.message}") from error
    query = select(Sitting).where(Sitting.company_id == company.id, Sitting.external_id == external_id)
    sitting = session.scalars(query).first()
    if sitting is None:
        raise NotFound("There is no such session.", session_id=external_id[: start_claims.MAX_TEXT])
    return sitting


def integration_status(sitting: Sitting, now: datetime | None = None) -> str:
    """Return the status of the simple integration: ``ready_to_start``, ``started``, ``finished`` …"""
    moment = now or utcnow()
    if sitting.state is S.EXPIRED:
        return "late_to_start"
    if sitting.state in OVER:
        return "finished"
    if sitting.state in LIVE:
        return "started"
    if sitting.opens_at is not None and moment < sitting.opens_at:
        return "early_to_start"
    if sitting.closes_at is not None and moment > sitting.closes_at:
        return "late_to_start"
    return "ready_to_start"


def finish_by_integration(session: Session, actor: Actor, sitting: Sitting) -> None:
    """End the exam because the LMS says the candidate handed in; what is over already stays as it is."""
    sittings.lock(session, sitting)
    if sitting.state not in OVER:
        sittings.finish(session, actor, sitting, FinishedBy.CANDIDATE)


def sign(claims: dict[str, Any], secret: bytes) -> str:
    """Return a token as an LMS would sign it: for the demo and for trying out an integration."""
    return jwt.encode(claims, secret.decode(), ALGORITHM)


def _company(session: Session, vault: Vault, slug: str) -> tuple[Company, str]:
    company = session.scalars(select(Company).where(Company.slug == slug[:100].replace("\0", ""))).first()
    if company is None:
        raise LinkInvalid("This link names an organisation that is not known here.", reason="company")
    return company, row_secrets.read(vault, company, Company.integration_secret).decode()


def _decode(token: str, secret: str, require_expiry: bool = False) -> dict[str, Any]:
    """Return the claims; only HS256 is taken, whatever the token's own header asks for."""
    if not token or len(token) > MAX_TOKEN:
        raise LinkInvalid("The link is incomplete; copy it whole, or open the exam from your course.", reason="size")
    options: Any = {"require": ["exp"] if require_expiry else [], "verify_aud": False}
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], options=options, leeway=LEEWAY_SECONDS
        )
    except jwt.ExpiredSignatureError as error:
        raise LinkExpired(reason="expired") from error
    except jwt.ImmatureSignatureError as error:
        message = "The link is from the future: the clock of the course's server or of this one is wrong."
        raise LinkInvalid(message, reason="immature") from error
    except jwt.InvalidAlgorithmError as error:
        raise LinkInvalid("The link is not signed with HS256.", reason="algorithm") from error
    except jwt.InvalidSignatureError as error:
        raise LinkInvalid(
            "The link's signature is wrong: the course uses another secret.", reason="signature"
        ) from error
    except jwt.MissingRequiredClaimError as error:
        raise LinkInvalid(f"The link lacks {error.claim}.", reason="claims") from error
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
        message = "The link is damaged; copy it whole, or open the exam from your course."
        raise LinkInvalid(message, reason="damaged") from error
    return claims


def _check_window(opens_at: datetime | None, closes_at: datetime | None, now: datetime) -> None:
    if opens_at is not None and now < opens_at:
        when = f"{opens_at:%Y-%m-%d %H:%M} UTC"
        raise LinkInvalid(f"The exam opens at {when}; come back then.", reason="early", opens_at=opens_at.isoformat())
    if closes_at is not None and now > closes_at:
        when = f"{closes_at:%Y-%m-%d %H:%M} UTC"
        raise LinkExpired(f"The exam could be started until {when}.", reason="late", closes_at=closes_at.isoformat())


def _check_disk(session: Session, vault: Vault, reserve_mb: int, minutes: int) -> None:
    """Turn new candidates away long before running ones are at risk: by the forecast, and by what is free."""
    if not reserve_mb:
        return
    folder = next(path for path in (vault.folder, *vault.folder.parents) if path.exists())
    free_mb = shutil.disk_usage(folder).free // disk_guard.MB
    fits, outlook = disk_guard.room_for(session, minutes * 60.0, reserve_mb * disk_guard.MB)
    if free_mb < reserve_mb or not fits:
        figures = {"free_mb": free_mb, **({} if outlook is None else disk_guard.payload(outlook))}
        log.error("no room for a new sitting", reserve_mb=reserve_mb, minutes=minutes, **figures)
        message = (
            "This server is short of disk space and takes no new candidates just now. Your exam has not begun and no"
            " time is lost: try again later, and tell your organiser."
        )
        raise MediaUnavailable(message, free_mb=free_mb, reserve_mb=reserve_mb)


def _sitting(session: Session, company: Company, claims: StartClaims) -> tuple[Sitting, bool]:
    """Find or make the sitting; of two starts at once one makes it and both get it."""
    candidate = _candidate(session, company, claims)
    exam = _exam(session, company, claims)
    made = session.scalar(
        insert(Sitting)
        .values(
            company_id=company.id,
            exam_id=exam.id,
            candidate_id=candidate.id,
            external_id=claims.session_id,
            language=claims.language,
            duration_minutes=claims.duration_minutes,
        )
        .on_conflict_do_nothing()
        .returning(Sitting.id)
    )
    query = select(Sitting).where(Sitting.company_id == company.id, Sitting.external_id == claims.session_id)
    sitting = session.scalars(query).one()
    if sitting.candidate_id != candidate.id:
        raise LinkInvalid("This session belongs to another candidate.", reason="candidate")
    if sitting.exam_id != exam.id:
        raise LinkInvalid("This session belongs to another exam.", reason="exam")
    return sitting, made is not None


def _candidate(session: Session, company: Company, claims: StartClaims) -> Candidate:
    names = {"first_name": claims.first_name, "last_name": claims.last_name, "email": claims.email}
    key = {"company_id": company.id, "external_id": claims.user_id}
    session.execute(insert(Candidate).values(**key, **names, language=claims.language).on_conflict_do_nothing())
    candidate = session.scalars(select(Candidate).filter_by(**key)).one()
    for field, value in names.items():
        if value:
            setattr(candidate, field, value)
    candidate.language = claims.language
    return candidate


def _exam(session: Session, company: Company, claims: StartClaims) -> Exam:
    key = {"company_id": company.id, "external_id": claims.exam_id}
    values = {
        "name": claims.exam_name,
        "mode": claims.mode,
        "duration_minutes": claims.duration_minutes,
        "biometrics": profiles.of(company).default_mode,
    }
    made = insert(Exam).values(**key, **values).on_conflict_do_nothing().returning(Exam.id)
    is_new = session.scalar(made) is not None
    exam = session.scalars(select(Exam).filter_by(**key)).one()
    if is_new:
        assignments.give_new_exam(session, Actor.appliance("admission"), exam)
    return exam


def _take_over_exam(session: Session, actor: Actor, sitting: Sitting, claims: StartClaims) -> None:
    """Write what the link says of this attempt and of its exam; what it does not say stays as it is."""
    sitting.opens_at, sitting.closes_at = claims.opens_at, claims.closes_at
    sitting.session_url, sitting.language = claims.session_url, claims.language
    sitting.duration_minutes = claims.duration_minutes
    exam = sitting.exam
    said: dict[str, Any] = {
        "name": claims.exam_name,
        "mode": claims.mode,
        "duration_minutes": claims.duration_minutes,
        "identification": claims.identification,
        "rules": {**exam.rules, **claims.rules},
        "weights": claims.weights,
        "thresholds": None if claims.thresholds is None else {**exam.thresholds, **claims.thresholds},
        # a link may only do without: that faces are measured is decided by a person of the organisation
        "biometrics": BiometricsMode.NONE if claims.measures_faces is False else None,
        "identity_action": IdentityAction.NOTE if claims.overlooks_failure else None,
    }
    changed = [name for name, value in said.items() if value is not None and getattr(exam, name) != value]
    for name in changed:
        setattr(exam, name, said[name])
    if changed:
        subject = ("exam", exam.id)
        audit.record(session, actor, "exam.update", subject, company_id=exam.company_id, by_link=True, fields=changed)
