"""The page of keys: for who oversees, with public keys and no secret."""

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from appliance.evidence.key import fingerprint
from appliance.vocabulary import Role

OVERSEERS = {Role.ADMIN, Role.SECURITY_OFFICER, Role.AUDITOR}


@pytest.mark.parametrize("role", list(Role))
def test_who_sees_it(staff, role):
    browser = staff(role)
    status = 200 if role in OVERSEERS else 403
    assert browser.get("/keys", status=status)
    assert browser.get("/api/v1/keys/evidence.pem", status=status)


def test_shows_state_and_public_keys_and_no_secret(staff, settings, vault, session):
    vault.seal(session, "sitting:1", "part", b"x" * 2_000_000)
    session.commit()
    browser = staff(Role.AUDITOR)
    page = browser.get("/keys")
    assert "key file" in page
    assert "2.0 MB" in page
    for name in ("evidence", "audit"):
        pem = browser.get(f"/api/v1/keys/{name}.pem")
        assert pem.content_type == "application/x-pem-file"
        assert fingerprint(load_pem_public_key(pem.body)) in page
    assert (settings.keys / "master.key").read_text().strip() not in page
    assert "master.key" not in page, "where keys lie is for who runs the server"
    browser.get("/api/v1/keys/master.pem", status=404)
