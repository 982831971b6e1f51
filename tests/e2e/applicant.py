"""A candidate without a browser: what programs, honest or not, can send in a candidate's name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jwt
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.models import Company
from appliance.services import admissions, demo
from appliance.settings import load_settings
from appliance.vault import row_secrets
from tests.running import RunningAppliance

START = "/integration/simple/demo/start/"


def start_token(appliance: RunningAppliance, secret: bytes | None = None, **claims: Any) -> str:
    """Sign a start link with the demo's secret, or another one; ``claims`` replace those of a good link."""
    collaborators = assemble(load_settings({"KUSTOS_SETTINGS": str(appliance.data / "kustos.toml")}))
    with unit_of_work(collaborators.session_factory) as session:
        token = demo.start_token(session, collaborators.vault, "auto", 7)
        company = session.scalars(select(Company).where(Company.slug == demo.SLUG)).one()
        right = row_secrets.read(collaborators.vault, company, Company.integration_secret)
    said = jwt.decode(token, options={"verify_signature": False})
    return admissions.sign({**said, **claims}, secret or right)


class Applicant:
    """Came in by a start link, holds its cookie, speaks HTTP and the socket's protocol by hand."""

    def __init__(self, appliance: RunningAppliance) -> None:
        self._appliance = appliance
        self.http = httpx.Client(base_url=appliance.origin, trust_env=False, timeout=30)
        answer = self.http.post(START, data={"token": start_token(appliance)})
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        self.state = self.http.get("/api/v1/sitting").json()
        self.sitting_id = self.state["sitting"]["id"]
        self.http.headers.update({"X-CSRF-Token": self.state["csrf"], "Origin": appliance.origin})

    def check_in_up_to_photos(self) -> None:
        """Consent, and a system check in which all is well."""
        consent = {"accepted": True, "version": self.state["consent"]["version"], "language": "en"}
        passed = {name: {"state": "passed"} for name in ("camera", "microphone", "screen")}
        for act, body in (("consent", consent), ("system-check", {"results": passed, "client": {}})):
            answer = self.http.post(f"/api/v1/sitting/{act}", json=body)
            assert answer.is_success, answer.text

    def hand_in(self, content: bytes, kind: str = "image/jpeg") -> httpx.Response:
        return self.http.post("/api/v1/sitting/photos/face", content=content, headers={"Content-Type": kind})

    @contextmanager
    def socket(self, hello: bool = True) -> Iterator[ClientConnection]:
        """A raw socket, after ``welcome`` unless not even hello is said."""
        address = self._appliance.origin.replace("http", "ws", 1) + "/live"
        # max_queue: what is not asked for must not keep the good-bye from being read
        with connect(address, proxy=None, max_queue=None, close_timeout=5) as socket:
            if hello:
                token = self.http.post("/api/v1/sitting/live-token", json={}).json()["token"]
                socket.send(json.dumps({"type": "hello", "token": token}))
                assert hears(socket, "welcome")
            yield socket


def hears(socket: ClientConnection, kind: str, seconds: float = 10) -> dict[str, Any]:
    """Return the next message of a kind, passing over others; every wait for one may take ``seconds``."""
    while True:
        message = json.loads(socket.recv(timeout=seconds))
        if message["type"] == kind:
            return message


def closed_with(socket: ClientConnection, seconds: float = 15) -> int:
    """Read until the gateway closes the socket; return its close code."""
    try:
        while True:
            socket.recv(timeout=seconds)
    except TimeoutError:
        raise AssertionError("the socket stayed open") from None
    except ConnectionClosed:
        return socket.close_code or 0
