"""Sockets that say anything: made from the messages' own types, mutated, oversized, out of order.

A real gateway process; ``make fuzz`` goes on for long (KUSTOS_FUZZ_EXAMPLES), ``make test`` for some seconds.
"""

import contextlib
import json
import os
import socket

import msgspec
import psutil
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings, strategies
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from appliance.security import live_tokens
from appliance.vocabulary import Role, SittingState
from tests.live import GatewayProcess
from web.realtime.messages import AnyClientMessage

EXAMPLES = int(os.environ.get("KUSTOS_FUZZ_EXAMPLES", "0")) or 25
GROWTH_MB = 64
"""What the process may grow by; a message that was kept would be seen within a long run."""

TEXT = strategies.text(max_size=80)
SDP = strategies.sampled_from(
    ["", "v=0", "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "a=" * 4000]
)


def strategy(kind, name=""):  # noqa: PLR0911, PLR0912 - one case a type
    """What fits a type of msgspec, now and then at its edges and beyond."""
    info = msgspec.inspect
    match kind:
        case info.StructType():
            fields = {field.encode_name: strategy(field.type, field.encode_name) for field in kind.fields}
            needed = {field.encode_name for field in kind.fields if field.required}
            tag = strategies.just({kind.tag_field: kind.tag} if kind.tag_field else {})
            given_ = strategies.fixed_dictionaries(
                {key: fields[key] for key in fields if key in needed},
                optional={key: fields[key] for key in fields if key not in needed},
            )
            return strategies.builds(lambda a, b: a | b, tag, given_)
        case info.UnionType():
            return strategies.one_of([strategy(one, name) for one in kind.types])
        case info.ListType() | info.VarTupleType():
            return strategies.lists(strategy(kind.item_type), max_size=5)
        case info.DictType():
            return strategies.dictionaries(strategy(kind.key_type), strategy(kind.value_type), max_size=4)
        case info.EnumType():
            return strategies.sampled_from([member.value for member in kind.cls])
        case info.IntType():
            return strategies.one_of(strategies.integers(0, 4), strategies.integers(-(2**70), 2**70))
        case info.FloatType():
            return strategies.one_of(
                strategies.floats(0, 1), strategies.floats(allow_nan=False, allow_infinity=False)
            )
        case info.BoolType():
            return strategies.booleans()
        case info.NoneType():
            return strategies.none()
        case info.StrType():
            if name == "sdp":
                return SDP
            if name in {"connection", "ref", "tab"}:
                return strategies.sampled_from(["a", "b", ""]) | TEXT
            if name == "phase":
                return strategies.sampled_from(["start", "update", "end", "instant"])
            return TEXT
        case info.Metadata():
            return strategy(kind.type, name)
    return strategies.none() | TEXT


MESSAGES = strategies.one_of([strategy(one) for one in msgspec.inspect.type_info(AnyClientMessage).types])


def spoil(text, at, what):
    """Cut, repeat or replace a part of a message."""
    at %= max(1, len(text))
    return {"cut": text[:at], "twice": text[:at] + text, "nul": text[:at] + "\x00" + text[at:]}.get(what, what)


SPOILED = strategies.builds(
    spoil,
    MESSAGES.map(json.dumps),
    strategies.integers(0, 400),
    strategies.sampled_from(["cut", "twice", "nul", "[" * 5000, '{"type":' * 500, "null", '"', "{}", "\ud7ff"]),
)
LARGE = strategies.sampled_from([10_000, 120_000, 300_000]).map(
    lambda size: json.dumps({"type": "chat", "text": "x" * size, "ref": "a"})
)
SAID = strategies.one_of(
    MESSAGES.map(json.dumps), MESSAGES.map(json.dumps), SPOILED, strategies.binary(max_size=64), LARGE
)
TALK = strategies.lists(SAID, min_size=1, max_size=12)


@pytest_asyncio.fixture
async def gateway(tmp_path, settings):
    process = GatewayProcess(tmp_path, settings, ["ws://127.0.0.1:1/kurento"])
    await process.start()
    yield process
    process.ends()


@pytest.fixture
def askers(make, session, settings):
    """Name -> how it makes its token."""
    sitting = make.sitting(SittingState.RUNNING)
    other = make.sitting(SittingState.WAITING)
    users = [make.user(role) for role in (Role.PROCTOR, Role.ADMIN, Role.SUPPORT, Role.REVIEWER)]
    session.commit()

    def of_candidate(row):
        return lambda: live_tokens.for_candidate(settings, row.id, row.company_id, "Ada")

    def of_user(user):
        return lambda: live_tokens.for_user(settings, user.id, user.company_id, user.role, user.name)

    known = {user.role.value: of_user(user) for user in users}
    return {"candidate": of_candidate(sitting), "other": of_candidate(other), **known}


def hello(url, token):
    page = connect(url, proxy=None, compression=None, max_size=None, open_timeout=20, legacy=True)
    page.send(json.dumps({"type": "hello", "token": token, "tab": "t"}))
    while json.loads(page.recv(timeout=20))["type"] != "welcome":
        pass
    return page


def answers(page):
    """What was said until the answer to a ping; the socket may be closed on who floods or babbles."""
    heard = []
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        page.send(json.dumps({"type": "ping", "at": 4711}))
        while True:
            text = page.recv(timeout=20)
            message = json.loads(text) if isinstance(text, str) else {"type": "bytes"}
            heard.append(message)
            if message["type"] == "pong" and message["at"] == 4711:
                return heard
    return heard


@pytest.mark.timeout(3600)
def test_no_message_kills_the_gateway_or_goes_unhandled(gateway, askers):
    process = psutil.Process(gateway.pid)
    bystander = hello(gateway.url, askers["other"]())
    before = process.memory_info().rss
    said = {"count": 0}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 100,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.sampled_from([name for name in askers if name != "other"]), TALK)
    def talk(name, messages):
        page = hello(gateway.url, askers[name]())
        with contextlib.suppress(ConnectionClosed):
            for message in messages:
                page.send(message)
                said["count"] += 1
        heard = answers(page)
        page.close()
        assert "internal" not in [message.get("code") for message in heard], (name, messages)

    try:
        talk()
        assert answers(bystander)[-1]["type"] == "pong", "another socket does not go on"
    finally:
        bystander.close()
    assert said["count"] > 3 * EXAMPLES
    assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    assert process.memory_info().rss - before < GROWTH_MB * 1024 * 1024
    log = gateway.log.read_text(errors="replace")
    assert "Traceback" not in log and "message failed" not in log, log[-6000:]


BEGINNINGS = [
    b"",
    b"\0" * 200,
    b"GET /live HTTP/1.1\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET /live/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /live HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


def test_no_connection_kills_the_gateway(gateway, askers):
    for begin in BEGINNINGS * 3:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as raw:
            raw.sendall(begin)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
    page = hello(gateway.url, askers["proctor"]())
    # a frame that says it is far longer than it may be, and one with bits that mean nothing
    for frame in (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + b"\0" * 8, b"\xf7\x80\0\0\0\0", b"\x88\x81\0\0\0\0x"):
        with contextlib.suppress(OSError, ConnectionClosed):
            broken = hello(gateway.url, askers["admin"]())
            broken.socket.sendall(frame)
            broken.close()
    assert answers(page)[-1]["type"] == "pong"
    page.close()
    assert "Traceback" not in gateway.log.read_text(errors="replace"), gateway.log.read_text()[-4000:]
