"""A browser in front of the whole application, and everything it may meet."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from appliance.collaborators import Collaborators
from appliance.models import LoginSession, Sitting, User
from appliance.security import cookies
from appliance.vocabulary import CheckInStep, Role, SittingState
from tests.factories import PASSWORD, Factories
from web.app import create_app

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SITTING_TOKEN = "token-of-the-candidates-cookie"
CSRF = "csrf-token-of-the-sitting"


class Browser(TestApp):
    """One browser; ``csrf`` goes with every unsafe request once it is known."""

    csrf = ""

    def post_ok(self, path: str, body: Any = None, status: int = 200) -> Any:
        return self.post_json(path, body or {}, headers={"X-CSRF-Token": self.csrf}, status=status).json

    def code_of(self, path: str, body: Any = None, status: int = 400) -> str:
        """The error code of a refused POST."""
        return self.post_ok(path, body, status)["error"]["code"]


@pytest.fixture
def application(collaborators: Collaborators) -> Any:
    return create_app(collaborators)


@pytest.fixture
def browser(application: Any) -> Browser:
    return new_browser(application)


def new_browser(application: Any) -> Browser:
    return Browser(application, extra_environ={"REMOTE_ADDR": "192.0.2.7"})


@pytest.fixture
def open_browser(application: Any) -> Callable[[], Browser]:
    return lambda: new_browser(application)


@pytest.fixture
def staff(application: Any, session: Session, make: Factories) -> Callable[..., Browser]:
    """``staff(Role.PROCTOR)``: a browser logged in as a new member of the first company's staff, or as ``user=``."""

    def log_in(role: Role = Role.PROCTOR, user: User | None = None) -> Browser:
        user = user or make.user(role, totp_secret=TOTP_SECRET)
        user.totp_last_step = 0
        session.commit()
        browser = new_browser(application)
        form = browser.get("/login").forms[0]
        form["email"], form["password"] = user.email, PASSWORD
        form["code"] = pyotp.TOTP(TOTP_SECRET).now()
        form.submit(status=303)
        browser.csrf = csrf_of(session, user)
        return browser

    return log_in


def csrf_of(session: Session, user: User) -> str:
    session.expire_all()
    rows = session.query(LoginSession).filter_by(user_id=user.id, ended_at=None).order_by(LoginSession.id)
    return rows.all()[-1].csrf_token


@pytest.fixture
def candidate(application: Any, session: Session, make: Factories) -> Callable[..., tuple[Browser, Sitting]]:
    """``candidate(SittingState.WAITING)``: a candidate's browser and its sitting in that state."""

    def enter(state: SittingState = SittingState.CHECK_IN, **fields: Any) -> tuple[Browser, Sitting]:
        fields.setdefault("step", CheckInStep.CONSENT)
        sitting = make.sitting(state, token=SITTING_TOKEN, csrf_token=CSRF, **fields)
        session.commit()
        browser = new_browser(application)
        browser.set_cookie(cookies.SITTING_COOKIE, cookies.write_sitting_cookie(sitting.id, SITTING_TOKEN))
        browser.csrf = CSRF
        return browser, sitting

    return enter
