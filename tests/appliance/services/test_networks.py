"""A company's ways: what is checked, what is kept secret, what a browser is told."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from sqlalchemy import text

from appliance.errors import BadInput
from appliance.services import networks
from appliance.vocabulary import IcePolicy

OWN = "turns:turn.example.org:443?transport=tcp"


@pytest.fixture
def company(make, session):
    row = make.first_company()
    session.flush()
    return row


@pytest.fixture
def change(session, make, vault, settings, company):
    def act(policy=IcePolicy.ALL, stun=(), turn=(), secret=None, settings=settings):
        return networks.change(session, make.actor(), vault, settings, company, policy, stun, turn, secret)

    return act


def test_a_browser_gets_credentials_made_of_the_companys_secret(session, change, company, vault, settings):
    change(IcePolicy.RELAY, turn=[OWN], secret="between us")
    told = networks.for_browser(company, vault, settings, "sitting-7")
    (server,) = told["ice_servers"]
    digest = hmac.new(b"between us", server["username"].encode(), hashlib.sha1).digest()
    assert (told["ice_policy"], server["urls"]) == ("relay", [OWN])
    assert server["username"].endswith(":sitting-7")
    assert server["credential"] == base64.b64encode(digest).decode()
    assert networks.describe(company, settings)["has_secret"]
    session.commit()
    everything = str(session.execute(text("SELECT * FROM audit_entry")).all())
    assert "company.network" in everything
    assert "between us" not in everything + str(networks.describe(company, settings))


def test_without_own_servers_the_appliances_are_told(change, company, vault, settings):
    mine = replace(settings, stun_urls=("stun:a:3478",), turn_urls=("turn:a:3478",), turn_secret="s")
    change(IcePolicy.RELAY, settings=mine)
    told = networks.for_browser(company, vault, mine, "x")
    assert [server["urls"] for server in told["ice_servers"]] == [["stun:a:3478"], ["turn:a:3478"]]
    change(stun=["stun:own:3478"], settings=mine)
    told = networks.for_browser(company, vault, mine, "x")
    assert [server["urls"] for server in told["ice_servers"]] == [["stun:own:3478"], ["turn:a:3478"]]


def test_a_secret_stays_until_its_servers_go(change, company):
    change(turn=[OWN], secret="one")
    kept = company.turn_secret
    change(turn=[OWN, "turn:second.example.org"])
    assert company.turn_secret == kept
    change()
    assert company.turn_secret is None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"policy": IcePolicy.RELAY}, "needs a TURN server"),
        ({"turn": [OWN]}, "static-auth-secret"),
        ({"turn": ["http://turn.example.org"], "secret": "s"}, "write it like turns:"),
        ({"stun": ["stun:a b"]}, "write it like stun:"),
        ({"stun": [f"stun:s{n}" for n in range(9)]}, "At most 8"),
        ({"turn": ["turn:a?transport=sctp"], "secret": "s"}, "write it like turns:"),
    ],
)
def test_what_cannot_work_is_named(change, wrong, named):
    with pytest.raises(BadInput, match=named):
        change(**wrong)
