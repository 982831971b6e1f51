"""What the live system says about a measure: the setting that counts, and whether the measure holds just now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    Company,
    Consent,
    Exam,
    FaceTemplate,
    RetentionRule,
    SecurityKey,
    Sitting,
    User,
)
from appliance.security import password_rules
from appliance.services import own_passwords, profiles
from appliance.settings import Settings
from appliance.vocabulary import BiometricsMode, DataClass, IdentityAction, ProvedBy, SittingState


class State(StrEnum):
    """How a measure stands. The appliance never says "compliant": that is for who inspects it."""

    MET = "met"
    NOT_MET = "not met"
    COULD_NOT_TELL = "could not tell"
    DEPENDS_ON_IT = "depends on IT"
    """On what the customer's IT does around the appliance."""


@dataclass(frozen=True, slots=True)
class Found:
    """One look: the setting in words, and the state."""

    setting: str
    state: State


@dataclass(frozen=True, slots=True)
class Look:
    """What a check may look at."""

    session: Session
    settings: Settings
    company: Company
    now: datetime


Check = Callable[[Look], Found]

CHECKPOINT_AGE: Final = timedelta(hours=2)
"""A busy log is signed every minute, one in which nothing happens once an hour."""
VERIFIED_AGE: Final = timedelta(days=31)
BACKUP_AGE: Final = timedelta(days=2)
RETENTION_AGE: Final = timedelta(days=2)


def always(words: str) -> Check:
    """Return the check of a measure that nobody can switch off: the test named beside it proves that."""
    return lambda _look: Found(words, State.MET)


def depends_on_it(words: str) -> Check:
    """Return the check of what lies outside of the appliance."""
    return lambda _look: Found(words, State.DEPENDS_ON_IT)


def _judge(words: str, holds: bool) -> Found:
    return Found(words, State.MET if holds else State.NOT_MET)


def second_factor(look: Look) -> Found:
    """Each account that can log in by itself has an authenticator or a security key."""
    with_key = select(SecurityKey.user_id)
    query = select(User).where(
        User.company_id == look.company.id,
        User.disabled_at.is_(None),
        User.password_hash.is_not(None),
        User.totp_secret.is_(None),
        User.id.not_in(with_key),
    )
    without = [user.email for user in look.session.scalars(query.order_by(User.email))]
    if not without:
        return Found("every account with a password has a second factor; others log in nowhere else", State.MET)
    return Found(f"none yet: {', '.join(without[:5])}{' …' if len(without) > 5 else ''}", State.NOT_MET)


def sessions(look: Look) -> Found:
    """Sessions end and lock."""
    rules = profiles.session_rules(look.company, look.settings)
    words = (
        f"a log-in ends after {rules.session_minutes} min, after {rules.idle_minutes} min without a request,"
        f" and is locked after {rules.lock_minutes} min without anybody"
    )
    return _judge(words, 0 < rules.lock_minutes <= rules.idle_minutes <= rules.session_minutes)


def lock_out(look: Look) -> Found:
    """Guessing locks an account."""
    rules = profiles.session_rules(look.company, look.settings)
    words = f"{rules.lockout_minutes} min after {rules.login_attempts} failed attempts"
    return _judge(words, rules.login_attempts > 0 and rules.lockout_minutes > 0)


def passwords(look: Look) -> Found:
    """Passwords by the profile's rules."""
    rules = password_rules.of_profile(look.company.profile)
    age = f", changed after {rules.max_age_days} days" if rules.max_age_days else ", no forced change"
    words = f"{rules.min_length} characters at least, none of the last {rules.history}{age}"
    query = select(User).where(User.company_id == look.company.id, User.disabled_at.is_(None))
    query = query.where(User.password_hash.is_not(None), User.break_glass.is_(False))
    users = look.session.scalars(query.order_by(User.email))
    old = [user.email for user in users if own_passwords.is_too_old(look.session, user)]
    return _judge(f"{words}; too old: {', '.join(old[:5])}" if old else words, not old)


def four_eyes(look: Look) -> Found:
    """Acts that take two people, at least those the profile presets."""
    wanted = {act.value for act in profiles.of(look.company).four_eyes}
    has = set(look.company.four_eyes)
    words = ", ".join(sorted(has)) or "none"
    return _judge(
        words if wanted <= has else f"{words}; the profile presets {', '.join(sorted(wanted))}", wanted <= has
    )


def checkpoints(look: Look) -> Found:
    """The log's newest signature is young."""
    newest = look.session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(1)).first()
    if newest is None:
        return Found("the log was never signed; is a worker running?", State.NOT_MET)
    age = look.now - newest.at
    return _judge(f"number {newest.number}, {_age(age)} old, over {newest.entries} entries", age < CHECKPOINT_AGE)


def audited(look: Look) -> Found:
    """Entries there are."""
    head = look.session.scalars(select(AuditHead)).first()
    last = look.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)).first()
    if head is None or last is None:
        return Found("the log is empty", State.COULD_NOT_TELL)
    return Found(f"{last} entries; an act whose entry cannot be written fails", State.MET)


def verified(look: Look) -> Found:
    """Somebody has the chain verified every month."""
    return _last_act(look, "audit.verif%", VERIFIED_AGE, "the chain was verified")


def forwarded(look: Look) -> Found:
    """A copy goes to a collector."""
    if not look.settings.siem_url:
        return Found("no collector is set (siem_url); copies go to the journal alone", State.DEPENDS_ON_IT)
    return Found(f"{look.settings.siem_format} to a collector", State.MET)


def backups(look: Look) -> Found:
    """A backup was made lately."""
    return _last_act(look, "backup.create", BACKUP_AGE, "the last backup was made")


def restored(look: Look) -> Found:
    """Restoring was practised."""
    return _last_act(look, "backup.drill", timedelta(days=184), "restoring was practised")


def terms_run(look: Look) -> Found:
    """Retention has run."""
    return _last_act(look, "retention.%", RETENTION_AGE, "terms were looked at or acted on")


def master_key(look: Look) -> Found:
    """The key that wraps all others is not a plain file."""
    kind = look.settings.master_key or "file"
    if kind == "file":
        return Found("a key file, open to who reads the disk: encrypt it, or take another kind", State.DEPENDS_ON_IT)
    return Found(kind, State.MET)


def retention(look: Look) -> Found:
    """Every data class has an end, within the profile's limits."""
    terms = profiles.of(look.company).retention
    endless = [kind.value for kind, term in terms.items() if term.default is None]
    return _judge(f"{len(terms)} data classes, each with an end", not endless)


def log_kept(look: Look) -> Found:
    """Logs and findings are kept for the least time that the profile asks for, whatever the company's rules say."""
    words, holds = [], True
    for kind in (DataClass.LOG, DataClass.METRICS):
        term = profiles.of(look.company).retention[kind]
        rules = select(RetentionRule.days).where(RetentionRule.company_id == look.company.id)
        said = look.session.scalars(rules.where(RetentionRule.data_class == kind)).all() or [term.default]
        shortest = min((days for each in said if (days := term.within(each)) is not None), default=None)
        words.append(f"{kind.value}: {'without end' if shortest is None else f'{shortest} days'}, least {term.least}")
        holds &= shortest is None or shortest >= term.least
    return _judge("; ".join(words), holds)


def consents(look: Look) -> Found:
    """No sitting has gone on without its consent."""
    begun = (SittingState.RUNNING, SittingState.FINISHED, SittingState.PROCESSING, SittingState.IN_REVIEW)
    agreed = select(Consent.sitting_id).where(Consent.accepted)
    query = select(func.count()).select_from(Sitting)
    query = query.where(Sitting.company_id == look.company.id, Sitting.state.in_(begun), Sitting.id.not_in(agreed))
    count = look.session.scalar(query) or 0
    return _judge(f"sittings that went on without one: {count}", count == 0)


def biometrics(look: Look) -> Found:
    """Where faces are measured, and that no template lies where nobody asked for one."""
    exams = look.session.scalars(select(Exam).where(Exam.company_id == look.company.id)).all()
    modes: dict[str, int] = {}
    for exam in exams:
        mode = profiles.mode_of(exam).value
        modes[mode] = modes.get(mode, 0) + 1
    words = ", ".join(f"{count} exams by mode “{mode}”" for mode, count in sorted(modes.items())) or "no exam yet"
    query = select(func.count()).select_from(FaceTemplate)
    query = query.where(FaceTemplate.company_id == look.company.id, FaceTemplate.revoked_at.is_(None))
    stored = look.session.scalar(query) or 0
    needless = stored > 0 and BiometricsMode.SERVER.value not in modes
    return _judge(f"{words}; {stored} templates, under each person's own key", not needless)


def human_decides(look: Look) -> Found:
    """No exam is ended by the appliance."""
    exams = look.session.scalars(select(Exam).where(Exam.company_id == look.company.id)).all()
    ending = [exam.name for exam in exams if profiles.action_of(exam) is IdentityAction.STOP]
    if not ending:
        return Found("no exam ends by itself on a finding; a named person concludes", State.MET)
    return Found(f"ended by the appliance on another face: {', '.join(ending[:5])}", State.NOT_MET)


def attention(look: Look) -> Found:
    """Emotion and engagement are not judged."""
    if not profiles.of(look.company).attention_monitoring:
        return Found("impossible in this profile; the database refuses", State.MET)
    return _judge(
        "switched on" if look.company.attention_monitoring else "off", not look.company.attention_monitoring
    )


def tls(look: Look) -> Found:
    """People reach the appliance by https, and their browsers remember to."""
    url = look.settings.public_url
    return _judge(f"{url}; HSTS for a year" if url.startswith("https:") else url, url.startswith("https:"))


def outgoing(look: Look) -> Found:
    """What may be asked from here."""
    hosts = [*look.settings.outgoing_private_hosts, *look.company.private_hosts]
    words = (
        f"private hosts: {', '.join(hosts) or 'none'}; plain http: {'yes' if look.settings.outgoing_http else 'no'}"
    )
    return _judge(words, not look.settings.outgoing_http)


def clock(look: Look) -> Found:
    """Times in the log are right."""
    if not look.settings.time_server:
        return Found("no time server to compare with (time_server); see to the host's clock", State.DEPENDS_ON_IT)
    return Found(f"compared with {look.settings.time_server} by `kustos check`", State.MET)


def no_demo(look: Look) -> Found:
    """The accounts whose passwords everybody knows do not exist."""
    return _judge("demo accounts exist" if look.settings.demo else "no demo accounts", not look.settings.demo)


def shared_accounts(look: Look) -> Found:
    """An e-mail is one account; which of them was proven by single sign-on, too."""
    query = select(func.count()).select_from(User)
    count = look.session.scalar(query.where(User.company_id == look.company.id, User.disabled_at.is_(None))) or 0
    ways = f"second factor ({ProvedBy.TOTP.value}, {ProvedBy.SECURITY_KEY.value}) or single sign-on"
    return Found(f"accounts: {count}, one e-mail each, told apart by {ways}", State.MET)


def no_faces_without_need(look: Look) -> Found:
    """Whether any exam works without faces being measured."""
    query = select(func.count()).select_from(Exam).where(Exam.company_id == look.company.id)
    none = look.session.scalar(query.where(Exam.biometrics != BiometricsMode.SERVER)) or 0
    return Found(f"{none} exams use the modes “none” or “on_device”; each exam can", State.MET)


def _last_act(look: Look, action: str, within: timedelta, words: str) -> Found:
    entry = look.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action.like(action), AuditEntry.result == "success")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()
    if entry is None:
        return Found(f"never: the log does not say that {words}", State.NOT_MET)
    age = look.now - entry.at
    return _judge(f"{words} {_age(age)} ago", age <= within)


def _age(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return (
        f"{seconds // 60} min"
        if seconds < 7200
        else f"{seconds // 3600} h"
        if seconds < 172_800
        else f"{seconds // 86_400} days"
    )
