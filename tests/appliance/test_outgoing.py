"""The one way out: real servers, a resolver that lies, and addresses that nobody may ask."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from appliance import outgoing
from appliance.errors import OutgoingFailed, OutgoingRefused
from appliance.outgoing import MOST_REDIRECTS, Outgoing, OutgoingPolicy, is_allowed, policy_of
from appliance.standalone.certificate import ensure_certificate
from tests.live import free_port

HERE = OutgoingPolicy(("127.0.0.1",), plain_http=True)


class Handler(BaseHTTPRequestHandler):
    """Answers by its path; notes what was asked."""

    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.headers))
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path.startswith("/to/"):
            code, _, target = self.path.removeprefix("/to/").partition("/")
            self.send_response(int(code))
            self.send_header("Location", target)
            self.send_header("Set-Cookie", "a=b")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b"x" * 65536)
        elif self.path == "/drip":
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.server.over.wait(0.05):
                    self.wfile.write(b"A: b\r\n")
        else:
            self.send_response(200 if self.path != "/broken" else 500)
            if self.path == "/packed":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.bodies, server.over = [], [], threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server():
    with serving() as running:
        yield running


def url(server, path="/", host="127.0.0.1", scheme="http"):
    return f"{scheme}://{host}:{server.server_port}{path}"


def names(**known):
    """A resolver that knows these names; a list is one answer after the other, the last for ever."""
    left = {name: list(answers) for name, answers in known.items()}

    async def resolver(host, port):
        answers = left[host.replace(".", "_")]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return resolver


def test_an_answer_comes_whole(server):
    answer = Outgoing(HERE).request("POST", url(server, "/a?b=c"), headers={"X-A": "1"}, content=b"body")
    assert (answer.status, answer.body) == (200, b"hello")
    method, path, headers = server.asked[0]
    assert (method, path, headers["X-A"], headers["Host"]) == (
        "POST",
        "/a?b=c",
        "1",
        f"127.0.0.1:{server.server_port}",
    )
    assert server.bodies == [b"body"]
    assert Outgoing(HERE).request("GET", url(server, "/broken")).status == 500


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - not listened on, asked
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.0.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)
def test_neighbours_are_not_asked(address):
    assert not is_allowed(ip_address(address), "lms.example", OutgoingPolicy())
    assert not is_allowed(ip_address(address), "lms.example", OutgoingPolicy(("other.example", "10.9.0.0/16")))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_world_is_asked(address):
    assert is_allowed(ip_address(address), "lms.example", OutgoingPolicy())


@pytest.mark.parametrize(
    ("address", "entry", "allowed"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("10.1.2.3", "LMS.example", True),
        ("fd00::7", "fd00::/8", True),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        # a name does not open what only this machine or its hypervisor answers
        ("127.0.0.1", "lms.example", False),
        ("169.254.169.254", "lms.example", False),
        ("::1", "lms.example", False),
        ("127.0.0.1", "127.0.0.1", True),
    ],
)
def test_the_house_is_asked_where_it_is_allowed(address, entry, allowed):
    assert is_allowed(ip_address(address), "lms.example", OutgoingPolicy((entry,))) is allowed


@pytest.mark.parametrize(
    "address",
    [
        "http://lms.example/",
        "ftp://lms.example/",
        "file:///etc/passwd",
        "gopher://lms.example/",
        "//lms.example/",
        "https://",
        "https://name:password@lms.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1:8443/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://localhost/",
        "https://lms.example:99999/",
        "https://a\x00b/",
        "https://" + "a" * 300 + "/",
    ],
)
def test_addresses_that_are_none_or_lead_home(address):
    with pytest.raises((OutgoingRefused, OutgoingFailed)) as refused:
        Outgoing(OutgoingPolicy(), resolver=outgoing.resolve, total_seconds=5).request("GET", address)
    assert "Traceback" not in refused.value.message


def test_of_several_addresses_one_that_is_forbidden_is_enough():
    asking = Outgoing(OutgoingPolicy(), resolver=names(lms_example=[["8.8.8.8", "10.0.0.1"]]))
    with pytest.raises(OutgoingRefused, match=r"10\.0\.0\.1"):
        asking.request("GET", "https://lms.example/")


def test_a_name_that_changes_its_mind_is_asked_where_it_was_judged(server):
    """DNS rebinding: looked up once, and the connection goes there."""
    port, asked = server.server_port, []

    async def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    answer = Outgoing(HERE, resolver=rebinding).request("GET", f"http://lms.example:{port}/")
    assert answer.body == b"hello"
    assert asked == ["lms.example"]
    assert server.asked[0][2]["Host"] == f"lms.example:{port}"
    with pytest.raises(OutgoingRefused, match=r"127\.0\.0\.2"):
        Outgoing(HERE, resolver=rebinding).request("GET", f"http://lms.example:{port}/")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_neighbour_is_not_followed(server, code):
    with serving() as neighbour:
        known = names(lms_example=[["127.0.0.1"]], inner_example=[["127.0.0.2"]])
        target = url(neighbour, host="inner.example")
        with pytest.raises(OutgoingRefused):
            Outgoing(HERE, resolver=known).request("GET", url(server, f"/to/{code}/{target}", "lms.example"))
        assert neighbour.asked == []


def test_a_redirect_leaves_secrets_behind_and_the_method_where_it_should(server):
    known = names(a_example=[["127.0.0.1"]], b_example=[["127.0.0.1"]])
    asking, secret = Outgoing(HERE, resolver=known), {"Authorization": "Bearer x", "X-A": "1"}
    there = url(server, "/end", "b.example")
    asking.request("POST", url(server, f"/to/302/{there}", "a.example"), headers=secret, content=b"body")
    method, _, headers = server.asked[-1]
    assert (method, headers.get("Authorization"), headers.get("Cookie"), headers["X-A"]) == ("GET", None, None, "1")
    here = url(server, "/end", "a.example")
    asking.request("POST", url(server, f"/to/307/{here}", "a.example"), headers=secret, content=b"body")
    method, _, headers = server.asked[-1]
    assert (method, headers["Authorization"], server.bodies[-1]) == ("POST", "Bearer x", b"body")


def test_a_circle_of_redirects_ends(server):
    server_url = url(server)
    with pytest.raises(OutgoingFailed, match=str(MOST_REDIRECTS)):
        Outgoing(HERE).request("GET", server_url + "to/302/" + "/to/302/" * 10)


def test_answers_are_bounded_in_size_time_and_packing(server):
    with pytest.raises(OutgoingFailed, match="bytes"):
        Outgoing(HERE).request("GET", url(server, "/large"))
    begin = time.monotonic()
    with pytest.raises(OutgoingFailed, match=r"within 0\.5 s"):
        Outgoing(HERE, total_seconds=0.5).request("GET", url(server, "/drip"))
    assert time.monotonic() - begin < 5
    with pytest.raises(OutgoingFailed, match="packed"):
        Outgoing(HERE).request("GET", url(server, "/packed"))
    assert server.asked[-1][2]["Accept-Encoding"] == "identity"


def test_nobody_there_is_said():
    with pytest.raises(OutgoingFailed, match="cannot be reached"):
        Outgoing(HERE).request("GET", f"http://127.0.0.1:{free_port()}/")
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    with silent, pytest.raises(OutgoingFailed, match="within"):
        Outgoing(HERE, total_seconds=0.3).request("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_certificate_must_be_of_the_name_not_of_the_address(tmp_path):
    certificate, key = ensure_certificate(tmp_path)  # for localhost and this machine's addresses
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trust = ssl.create_default_context(cafile=str(certificate))
    known = names(localhost=[["127.0.0.1"]], lms_example=[["127.0.0.1"]])
    policy = OutgoingPolicy(("127.0.0.1",))
    with serving(context) as server:
        asking = Outgoing(policy, resolver=known, trust=trust)
        assert asking.request("GET", url(server, host="localhost", scheme="https")).body == b"hello"
        with pytest.raises(OutgoingFailed):
            asking.request("GET", url(server, host="lms.example", scheme="https"))
        with pytest.raises(OutgoingFailed):
            Outgoing(policy, resolver=known).request("GET", url(server, host="localhost", scheme="https"))


def test_no_proxy_of_the_environment_is_asked(server, monkeypatch):
    with serving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", url(proxy))
        monkeypatch.setenv("ALL_PROXY", url(proxy))
        Outgoing(HERE).request("GET", url(server))
        assert proxy.asked == []


def test_the_settings_and_the_company_say_where(settings):
    assert policy_of(settings) == OutgoingPolicy((), False)
    assert policy_of(settings, ["lms.school"]).private_hosts == ("lms.school",)


def test_it_can_be_asked_from_a_loop(server):
    async def ask():
        return await asyncio.gather(*(Outgoing(HERE).fetch("GET", url(server)) for _ in range(5)))

    assert [answer.status for answer in asyncio.run(ask())] == [200] * 5


OWN = {
    # they ask the appliance itself
    "appliance/cli/synthetic_candidate.py",
    "appliance/standalone/supervision.py",
    "appliance/diagnostics/processes.py",
    "appliance/diagnostics/installed.py",
    "appliance/outgoing.py",
    "appliance/deploy/switching.py",  # asks this host's own processes whether they work
    "appliance/monitoring/processes.py",  # through their sockets
}


def test_there_is_no_other_way_out():
    root = Path(__file__).resolve().parents[2]
    ways = (
        "import httpx",
        "from httpx",
        "import urllib.request",
        "from urllib.request",
        "http.client",
        "urlopen",
        "import requests",
    )
    found = {
        str(file.relative_to(root))
        for room in ("appliance", "media", "web")
        for file in (root / room).rglob("*.py")
        if any(way in file.read_text(encoding="utf-8") for way in ways)
    }
    assert found <= OWN
    assert httpx.Client  # the library whose use is looked for
