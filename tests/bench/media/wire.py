"""A peer connection at the price of its packets: ICE, DTLS and SRTP by hand, to cost less than what is measured.

Enough for one host candidate on each side (RFC 8445, 5389, 5764, 3711). Everything runs in one asyncio loop.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import hmac
import random
import secrets
import socket
import struct
import zlib
from collections.abc import Callable

import psutil
import pylibsrtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from media.node import sdp

COOKIE = 0x2112A442
CHECK_SECONDS = 0.05
"""Between two checks until one is answered; after that 2.5 s, as browsers do to show that they are still there."""
CONSENT_SECONDS = 2.5


@functools.cache
def own_address() -> str:
    """Return an address that the node has, too: the loopback one only when there is no other."""
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if address.family == socket.AF_INET and name != "lo" and not address.address.startswith("169.254."):
                return address.address
    return "127.0.0.1"


@functools.cache
def identity() -> tuple[SSL.Context, str]:
    """Return the DTLS context of this process and the fingerprint of its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "load")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_privatekey(key)
    context.use_certificate(certificate)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    return context, certificate.fingerprint(hashes.SHA256()).hex(":").upper()


class Wire:
    """One connection. ``send`` and ``send_rtcp`` encrypt; ``on_rtcp`` gets plain RTCP, ``on_rtp`` encrypted RTP."""

    def __init__(self, on_open: Callable[[], None], loss: float = 0.0, seed: int = 0) -> None:
        self.on_open = on_open
        self.on_rtp: Callable[[bytes], None] = lambda _data: None
        self.on_rtcp: Callable[[bytes], None] = lambda _data: None
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.open = False
        self.loss, self._chance = loss, random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((own_address(), 0))
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._remote: tuple[str, int] | None = None
        self._answered = False
        self._timer: asyncio.TimerHandle | None = None
        self._dtls: SSL.Connection | None = None
        self._dtls_timer: asyncio.TimerHandle | None = None

    # ---- signalling

    def transport_lines(self) -> list[str]:
        """Return the lines of an offer's section that concern the transport."""
        host, port = self._socket.getsockname()
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {identity()[1]}",
            "a=setup:actpass",
            f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
            "a=end-of-candidates",
        ]

    def take_answer(self, answer: str) -> None:
        """Take the answer; candidates in it count."""
        lines = answer.replace("\r\n", "\n").split("\n")
        value = {line.split(":", 1)[0]: line.split(":", 1)[1] for line in reversed(lines) if ":" in line}
        self._remote_ufrag, self._remote_password = value["a=ice-ufrag"], value["a=ice-pwd"].encode()
        context, _fingerprint = identity()
        self._dtls = SSL.Connection(context)
        if value["a=setup"] == "passive":
            self._dtls.set_connect_state()
        else:
            self._dtls.set_accept_state()
        self._server = value["a=setup"] != "passive"
        for line in lines:
            if line.startswith("a=candidate:"):
                self.add_candidate(line[2:])

    def add_candidate(self, candidate: str) -> None:
        """Take the first that fits; begin to check it."""
        fields = candidate.split()
        fits = len(fields) > 7 and fields[2].lower() == "udp" and fields[7] == "host" and "." in fields[4]
        if self._remote is None and fits and fields[4] == own_address() and fields[1] == "1":
            self._remote = (fields[4], int(fields[5]))
            self._check()

    def close(self) -> None:
        for timer in (self._timer, self._dtls_timer):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self.open = False

    # ---- media

    def send(self, packet: bytes) -> bytes:
        """Encrypt and send an RTP packet; return it encrypted, for :meth:`resend`."""
        protected = self._outgoing.protect(packet)
        self.resend(protected)
        return protected

    def resend(self, protected: bytes) -> None:
        if not self.loss or self._chance.random() >= self.loss:
            self._put(protected)

    def send_rtcp(self, packet: bytes) -> None:
        if not self.loss or self._chance.random() >= self.loss:
            self._put(self._outgoing.protect_rtcp(packet))

    def decrypt(self, packet: bytes) -> bytes:
        return self._incoming.unprotect(packet)

    # ---- inside

    def _put(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.sendto(data, self._remote)

    def _readable(self) -> None:
        for _number in range(64):
            try:
                data, address = self._socket.recvfrom(4096)
            except (BlockingIOError, ConnectionRefusedError):
                return
            first = data[0]
            if first < 4:
                self._on_stun(data, address)
            elif first < 64:
                self._on_dtls(data)
            elif self.open and (not self.loss or self._chance.random() >= self.loss):
                if 192 <= data[1] <= 223:
                    self.on_rtcp(self._incoming.unprotect_rtcp(data))
                else:
                    self.on_rtp(data)

    def _check(self) -> None:
        controlling = struct.pack("!HHQ", 0x802A, 8, 1)
        priority = struct.pack("!HHI", 0x0024, 4, 1845501695)
        user = f"{self._remote_ufrag}:{self.ufrag}".encode()
        username = struct.pack("!HH", 0x0006, len(user)) + user + bytes(-len(user) % 4)
        attributes = username + priority + controlling + struct.pack("!HH", 0x0025, 0)
        self._put(_stun(0x0001, secrets.token_bytes(12), attributes, self._remote_password))
        self._timer = self._loop.call_later(CONSENT_SECONDS if self._answered else CHECK_SECONDS, self._check)

    def _on_stun(self, data: bytes, address: tuple[str, int]) -> None:
        kind = int.from_bytes(data[:2], "big")
        if kind == 0x0001:
            number = int.from_bytes(socket.inet_aton(address[0]), "big") ^ COOKIE
            mapped = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, address[1] ^ (COOKIE >> 16), number)
            self._socket.sendto(_stun(0x0101, data[8:20], mapped, self.password.encode()), address)
        elif kind == 0x0101 and not self._answered:
            self._answered = True
            if not self._server:
                self._handshake()

    def _on_dtls(self, data: bytes) -> None:
        if self._dtls is not None and not self.open:
            self._dtls.bio_write(data)
            self._handshake()

    def _handshake(self) -> None:
        assert self._dtls is not None
        try:
            self._dtls.do_handshake()
            done = True
        except SSL.WantReadError:
            done = False
        while True:
            try:
                self._put(self._dtls.bio_read(1500))
            except SSL.WantReadError:
                break
        if done:
            self._opened()

    def _opened(self) -> None:
        assert self._dtls is not None
        keys = self._dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 60)
        client, server = keys[:16] + keys[32:46], keys[16:32] + keys[46:60]
        policy = functools.partial(pylibsrtp.Policy, srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
        inbound, outbound = pylibsrtp.Policy.SSRC_ANY_INBOUND, pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        mine, theirs = (server, client) if self._server else (client, server)
        self._incoming = pylibsrtp.Session(policy(key=theirs, ssrc_type=inbound))
        self._outgoing = pylibsrtp.Session(policy(key=mine, ssrc_type=outbound))
        self.open = True
        self.on_open()


def _stun(kind: int, transaction: bytes, attributes: bytes, password: bytes) -> bytes:
    """Return a STUN message with MESSAGE-INTEGRITY and FINGERPRINT (RFC 5389, 15.4 and 15.5)."""
    text = struct.pack("!HHI", kind, len(attributes) + 24, COOKIE) + transaction + attributes
    text += struct.pack("!HH", 0x0008, 20) + hmac.digest(password, text, "sha1")
    text = text[:2] + struct.pack("!H", len(attributes) + 32) + text[4:]
    return text + struct.pack("!HHI", 0x8028, 4, zlib.crc32(text) ^ 0x5354554E)


def offer(wire: Wire, kinds: tuple[str, ...], direction: str, ssrcs: dict[str, int]) -> str:
    """Return an offer as a browser's: one bundle, transport-wide congestion control, NACK and PLI."""
    lines = ["v=0", f"o=- {random.getrandbits(60)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += ["a=group:BUNDLE " + " ".join(str(index) for index in range(len(kinds)))]
    for index, kind in enumerate(kinds):
        payload = PAYLOADS[kind]
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload}", "c=IN IP4 0.0.0.0", *wire.transport_lines()]
        lines += [f"a=mid:{index}", f"a=extmap:{TRANSPORT_CC} {sdp.TRANSPORT_CC}", f"a={direction}", "a=rtcp-mux"]
        lines += [f"a=rtpmap:{payload} " + ("VP8/90000" if kind == "video" else "opus/48000/2")]
        lines += [f"a=rtcp-fb:{payload} transport-cc"]
        if kind == "video":
            lines += [f"a=rtcp-fb:{payload} {what}" for what in ("ccm fir", "nack", "nack pli")]
        else:
            lines += [f"a=fmtp:{payload} minptime=10;useinbandfec=1"]
        if kind in ssrcs:
            lines += [f"a=ssrc:{ssrcs[kind]} cname:load", f"a=ssrc:{ssrcs[kind]} msid:load {kind}"]
    return "\r\n".join(lines) + "\r\n"


PAYLOADS = {"audio": 111, "video": 96}
TRANSPORT_CC = 3
"""Number of the header extension in the offers above."""
