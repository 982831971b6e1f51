"""The demo: a university with two exams and staff of every role, for trying the appliance out. Never for real exams.

The passwords and one-time secrets are random and are kept readable in ``data_dir/demo.json`` (mode 0600), because the
demo prints them at every start; accounts of a real company never have such a file.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import NotFound, SettingInvalid
from appliance.models import Company, Exam, User
from appliance.security import totp
from appliance.services import accounts, admissions, assignments
from appliance.services.demo_exams import EXAMS
from appliance.settings import Settings
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import Role

SLUG: Final = "demo"
FILE: Final = "demo.json"
LINK_LIFE: Final = timedelta(hours=8)

STAFF: Final[dict[Role, tuple[str, str]]] = {
    Role.ADMIN: ("admin@demo.example", "Alma Admin"),
    Role.ORGANISER: ("organiser@demo.example", "Oskar Organiser"),
    Role.PROCTOR: ("proctor@demo.example", "Paula Proctor"),
    Role.REVIEWER: ("reviewer@demo.example", "Rafael Reviewer"),
    Role.SECURITY_OFFICER: ("security@demo.example", "Selma Security"),
    Role.SUPPORT: ("support@demo.example", "Simon Support"),
    Role.AUDITOR: ("auditor@demo.example", "Aino Auditor"),
}

FIRST_NAMES: Final = ("Mara", "Jonas", "Amina", "Pavel", "Lucía", "Kenji", "Sofia", "Tomás", "Ingrid", "Omar")
LAST_NAMES: Final = ("Lind", "Okafor", "Berg", "Novak", "Silva", "Tanaka", "Rossi", "Kowal", "Haddad", "Moreau")


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """What one needs to log in as this role."""

    role: str
    email: str
    password: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """The demo's staff, and where candidates come in: title -> path on this origin."""

    staff: list[StaffAccount]
    candidate_links: dict[str, str]


def ensure(session: Session, vault: Vault, settings: Settings) -> DemoAccounts:
    """Make what the demo lacks and return its accounts; a second time changes nothing."""
    actor = Actor.appliance("demo")
    company = _company(session, vault)
    for external_id, fields in EXAMS.items():
        _ensure_exam(session, company, external_id, fields)
    kept = {account.role: account for account in _read(settings).staff} if _file(settings).exists() else {}
    staff = [_account(session, actor, vault, company, role, kept.get(role.value)) for role in STAFF]
    result = DemoAccounts(staff, {str(fields["name"]): f"/demo?exam={name}" for name, fields in EXAMS.items()})
    _write(settings, result)
    return result


def load(settings: Settings) -> DemoAccounts:
    """Return the accounts of an earlier start; raise ``NotFound`` where no demo was made."""
    if not _file(settings).exists():
        raise NotFound("There is no demo here yet; start with `kustos up --demo`.", path=str(_file(settings)))
    return _read(settings)


def start_token(
    session: Session, vault: Vault, exam: str, number: int, *, name: str = "", language: str = "en"
) -> str:
    """Return a start link's token: the demo's candidate ``number`` in a fresh session of ``online`` or ``auto``."""
    company = session.scalars(select(Company).where(Company.slug == SLUG)).first()
    if company is None or exam not in EXAMS:
        known = ", ".join(EXAMS)
        raise NotFound(f"There is no demo exam “{exam}”; known are {known}, after `kustos up --demo`.", exam=exam)
    now = utcnow()
    first, _, last = name.strip().partition(" ") if name.strip() else _name(number)
    claims = {
        "userId": f"demo-{number}",
        "accountId": SLUG,
        "accountName": company.name,
        "examId": exam,
        "examName": EXAMS[exam]["name"],
        "duration": EXAMS[exam]["duration_minutes"],
        "schedule": False,
        "proctoring": EXAMS[exam]["mode"].value,
        "startDate": (now - timedelta(minutes=5)).isoformat(),
        "endDate": (now + LINK_LIFE).isoformat(),
        "sessionId": f"demo-{number}-{secrets.token_hex(8)}",
        "sessionUrl": "",
        "firstName": first,
        "lastName": last,
        "email": f"candidate{number}@demo.example",
        "language": language,
        "exp": int((now + LINK_LIFE).timestamp()),
    }
    return admissions.sign(claims, row_secrets.read(vault, company, Company.integration_secret))


def _company(session: Session, vault: Vault) -> Company:
    company = session.scalars(select(Company).where(Company.slug == SLUG)).first()
    if company is None:
        company = Company(
            slug=SLUG,
            name="Demo University",
            integration_secret=b"",
            support_email="support@demo.example",
        )
        secret = secrets.token_urlsafe(32).encode()
        row_secrets.keep(session, vault, company, Company.integration_secret, secret)
    return company


def _ensure_exam(session: Session, company: Company, external_id: str, fields: dict[str, Any]) -> None:
    """Make the exam; one that is there may have been edited, and stays."""
    key = {"company_id": company.id, "external_id": external_id}
    if session.scalars(select(Exam).filter_by(**key)).first() is None:
        exam = Exam(**key, **fields)
        session.add(exam)
        session.flush()
        assignments.give_new_exam(session, Actor.appliance("demo"), exam)


def _account(
    session: Session, actor: Actor, vault: Vault, company: Company, role: Role, kept: StaffAccount | None
) -> StaffAccount:
    """Return the role's account; where database and file do not fit together the account gets new secrets."""
    email, name = STAFF[role]
    user = session.scalars(select(User).where(User.email == email)).first()
    if kept is not None and user is not None and _fits(vault, user, kept):
        return kept
    password = kept.password if kept else secrets.token_urlsafe(12)
    secret = kept.totp_secret if kept else totp.new_secret()
    if user is None:
        user, _ = accounts.create_user(
            session, actor, vault, company, email, name, role, password, totp_secret=secret
        )
        session.flush()
        if role is Role.PROCTOR:
            assignments.give_all_exams(session, actor, user)
    else:
        accounts.set_credentials(session, actor, vault, user, password, secret)
    return StaffAccount(role.value, email, password, secret)


def _fits(vault: Vault, user: User, kept: StaffAccount) -> bool:
    """Say whether file and database are of the same making; the password was set together with the secret."""
    kept_here = user.totp_secret is not None and row_secrets.read(vault, user, User.totp_secret).decode()
    return kept_here == kept.totp_secret


def _file(settings: Settings) -> Path:
    return settings.data_dir / FILE


def _read(settings: Settings) -> DemoAccounts:
    path = _file(settings)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return DemoAccounts([StaffAccount(**row) for row in content["staff"]], content["candidate_links"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path}: is not the demo's list of accounts; delete it and start again, new ones are made."
        raise SettingInvalid(message) from error


def _write(settings: Settings, demo: DemoAccounts) -> None:
    """Put the file in place in one step, never readable by others."""
    path = _file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(demo), file, indent=2)
    fresh.replace(path)


def _name(number: int) -> tuple[str, str, str]:
    """Return a made-up name, another one for each of the first hundred numbers."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    return first, " ", LAST_NAMES[(number // len(FIRST_NAMES) + number) % len(LAST_NAMES)]
