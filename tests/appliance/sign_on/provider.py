"""A real OpenID provider (npm's oidc-provider) as a child process, and somebody who logs in there."""

import json
import queue
import re
import socket
import subprocess
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

FOLDER = Path(__file__).parent / "oidc"
PACKAGE = FOLDER / "node_modules" / "oidc-provider" / "package.json"
SECRET = "a client secret with + and / in it"
CLIENT = "kustos"
PEOPLE = {
    "ann": {
        "name": "Ann Proctor",
        "email": "ann@example.org",
        "email_verified": True,
        "groups": ["staff", "proctors"],
    },
    "eve": {"name": "Eve Elsewhere", "email": "eve@example.org", "email_verified": True, "groups": ["visitors"]},
    "max": {"name": "Max Unverified", "email": "max@example.org", "email_verified": False, "groups": ["proctors"]},
}


def signing_key(name: str) -> dict[str, Any]:
    """Return a new private RSA key as a JWK."""
    key = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)
    return {**key, "kid": name, "use": "sig", "alg": "RS256"}


class OidcProvider:
    """Listens on a free port; ``start`` again with other people or keys at the same address."""

    def __init__(self, redirect_uris: list[str], logout_uris: list[str], back_channel: str = "") -> None:
        assert PACKAGE.exists(), f"`make setup-test` installs the provider into {FOLDER}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys = [signing_key("first")]
        self.people: dict[str, Any] = dict(PEOPLE)
        client = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": redirect_uris,
            "post_logout_redirect_uris": logout_uris,
            "scope": "openid profile email groups",
            "backchannel_logout_uri": back_channel or None,
            "backchannel_logout_session_required": True,
        }
        self.clients = [{name: value for name, value in client.items() if value is not None}]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        told = {"port": self.port, "clients": self.clients, "people": self.people, "keys": self.keys}
        self._process = subprocess.Popen(
            ["node", "provider.mjs", json.dumps(told)],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.strip() == "ready":
                return
        raise AssertionError("".join(said))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()


class BackChannel:
    """Where the provider tells that somebody logged out there; keeps what it says, as the appliance would get it."""

    def __init__(self) -> None:
        told: queue.Queue[str] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._told = told
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self) -> str:
        """Return the next log-out token."""
        (token,) = parse_qs(self._told.get(timeout=20))["logout_token"]
        return token

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def log_out_there(issuer: str, client: httpx.Client) -> None:
    """End the session of a browser that is logged in at the provider."""
    asked = client.get(f"{issuer}/session/end")
    secret = re.search(r'name="xsrf" value="([^"]+)"', asked.text)
    assert secret, asked.text
    done = client.post(f"{issuer}/session/end/confirm", data={"xsrf": secret[1], "logout": "yes"})
    assert done.headers["Location"].endswith("/session/end/success"), done.text


def log_in_there(url: str, login: str, client: httpx.Client | None = None) -> str:
    """Go to the provider as a browser would, log in, and return the address it sends the browser back to."""
    with nullcontext(client) if client else httpx.Client() as browser:
        place, answer = url, browser.get(url)
        for _ in range(8):
            if answer.is_redirect:
                place = urljoin(place, answer.headers["Location"])
                if "/callback" in place:
                    return place
                answer = browser.get(place)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action and prompt, answer.text
            place = urljoin(place, action[1])
            fields = {"prompt": prompt[1], **({"login": login, "password": "any"} if prompt[1] == "login" else {})}
            answer = browser.post(place, data=fields)
    raise AssertionError(f"no way back from {place}")
