"""Nothing that opens a door is in a log, in an address that a server notes, or in the audit log."""

import json

import pytest
from sqlalchemy import select

from appliance.models import AuditEntry, IdentityProvider, SignOnSession
from appliance.vault import row_secrets
from tests.appliance.sign_on.provider import SECRET, log_in_there
from tests.appliance.sign_on.slapd import PASSWORD, SERVICE_PASSWORD
from tests.web.test_sign_on import (
    add,
    back_channel,
    company,
    directory,
    oidc_provider,
    openid,
    set_out,
    settings,
    slapd,
    submit,
)

__all__ = ["add", "back_channel", "company", "directory", "oidc_provider", "openid", "settings", "slapd"]


@pytest.fixture
def audited(session):
    def all_details():
        session.expire_all()
        return json.dumps(
            [[row.details, row.actor_name, row.subject_id] for row in session.scalars(select(AuditEntry))]
        )

    return all_details


def test_no_password_or_token_is_logged(browser, openid, directory, session, vault, audited, capfd, caplog):
    provider, names = openid(), directory()
    answer = log_in_there(set_out(browser, provider), "ann")
    browser.get(answer.removeprefix("http://localhost"), status=303)
    browser.get(answer.removeprefix("http://localhost"), status=401)  # the code and state again
    submit(browser, names, "a-password-typed-as-a-name", PASSWORD, status=401)
    submit(browser, names, "nobody", "a wrong password of the directory", status=401)
    row_secrets.keep(session, vault, provider, IdentityProvider.secret, b"a secret that is wrong")
    session.commit()
    answer = log_in_there(set_out(browser, provider), "ann")
    browser.get(answer.removeprefix("http://localhost"), status=401)
    written = capfd.readouterr()
    told = written.out + written.err + caplog.text + audited()
    token = row_secrets.read(vault, session.scalars(select(SignOnSession)).one(), SignOnSession.id_token).decode()
    code, state = (answer.split(f"{name}=")[1].split("&")[0] for name in ("code", "state"))
    for secret in (SECRET, SERVICE_PASSWORD, PASSWORD, token, token.split(".")[2], code, state):
        assert secret not in told
    for secret in ("a-password-typed-as-a-name", "a wrong password", "a secret that is wrong"):
        assert secret not in told
