"""Security keys (W3C Web Authentication, level 2): registered, listed, taken away, and asked for an answer."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from appliance import audit
from appliance.addresses import is_address
from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import BadInput, NotFound
from appliance.models import KeyChallenge, SecurityKey, User
from appliance.services.free_text import one_line
from appliance.settings import Settings

MOST: Final = 5
"""Keys of one account; also how many a log-in is told, real or made up, so that nobody learns who has one."""
CHALLENGE_LIFE: Final = timedelta(minutes=5)
MAX_NAME: Final = 60
MAX_ANSWER: Final = 64 * 1024
_SWEEP: Final = 100

_BAD_ANSWER: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a stranger's answer may raise: the library checks shapes as it goes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages are, as a browser tells its keys."""

    rp_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """What a key said, as the browser's JSON, and where it was asked."""

    credential: str
    place: Place


def place_of(settings: Settings, host_url: str) -> Place:
    """Return the place of keys; raise ``BadInput`` where the browser would find none of ours.

    Keys belong to one host name for good: that of ``public_url``. Another port of the same host is the same place.
    """
    home, here = urlsplit(settings.public_url), urlsplit(host_url)
    name = home.hostname or ""
    if is_address(name) or here.hostname != name:
        where = settings.public_url if not is_address(name) else "the appliance's host name, not its number"
        raise BadInput(f"Security keys work only at {where}.", field="key", reason="host")
    return Place(name, tuple(sorted({f"{home.scheme}://{home.netloc}", f"{here.scheme}://{here.netloc}"})))


def is_place(settings: Settings, host_url: str) -> bool:
    """Say whether keys can be asked at this address."""
    try:
        place_of(settings, host_url)
    except BadInput:
        return False
    return True


def registration_options(session: Session, place: Place, user: User) -> dict[str, Any]:
    """Return what ``navigator.credentials.create`` wants, as JSON; raise ``BadInput`` at the limit."""
    known = of_user(session, user.id)
    if len(known) >= MOST:
        raise BadInput(f"An account has at most {MOST} security keys; remove one first.", field="key", reason="most")
    options = webauthn.generate_registration_options(
        rp_id=place.rp_id,
        rp_name="Kustos",
        user_id=hashlib.sha256(f"kustos-user:{user.id}".encode()).digest(),
        user_name=user.email,
        user_display_name=user.name,
        challenge=_new_challenge(session, "register", user.id),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,  # the e-mail is typed; room on a key is scarce
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[_descriptor(key) for key in known],
    )
    return cast(dict[str, Any], json.loads(webauthn.options_to_json(options)))


def register(session: Session, actor: Actor, user: User, answer: KeyAnswer, name: str) -> SecurityKey:
    """Keep a new key; raise ``BadInput`` for an answer that is not right."""
    name = one_line(name)[:MAX_NAME] or "Security key"
    challenge = _taken_challenge(session, answer.credential, "register", user.id)
    try:
        if challenge is None:
            raise ValueError("no such challenge")
        seen = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=answer.place.rp_id,
            expected_origin=list(answer.place.origins),
        )
    except _BAD_ANSWER as error:
        raise BadInput("The security key's answer is not right; try again.", field="key") from error
    if session.scalars(select(SecurityKey.id).where(SecurityKey.credential_id == seen.credential_id)).first():
        raise BadInput("This security key is registered already.", field="key", reason="known")
    key = SecurityKey(
        user_id=user.id,
        credential_id=seen.credential_id,
        public_key=seen.credential_public_key,
        sign_count=seen.sign_count,
        transports=_transports(answer.credential),
        name=name,
    )
    session.add(key)
    session.flush()
    audit.record(session, actor, "user.key_add", ("user", user.id), company_id=user.company_id, key=name)
    return key


def proof_options(session: Session, place: Place, user: User) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` wants of somebody who is logged in."""
    challenge = _new_challenge(session, "prove", user.id)
    return _request(place, challenge, [_descriptor(key) for key in of_user(session, user.id)])


def log_in_options(session: Session, settings: Settings, place: Place, email: str) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` wants at the log-in, the same in kind for whoever the e-mail is.

    Web Authentication, 14.6.2: an account without keys, and an e-mail that is nobody's, get made-up ones that stay.
    """
    query = select(SecurityKey).join(User, User.id == SecurityKey.user_id).where(User.email == email)
    known = [_descriptor(key) for key in session.scalars(query.where(User.disabled_at.is_(None)))]
    invented = [_invented(settings, email, number) for number in range(MOST - len(known))]
    told = sorted([*known, *invented], key=lambda descriptor: hashlib.sha256(descriptor.id).digest())
    return _request(place, _new_challenge(session, "log_in", None), told)


def answers(session: Session, factory: SessionFactory, user: User | None, answer: KeyAnswer, purpose: str) -> bool:
    """Say whether one of the user's keys signed a challenge of ours, which is used up by it either way.

    With no user it asks the database as much and says no.
    """
    user_id = user.id if user is not None else 0
    with unit_of_work(factory) as own:
        owner = user_id if purpose != "log_in" else None
        challenge = _taken_challenge(own, answer.credential, purpose, owner)
    try:
        credential_id = base64url_to_bytes(str(json.loads(answer.credential)["id"]))
        query = select(SecurityKey).where(SecurityKey.user_id == user_id, SecurityKey.credential_id == credential_id)
        key = session.scalars(query.with_for_update()).first()
        if challenge is None or key is None:
            return False
        seen = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=answer.place.rp_id,
            expected_origin=list(answer.place.origins),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
        )
    except _BAD_ANSWER:
        return False
    key.sign_count, key.last_used_at = seen.new_sign_count, utcnow()
    return True


def of_user(session: Session, user_id: int) -> Sequence[SecurityKey]:
    """Return the user's keys in the order they came."""
    return session.scalars(select(SecurityKey).where(SecurityKey.user_id == user_id).order_by(SecurityKey.id)).all()


def remove(session: Session, actor: Actor, user: User, key_id: int) -> None:
    """Forget a key; raise ``NotFound``."""
    key = session.get(SecurityKey, key_id)
    if key is None or key.user_id != user.id:
        raise NotFound("There is no such security key.")
    session.delete(key)
    session.flush()
    audit.record(session, actor, "user.key_remove", ("user", user.id), company_id=user.company_id, key=key.name)


def _request(place: Place, challenge: bytes, allowed: list[PublicKeyCredentialDescriptor]) -> dict[str, Any]:
    options = webauthn.generate_authentication_options(
        rp_id=place.rp_id,
        challenge=challenge,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.DISCOURAGED,  # it is the second factor, after the password
    )
    return cast(dict[str, Any], json.loads(webauthn.options_to_json(options)))


def _new_challenge(session: Session, purpose: str, user_id: int | None) -> bytes:
    now = utcnow()
    old = select(KeyChallenge.id).where(KeyChallenge.expires_at < now).limit(_SWEEP)
    session.execute(delete(KeyChallenge).where(KeyChallenge.id.in_(old.with_for_update(skip_locked=True))))
    challenge = webauthn.helpers.generate_challenge()
    row = KeyChallenge(challenge=challenge, purpose=purpose, user_id=user_id, expires_at=now + CHALLENGE_LIFE)
    session.add(row)
    return challenge


def _taken_challenge(session: Session, credential: str, purpose: str, user_id: int | None) -> bytes | None:
    """Use up the challenge that an answer claims to sign; None where it was never given, is used or too old."""
    try:
        said = parse_client_data_json(base64url_to_bytes(json.loads(credential)["response"]["clientDataJSON"]))
    except _BAD_ANSWER:
        return None
    query = delete(KeyChallenge).where(
        KeyChallenge.challenge == said.challenge,
        KeyChallenge.purpose == purpose,
        KeyChallenge.user_id.is_(None) if user_id is None else KeyChallenge.user_id == user_id,
        KeyChallenge.expires_at > utcnow(),
    )
    return session.scalars(query.returning(KeyChallenge.challenge)).first()


def _descriptor(key: SecurityKey) -> PublicKeyCredentialDescriptor:
    known = {transport.value for transport in AuthenticatorTransport}
    transports = [AuthenticatorTransport(word) for word in key.transports if word in known]
    return PublicKeyCredentialDescriptor(id=key.credential_id, transports=transports or None)


def _invented(settings: Settings, email: str, number: int) -> PublicKeyCredentialDescriptor:
    text = f"no key:{number}:{email}".encode("utf-8", "replace")
    return PublicKeyCredentialDescriptor(id=hmac.digest(settings.secret_key.encode(), text, "sha256"))


def _transports(credential: str) -> list[str]:
    """Return how the key may be reached, as the browser says; only words we know, since it goes back into pages."""
    said = json.loads(credential).get("response", {}).get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    return sorted({word for word in said if word in known}) if isinstance(said, list) else []
