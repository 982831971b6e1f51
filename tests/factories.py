"""Makers of rows with sensible values: give only what the test is about. Rows are flushed, not committed."""

import itertools
from typing import Any

import pyotp
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.models import Assignment, Candidate, Company, Exam, Sitting, User
from appliance.security import cookies, identity, passwords
from appliance.security.identity import Identity
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import ExamMode, Role, SittingState

PASSWORD = "correct horse battery staple"
"""Password of every user that is made here."""

INTEGRATION_SECRET = "integration secret of 32 bytes or more"
"""HS256 secret of every company that is made here."""

_numbers = itertools.count(1)
_hashes: dict[str, str] = {}


class Factories:
    """Makes rows in one session; what a row belongs to is made along unless given."""

    def __init__(self, session: Session, vault: Vault) -> None:
        self.session = session
        self.vault = vault
        self._company: Company | None = None
        self._exams: dict[ExamMode, Exam] = {}
        self._assigned: list[User] = []

    def company(self, secret: str = INTEGRATION_SECRET, **fields: Any) -> Company:
        number = next(_numbers)
        fields = {"slug": f"company-{number}", "name": f"Company {number}", **fields}
        made = self._add(Company(integration_secret=b"", **fields))
        row_secrets.keep(self.session, self.vault, made, Company.integration_secret, secret.encode())
        return made

    def user(self, role: Role = Role.PROCTOR, totp_secret: str | None = None, **fields: Any) -> User:
        """A user of the first company; ``totp_secret`` is base32, random unless given.

        A proctor is assigned to all exams that there are and come, unless ``assigned=False``.
        """
        number = next(_numbers)
        company = fields.pop("company", None) or self.first_company()
        fields = {"email": f"{role.value}-{number}@example.org", "name": f"{role.value.title()} {number}", **fields}
        secret = totp_secret or pyotp.random_base32()
        assigned = fields.pop("assigned", role is Role.PROCTOR)
        user = self._add(
            User(
                company=company,
                role=role,
                password_hash=_hash_once(fields.pop("password", PASSWORD)),
                **fields,
            )
        )
        row_secrets.keep(self.session, self.vault, user, User.totp_secret, secret.encode())
        if assigned:
            self._assigned.append(user)
            for exam in self.session.query(Exam).filter_by(company_id=company.id):
                self.assign(user, exam=exam)
        return user

    def assign(self, user: User, **thing: Any) -> Assignment:
        """``exam=`` or ``sitting=`` is the user's to work on."""
        return self._add(Assignment(user_id=user.id, **{f"{name}_id": row.id for name, row in thing.items()}))

    def exam(self, mode: ExamMode = ExamMode.ONLINE, **fields: Any) -> Exam:
        number = next(_numbers)
        company = fields.pop("company", None) or self.first_company()
        fields = {"external_id": f"exam-{number}", "name": f"Exam {number}", "duration_minutes": 60, **fields}
        exam = self._add(Exam(company=company, mode=mode, **fields))
        for user in self._assigned:
            if user.company_id == company.id:
                self.assign(user, exam=exam)
        return exam

    def candidate(self, **fields: Any) -> Candidate:
        number = next(_numbers)
        company = fields.pop("company", None) or self.first_company()
        fields = {
            "external_id": f"candidate-{number}",
            "first_name": "Ada",
            "last_name": f"Lovelace {number}",
            "email": f"ada-{number}@example.org",
            **fields,
        }
        return self._add(Candidate(company_id=company.id, **fields))

    def sitting(self, state: SittingState = SittingState.CREATED, **fields: Any) -> Sitting:
        """A sitting of a new candidate; ``mode=`` is the exam's, ``token=`` the candidate's cookie token."""
        number = next(_numbers)
        mode = fields.pop("mode", ExamMode.ONLINE)
        exam = fields.pop("exam", None) or self._exams.get(mode) or self.exam(mode)
        self._exams.setdefault(mode, exam)
        candidate = fields.pop("candidate", None) or self.candidate(company=exam.company)
        fields = {"external_id": f"sitting-{number}", "duration_minutes": exam.duration_minutes, **fields}
        token = fields.pop("token", None)
        if token is not None:
            fields["token_hash"] = cookies.token_hash(token)
        return self._add(Sitting(company_id=exam.company_id, exam=exam, candidate=candidate, state=state, **fields))

    def actor(self, user: User | None = None) -> Actor:
        """The actor of ``user`` (default: a new proctor)."""
        user = user or self.user()
        return Actor("user", str(user.id), user.name, "192.0.2.1", user.company_id, user.role.value)

    def who(self, role: Role = Role.ADMIN, **fields: Any) -> Identity:
        """A new user of this role, as who asks."""
        return identity.of_user(self.user(role, **fields), "192.0.2.1")

    def first_company(self) -> Company:
        """The company that everything belongs to unless told otherwise."""
        if self._company is None:
            self._company = self.company()
        return self._company

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row


def _hash_once(password: str) -> str:
    """Hash each password once a run: argon2 is slow on purpose."""
    if password not in _hashes:
        _hashes[password] = passwords.hash_password(password)
    return _hashes[password]
