"""``kustos company`` and ``kustos user``: the first company without a demo, and what mends accounts on the server."""

import re

import pyotp
import pytest
from sqlalchemy import select

from appliance.db import unit_of_work
from appliance.models import AuditEntry, LoginSession, User
from appliance.services import account_links, accounts

CHOSEN = "heron lantern pocket glacier"


def test_an_empty_appliance_gets_its_company_and_its_people(kustos, session, session_factory, vault, settings):
    made = kustos(
        "company", "create", "north", "--name", "North", "--profile", "eu", "--admin-email", "ada@north.example"
    )
    assert "integration secret" in made
    assert "north" in kustos("company", "list")
    token = re.search(r"/join#(\S+)", made)[1]
    with unit_of_work(session_factory) as own:
        assert account_links.follow(own, settings, token, CHOSEN, "", "") is not None
    again = kustos("user", "invite", "bob@north.example", "--company", "north", "--name", "Bob", "--role", "proctor")
    second = kustos("user", "invite", "bob@north.example", "--company", "north", "--name", "Bob", "--role", "proctor")
    assert re.search(r"/join#(\S+)", again)[1] != re.search(r"/join#(\S+)", second)[1]
    assert "proctor, invited" in kustos("user", "list", "north")
    typed = kustos(
        "user", "create", "cy@north.example", "--company", "north", "--name", "Cy", "--role", "auditor",
        typed=f"{CHOSEN}\n{CHOSEN}\n",
    )  # fmt: skip
    code = pyotp.TOTP(typed.split()[-1]).now()
    with unit_of_work(session_factory) as own:
        accounts.log_in(own, vault, "cy@north.example", CHOSEN, code, "", "", settings)
    assert "1 log-ins ended" in kustos("user", "end-sessions", "cy@north.example")
    kustos("user", "disable", "cy@north.example")
    kustos("user", "enable", "cy@north.example")
    kustos("user", "unlock", "cy@north.example")
    assert "/join#" in kustos("user", "reset", "cy@north.example", "--everything")
    session.expire_all()
    user = session.scalars(select(User).where(User.email == "cy@north.example")).one()
    assert user.password_hash is None and user.totp_secret is None
    assert "last administrator" in kustos("user", "disable", "ada@north.example", status=1)
    kinds = set(
        session.scalars(select(AuditEntry.actor_kind).where(AuditEntry.action.in_(["user.invite", "user.disable"])))
    )
    assert kinds == {"cli"}


def test_the_envelope_opens_the_appliance_with_paper_alone(kustos, session, session_factory, vault, settings):
    kustos("company", "create", "north", "--name", "North")
    printed = kustos("user", "break-glass", "north")
    password = re.search(r"Password\s+(\S+)", printed)[1]
    codes = re.findall(r"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b", printed)
    assert len(codes) == 5
    with unit_of_work(session_factory) as own:
        accounts.log_in(own, vault, "emergency@north.local", password, codes[4], "", "", settings)
    (login,) = session.scalars(select(LoginSession)).all()
    assert login.wants == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("user", "reset", "nobody@x.org"), "There is no account nobody@x.org"),
        (("user", "list", "north"), "There is no company north; known are: none yet"),
        (("company", "create", "Not A Slug", "--name", "N"), "short name"),
        (("user", "break-glass", "north"), "no company north"),
    ],
)
def test_what_is_wrong_is_said_plainly(kustos, words, says):
    assert says in kustos(*words, status=1)
