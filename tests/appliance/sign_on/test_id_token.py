"""Which tokens are believed: made here with keys of our own, each wrong in one way."""

import base64
import hashlib
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from appliance.sign_on.discovery import ALGORITHMS, SigningKey, _choose, _key_set
from appliance.sign_on.failures import ProviderWrong
from appliance.sign_on.fetch import Answer
from appliance.sign_on.id_token import LOGOUT_EVENT, verify_id_token, verify_logout_token

ISSUER, CLIENT, NONCE, ACCESS = "https://login.example.org", "kustos", "the nonce", "the access token"
KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)


def key_for(key_id, algorithm):
    return SigningKey("first", "RSA", None, KEY.public_key())


def claims(**changed):
    now = int(time.time())
    all_claims = {"iss": ISSUER, "aud": CLIENT, "sub": "ann", "iat": now, "exp": now + 300, "nonce": NONCE, **changed}
    return {name: value for name, value in all_claims.items() if value is not None}


def at_hash(token, hashed=hashlib.sha256):
    digest = hashed(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def verify(token, access=ACCESS, key=key_for):
    return verify_id_token(token, key, ALGORITHMS, ISSUER, CLIENT, NONCE, access)


def test_a_right_token_is_believed():
    assert verify(jwt.encode(claims(at_hash=at_hash(ACCESS)), KEY, "RS256"))["sub"] == "ann"
    assert verify(jwt.encode(claims(aud=[CLIENT, "other"], azp=CLIENT), KEY, "PS256"))["sub"] == "ann"


@pytest.mark.parametrize(
    ("key", "algorithm", "kind", "hashed"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256", "EC", hashlib.sha256),
        (ec.generate_private_key(ec.SECP384R1()), "ES384", "EC", hashlib.sha384),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA", "OKP", hashlib.sha512),
    ],
)
def test_every_kind_of_key_pair_is_known(key, algorithm, kind, hashed):
    token = jwt.encode(claims(at_hash=at_hash(ACCESS, hashed)), key, algorithm)
    assert verify(token, key=lambda *_: SigningKey(None, kind, algorithm, key.public_key()))["sub"] == "ann"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["another"]}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://login.evil.example"}, "iss"),
        ({"exp": int(time.time()) - 120}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": int(time.time()) + 600}, "iat"),
        ({"iat": int(time.time()) - 3600}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": int(time.time()) + 600}, "nbf"),
        ({"sub": None}, "sub"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
)
def test_a_token_that_is_wrong_in_one_thing_is_refused_for_it(changed, why):
    with pytest.raises(ProviderWrong, match=why):
        verify(jwt.encode(claims(**changed), KEY, "RS256"))


def test_a_strangers_signature_is_refused():
    with pytest.raises(ProviderWrong, match="signature"):
        verify(jwt.encode(claims(), OTHER, "RS256"))


def test_no_signature_is_refused():
    with pytest.raises(ProviderWrong, match="kind that is not accepted"):
        verify(jwt.encode(claims(), None, "none"))


def test_the_public_key_as_a_password_is_refused():
    """Algorithm confusion: HS256 with the provider's public key, which everybody knows, as the secret."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    from cryptography.hazmat.primitives import hashes, hmac, serialization  # noqa: PLC0415

    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = part({"alg": "HS256", "kid": "first"}) + b"." + part(claims())
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(signed)
    forged = (signed + b"." + base64.urlsafe_b64encode(mac.finalize()).rstrip(b"=")).decode()
    with pytest.raises(ProviderWrong, match="kind that is not accepted"):
        verify(forged)


@pytest.mark.parametrize("rubbish", ["", "a", "a.b", "a.b.c", "..", "é.é.é", "ey.ey.ey"])
def test_rubbish_is_refused(rubbish):
    with pytest.raises(ProviderWrong):
        verify(rubbish)


def test_a_secret_in_the_key_set_is_no_key():
    rows = [{"kty": "oct", "k": "AAAA", "kid": "secret"}, {"kty": "RSA", "use": "enc", "kid": "enc"}, {"kty": "??"}]
    assert _key_set(Answer(200, {"keys": rows})) == ()


def test_without_a_name_a_key_is_taken_only_when_there_is_one():
    one, two = SigningKey("a", "RSA", None, 1), SigningKey("b", "RSA", None, 2)
    assert _choose((one,), None, "RS256") is one
    assert _choose((one, two), None, "RS256") is None
    assert _choose((one, two), "b", "RS256") is two
    assert _choose((SigningKey("a", "RSA", "RS512", 1),), "a", "RS256") is None
    assert _choose((one,), "a", "ES256") is None


def logout(**changed):
    events = {LOGOUT_EVENT: {}}
    return claims(nonce=None, jti="one", sid="session", events=events, **changed)


def test_a_log_out_token_is_believed_and_an_id_token_is_none():
    token = jwt.encode(logout(), KEY, "RS256")
    assert verify_logout_token(token, key_for, ALGORITHMS, ISSUER, CLIENT)["sid"] == "session"
    for wrong in (
        claims(),
        {**logout(), "nonce": "x"},
        {**logout(), "sid": None, "sub": None},
        {**logout(), "aud": "x"},
    ):
        token = jwt.encode({name: value for name, value in wrong.items() if value is not None}, KEY, "RS256")
        with pytest.raises(ProviderWrong):
            verify_logout_token(token, key_for, ALGORITHMS, ISSUER, CLIENT)
