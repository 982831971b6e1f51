from dataclasses import replace
from datetime import timedelta

import jwt
import pytest

from appliance.db import utcnow
from appliance.errors import TokenInvalid
from appliance.security import live_tokens
from appliance.settings import load_settings
from appliance.vocabulary import Role

SETTINGS = load_settings({}, secret_key="the key of these tests, long enough for HS512 too " * 2)
CLAIMS = {
    "aud": "live", "sub": "user:7", "sitting": None, "company": 3, "role": "proctor", "name": "Anna",
    "limited": False, "login": None,
    "exp": utcnow() + timedelta(days=1),  # made when the tests are collected, which may be long ago
}  # fmt: skip


def sign(key: str = SETTINGS.secret_key, algorithm: str = "HS256", **changes: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value != "absent"}
    return jwt.encode(claims, key, algorithm)


def test_candidate():
    identity = live_tokens.read(SETTINGS, live_tokens.for_candidate(SETTINGS, 42, 3, "Ада"))
    assert identity == live_tokens.LiveIdentity("candidate", 42, 3, "Ада", sitting_id=42, role=None)


def test_user():
    identity = live_tokens.read(SETTINGS, live_tokens.for_user(SETTINGS, 7, 3, Role.PROCTOR, "Anna"))
    assert identity == live_tokens.LiveIdentity("user", 7, 3, "Anna", sitting_id=None, role=Role.PROCTOR)
    assert live_tokens.read(SETTINGS, sign()) == identity
    limited = live_tokens.for_user(SETTINGS, 7, 3, Role.REVIEWER, "Anna", limited=True)
    assert live_tokens.read(SETTINGS, limited).limited


@pytest.mark.parametrize(
    "token",
    [
        "", "x.y.z", sign("another key, also long enough for it"), sign(aud="other"), sign(aud="absent"),
        sign(exp=utcnow() - timedelta(seconds=1)), sign(exp="absent"), sign(sub="absent"), sign(sub="user"),
        sign(sub="user:x"), sign(role="king"), sign(company=None), sign("", "none"), sign(algorithm="HS512"),
        sign(limited="absent"), sign(login="absent"), sign(login="x"),
        sign(role=None), sign(sub="candidate:7"), sign(sub="candidate:7", role=None, sitting=8), sign(sub="robot:7"),
    ],
)  # fmt: skip
def test_wrong_foreign_or_expired_token_is_refused(token: str):
    with pytest.raises(TokenInvalid):
        live_tokens.read(SETTINGS, token)


def test_expires_when_the_settings_say():
    over = replace(SETTINGS, live_token_seconds=-1)
    with pytest.raises(TokenInvalid):
        live_tokens.read(SETTINGS, live_tokens.for_candidate(over, 42, 3, "Ada"))
