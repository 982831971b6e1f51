"""Passwords, one-time codes, cookies."""

import pyotp
import pytest

from appliance.errors import BadInput
from appliance.security import cookies, passwords, totp

NOW = 1_800_000_015.0
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, appendix B


def test_password_is_kept_as_argon2id():
    kept = passwords.hash_password("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert passwords.verify_password(kept, "correct horse battery")
    assert not passwords.verify_password(kept, "correct horse batterY")
    assert not passwords.verify_password(kept, "x" * 10_000)
    assert not passwords.verify_password("not a hash", "correct horse battery")
    assert not passwords.needs_rehash(kept)
    assert not passwords.needs_rehash(passwords._NOBODY)  # who is unknown takes as long as who is known


def test_nobodys_password_never_fits():
    assert not passwords.verify_password(None, "the password of nobody")


@pytest.mark.parametrize("password", ["", "short", "x" * 300])
def test_password_of_a_bad_length_is_refused(password: str):
    with pytest.raises(BadInput, match="12 to 256"):
        passwords.hash_password(password)


@pytest.mark.parametrize(("moment", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_of_the_standard(moment: int, code: str):
    assert totp.accept(SECRET, code, 0, moment) == moment // 30


@pytest.mark.parametrize("drift", [-30, 0, 30])
def test_a_step_of_drift_is_allowed(drift: int):
    assert totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW + drift), 0, NOW) == (NOW + drift) // 30


@pytest.mark.parametrize("drift", [-60, 60])
def test_two_are_not(drift: int):
    assert totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW + drift), 0, NOW) is None


def test_no_code_works_twice_nor_an_older_one():
    step = totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW), 0, NOW)
    assert totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW), step, NOW) is None
    assert totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW - 30), step, NOW) is None
    assert totp.accept(SECRET, pyotp.TOTP(SECRET).at(NOW + 30), step, NOW) == step + 1


@pytest.mark.parametrize("code", ["", "abcdef", "12345", "1234567", "١٢٣٤٥٦", "-12345", "0" * 5000])
def test_what_is_no_code_is_refused(code: str):
    assert totp.accept(SECRET, code, 0, NOW) is None


def test_code_may_be_typed_with_a_space():
    code = pyotp.TOTP(SECRET).at(NOW)
    assert totp.accept(SECRET, f" {code[:3]} {code[3:]}", 0, NOW)


def test_new_secret_is_what_an_authenticator_reads():
    secret = totp.new_secret()
    assert len(secret) == 32
    assert totp.new_secret() != secret
    uri = totp.provisioning_uri(secret, "anna@example.org")
    assert pyotp.parse_uri(uri).secret == secret
    assert "Kustos" in uri


def test_cookie_token_is_kept_as_a_hash():
    token = cookies.new_token()
    assert len(token) == 43
    assert cookies.token_fits(token, cookies.token_hash(token))
    assert not cookies.token_fits(token + "x", cookies.token_hash(token))
    assert not cookies.token_fits("", "")
    assert not cookies.token_fits("\ud800", cookies.token_hash(token))


def test_csrf_token():
    assert cookies.csrf_fits("a", "a")
    assert not cookies.csrf_fits("é", "a")
    assert not cookies.csrf_fits("", "")


def test_sitting_cookie():
    assert cookies.read_sitting_cookie(cookies.write_sitting_cookie(42, "abc")) == (42, "abc")


@pytest.mark.parametrize("value", ["", "42", "42.", ".abc", "x.abc", "-1.abc", "٤٢.abc", "1" * 200 + ".abc"])
def test_what_is_no_sitting_cookie(value: str):
    assert cookies.read_sitting_cookie(value) is None
