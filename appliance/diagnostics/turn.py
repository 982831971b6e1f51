"""Asks a TURN server for a relay as a browser would (RFC 8656), to tell a wrong password from a blocked port.

Only what that needs of STUN (RFC 8489): Allocate with long-term credentials, then a Refresh that gives it
back.
"""

import hashlib
import hmac
import os
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import Final

MAGIC: Final = 0x2112A442
ALLOCATE, REFRESH = 0x0003, 0x0004
SUCCESS, ERROR = 0x0100, 0x0110
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000D
REALM, NONCE, RELAYED, TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
UDP: Final = bytes([17, 0, 0, 0])
FIRST_WAIT: Final = 0.5
"""RFC 8489, 6.2.1: sent again after this, then after twice as long."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code: int, reason: str) -> None:
        """``code`` as of RFC 8656: 401 wrong credentials, 486 quota reached, 508 no relay left."""
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Server:
    """Where a TURN server listens."""

    host: str
    port: int
    tcp: bool
    tls: bool


def parse(url: str) -> Server:
    """Read ``turn:host:port?transport=udp`` or ``turns:…`` (RFC 7065); raise ``ValueError``."""
    scheme, _, rest = url.partition(":")
    if scheme not in {"turn", "turns"} or not rest:
        raise ValueError(f"{url} is no TURN address; it looks like turn:host:3478?transport=udp")
    place, _, query = rest.removeprefix("//").partition("?")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        host, port = place, "5349" if scheme == "turns" else "3478"
    return Server(host.strip("[]"), int(port), scheme == "turns" or "transport=tcp" in query, scheme == "turns")


def allocate(server: Server, name: str, password: str, seconds: float = 3.0) -> str:
    """Return the relayed address the server gave, after giving it back; raise ``Refused`` or ``OSError``."""
    with _Conversation(server, seconds) as said:
        kind, attributes = said.ask(ALLOCATE, {TRANSPORT: UDP})
        if kind == ALLOCATE | SUCCESS:
            return _address(attributes[RELAYED])
        refusal = _refusal(attributes)
        if refusal.code != 401 or REALM not in attributes:
            raise refusal
        credentials = _Credentials(name, password, attributes[REALM], attributes[NONCE])
        kind, attributes = said.ask(ALLOCATE, {TRANSPORT: UDP}, credentials)
        if kind != ALLOCATE | SUCCESS:
            raise _refusal(attributes)
        relay = _address(attributes[RELAYED])
        said.ask(REFRESH, {LIFETIME: bytes(4)}, credentials)
        return relay


@dataclass(frozen=True, slots=True)
class _Credentials:
    name: str
    password: str
    realm: bytes
    nonce: bytes

    @property
    def key(self) -> bytes:
        text = f"{self.name}:{self.realm.decode()}:{self.password}"
        return hashlib.md5(text.encode(), usedforsecurity=False).digest()  # RFC 8489, 18.5.1.1


class _Conversation:
    """A socket that repeats itself over UDP and reads whole messages over TCP."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._tcp, self._until = server.tcp, time.monotonic() + seconds
        kind = socket.SOCK_STREAM if server.tcp else socket.SOCK_DGRAM
        family, kind, protocol, _, address = socket.getaddrinfo(server.host, server.port, type=kind)[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.settimeout(seconds)
            self._socket.connect(address)
            if server.tls:
                # Whose certificate it is, browsers judge; here only the way and the password are asked for.
                context = ssl._create_unverified_context()  # noqa: S323
                self._socket = context.wrap_socket(self._socket, server_hostname=server.host)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> "_Conversation":
        return self

    def __exit__(self, *_raised: object) -> None:
        self._socket.close()

    def ask(
        self, kind: int, attributes: dict[int, bytes], credentials: _Credentials | None = None
    ) -> tuple[int, dict[int, bytes]]:
        number = os.urandom(12)
        message = _message(kind, number, attributes, credentials)
        wait = FIRST_WAIT
        while (left := self._until - time.monotonic()) > 0:
            self._socket.sendall(message)
            self._socket.settimeout(left if self._tcp else min(wait, left))
            wait *= 2
            try:
                answer = self._receive()
            except TimeoutError:
                continue
            if answer[8:20] == number:
                return _parsed(answer)
        raise TimeoutError("no answer")

    def _receive(self) -> bytes:
        if not self._tcp:
            return self._socket.recv(2048)
        head = self._exactly(20)
        return head + self._exactly(struct.unpack("!H", head[2:4])[0])

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the connection was closed")
            data += more
        return data


def _message(kind: int, number: bytes, attributes: dict[int, bytes], credentials: _Credentials | None) -> bytes:
    if credentials is not None:
        told = {USERNAME: credentials.name.encode(), REALM: credentials.realm, NONCE: credentials.nonce}
        attributes = {**attributes, **told}
    body = b"".join(_attribute(name, value) for name, value in attributes.items())
    if credentials is not None:
        signed = _head(kind, len(body) + 24, number) + body
        body += _attribute(INTEGRITY, hmac.digest(credentials.key, signed, "sha1"))
    return _head(kind, len(body), number) + body


def _head(kind: int, length: int, number: bytes) -> bytes:
    return struct.pack("!HHI", kind, length, MAGIC) + number


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _parsed(message: bytes) -> tuple[int, dict[int, bytes]]:
    kind, length = struct.unpack("!HH", message[:4])
    attributes: dict[int, bytes] = {}
    at = 20
    while at + 4 <= min(len(message), 20 + length):
        name, size = struct.unpack("!HH", message[at : at + 4])
        attributes.setdefault(name, message[at + 4 : at + 4 + size])
        at += 4 + size + -size % 4
    return kind, attributes


def _refusal(attributes: dict[int, bytes]) -> Refused:
    value = attributes.get(ERROR_CODE, bytes(4))
    return Refused((value[2] & 7) * 100 + value[3], value[4:].decode(errors="replace"))


def _address(value: bytes) -> str:
    port = struct.unpack("!H", value[2:4])[0] ^ (MAGIC >> 16)
    if value[1] == 2:
        return f"[IPv6]:{port}"
    raw = struct.unpack("!I", value[4:8])[0] ^ MAGIC
    return f"{socket.inet_ntoa(struct.pack('!I', raw))}:{port}"
