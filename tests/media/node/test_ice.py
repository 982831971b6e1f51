"""How a connection comes about where a firewall leaves little: TCP, a range of ports, TURN by UDP, TCP and TLS."""

import asyncio
import os
import shlex
import socket
import subprocess
import time

import pytest

from media.kurento import KurentoClient, MediaPipeline, WebRtcEndpoint, events
from tests.media.node.chromium import RENDERED, negotiated
from tests.media.node.playing import NodeProcess, Told, publish, running, until, watch

USER, PASSWORD = "node", "not:secret@all"


def own_address():
    """An address of this host from which UDP reaches itself; loopback where there is no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Turn:
    """coturn on the loopback address, with a certificate of its own."""

    def __init__(self, folder, host=None):
        self.host = host or own_address()
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = folder / "certificate.pem"
        subject = ["-subj", f"/CN={self.host}", "-addext", f"subjectAltName=IP:{self.host}"]
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "key.pem"), "-out", str(self.certificate)]
        subprocess.run(["openssl", "req", "-x509", "-days", "2", *key, *subject], check=True, capture_output=True)
        config = folder / "turnserver.conf"
        config.write_text(
            f"listening-ip={self.host}\nrelay-ip={self.host}\nlistening-port={self.port}\ntls-listening-port={self.tls_port}\n"
            f"lt-cred-mech\nuser={USER}:{PASSWORD}\nrealm=test\nfingerprint\nallow-loopback-peers\nno-cli\n"
            f"cert={self.certificate}\npkey={folder}/key.pem\nlog-file=stdout\nverbose\npidfile={folder}/pid\n"
            f"userdb={folder}/turndb\n"
        )
        self.log = folder / "turn.log"
        with self.log.open("wb") as log:
            command = ["turnserver", "-c", str(config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        end = time.monotonic() + 10
        while not self._listens():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, "the TURN server does not get ready"
            time.sleep(0.05)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.tls_port)) == 0

    def url(self, transport):
        port = self.tls_port if transport == "tls" else self.port
        return f"{USER}:{PASSWORD}@{self.host}:{port}?transport={transport}"

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def turn(tmp_path_factory):
    server = Turn(tmp_path_factory.mktemp("turn"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def walled(tmp_path_factory, turn):
    """A node behind a firewall that lets 40 ports through; it trusts the TURN server's certificate."""
    first = free_port(socket.SOCK_DGRAM) // 64 * 64
    environment = {"SSL_CERT_FILE": str(turn.certificate)}
    log = tmp_path_factory.mktemp("walled") / "log"
    process = NodeProcess(log, "--ice-ports", f"{first}-{first + 39}", environment=environment)
    process.ports = range(first, first + 40)
    yield process
    process.stop()
    assert "CRITICAL" not in log.read_text()


@pytest.fixture
async def walled_pipeline(walled):
    async with KurentoClient(walled.url) as client:
        yield await MediaPipeline.create(client)


class Nat:
    """A host behind an address translator: only as root, only where the kernel has it."""

    outside, public, host = "10.77.2.2", "10.77.2.1", "10.77.1.2"

    def __init__(self):
        number = os.getpid()
        self.inside, self.router, self.link = f"inside{number}", f"router{number}", f"far{number}"
        self.ends = (f"a{number}", f"b{number}", f"c{number}")

    def make(self):
        ends = self.ends
        for step in (
            f"ip netns add {self.inside}",
            f"ip netns add {self.router}",
            f"ip link add {ends[0]} netns {self.inside} type veth peer name {ends[1]} netns {self.router}",
            f"ip link add {ends[2]} netns {self.router} type veth peer name {self.link}",
            f"ip -n {self.inside} addr add {self.host}/24 dev {ends[0]}",
            f"ip -n {self.inside} link set {ends[0]} up",
            f"ip -n {self.inside} link set lo up",
            f"ip -n {self.inside} route add default via 10.77.1.1",
            f"ip -n {self.router} addr add 10.77.1.1/24 dev {ends[1]}",
            f"ip -n {self.router} addr add {self.public}/24 dev {ends[2]}",
            f"ip -n {self.router} link set {ends[1]} up",
            f"ip -n {self.router} link set {ends[2]} up",
            f"ip addr add {self.outside}/24 dev {self.link}",
            f"ip link set {self.link} up",
            f"ip route add 10.77.1.0/24 via {self.public}",
            f"ip netns exec {self.router} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'",
        ):
            subprocess.run(shlex.split(step), check=True, capture_output=True)
        rules = "table ip nat {\n chain post {\n  type nat hook postrouting priority 100;\n"
        rules += f"  oifname {ends[2]} masquerade\n }}\n}}\n"
        command = ["ip", "netns", "exec", self.router, "nft", "-f", "-"]
        subprocess.run(command, input=rules, text=True, check=True, capture_output=True)

    def close(self):
        for step in (f"ip link del {self.link}", f"ip netns del {self.inside}", f"ip netns del {self.router}"):
            subprocess.run(shlex.split(step), check=False, capture_output=True)


@pytest.fixture
def nat():
    made = Nat()
    try:
        made.make()
    except (OSError, subprocess.CalledProcessError) as error:
        made.close()
        pytest.skip(f"no address translation here: {getattr(error, 'stderr', error)}")
    yield made
    made.close()


async def test_stun_tells_the_address_that_the_outside_sees(nat, tmp_path):
    server = Turn(tmp_path, nat.outside)
    node = NodeProcess(tmp_path / "log", listen=f"{nat.host}:0", inside=nat.inside)

    async def before(endpoint):
        await endpoint.set_stun_server(nat.outside, server.port)

    try:
        async with KurentoClient(node.url) as client:
            candidates = await found(await WebRtcEndpoint.create(await MediaPipeline.create(client)), before)
    finally:
        node.stop()
        server.stop()
    assert {item["address"] for item in candidates if item["type"] == "srflx"} == {nat.public}


def fields(event):
    line = event.candidate.candidate.split()
    return {"transport": line[2].lower(), "address": line[4], "port": int(line[5]), "type": line[7], "line": line}


async def found(endpoint, before=None):
    """All local candidates of an endpoint that generates an offer."""
    told = Told()
    for event in (events.IceCandidateFound, events.IceGatheringDone):
        await endpoint.subscribe(event, told)
    if before is not None:
        await before(endpoint)
    await endpoint.generate_offer()
    await endpoint.gather_candidates()
    await told.wait(events.IceGatheringDone, 20)
    return [fields(event) for event in told.of(events.IceCandidateFound)]


def entry(stats, cls):
    return [item for item in stats.values() if item["__type__"] == cls]


async def test_all_ports_are_in_the_range_that_the_firewall_lets_through(walled, walled_pipeline):
    candidates = await found(await WebRtcEndpoint.create(walled_pipeline))
    assert {item["transport"] for item in candidates} == {"udp", "tcp"}
    listening = [item for item in candidates if "active" not in item["line"]]
    assert listening
    assert all(item["port"] in walled.ports for item in listening), listening


async def test_an_interface_a_public_address_and_no_tcp_when_so_wanted(pipeline):
    async def before(endpoint):
        await endpoint.invoke("setNetworkInterfaces", networkInterfaces="lo")
        await endpoint.invoke("setExternalIPv4", externalIPv4="203.0.113.7")
        await endpoint.invoke("setIceTcp", iceTcp=False)

    candidates = await found(await WebRtcEndpoint.create(pipeline), before)
    assert {item["transport"] for item in candidates} == {"udp"}
    assert {item["address"] for item in candidates if "." in item["address"]} == {"203.0.113.7"}
    assert all(item["address"] in ("203.0.113.7", "::1") for item in candidates)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_the_node_reaches_out_through_turn(walled_pipeline, turn, transport):
    async def before(endpoint):
        await endpoint.set_turn_url(turn.url(transport))

    candidates = await found(await WebRtcEndpoint.create(walled_pipeline), before)
    relayed = [item for item in candidates if item["type"] == "relay"]
    assert relayed, f"{candidates}\n{turn.log.read_text()[-2000:]}"
    assert {item["address"] for item in relayed} == {turn.host}


@pytest.mark.timeout(120)
async def test_a_browser_sees_a_node_that_only_turn_over_tls_reaches(browser, walled, walled_pipeline, clip, turn):
    """The browser learns of the relay only; the node, of wrong ports, whose hosts the relay lets in all the same."""
    publication = await publish(walled_pipeline, clip)

    async def before(endpoint):
        await endpoint.set_turn_url(turn.url("tls"))
        await publication.endpoint.connect(endpoint)

    def relayed(candidate):
        return candidate if " typ relay" in candidate.candidate else None

    def astray(line):
        words = line.split(" ")
        return " ".join([*words[:5], "9", *words[6:]])

    page, endpoint, _ = await negotiated(browser, walled_pipeline, False, before, pass_on=relayed, heard=astray)
    await until_rendered(page)
    pair = entry(await endpoint.get_stats(complete=True), "RTCIceCandidatePairStats")[0]
    local = {item["id"]: item for item in entry(await endpoint.get_stats(complete=True), "RTCIceCandidateAttributes")}
    assert local[pair["localCandidateId"]]["candidateType"] == "relayed"
    await page.close()
    await publication.close()


async def until_rendered(page, pictures=15):
    end = time.monotonic() + 25
    while (rendered := await page.evaluate(RENDERED))[0] < pictures:
        assert time.monotonic() < end, f"nothing is rendered: {rendered}"
        await asyncio.sleep(0.1)


@pytest.mark.timeout(120)
async def test_a_browser_behind_a_firewall_without_udp_is_recorded_over_tcp(browser, pipeline):
    def only_tcp(candidate):
        return candidate if " TCP " in candidate.candidate else None

    page, endpoint, told = await negotiated(browser, pipeline, True, pass_on=only_tcp, heard=lambda _line: None)
    await told.wait(events.MediaFlowOutStateChanged, 25, media_type="VIDEO", state="FLOWING")
    stats = await endpoint.get_stats(complete=True)
    candidates = {item["id"]: item for item in entry(stats, "RTCIceCandidateAttributes")}
    pair = entry(stats, "RTCIceCandidatePairStats")
    assert [item["state"] for item in pair] == ["succeeded"]
    local = candidates[pair[0]["localCandidateId"]]
    assert (local["transport"], local["tcpType"]) == ("tcp", "passive")
    await page.close()


async def test_statistics_tell_what_a_diagnosis_needs(pipeline, clip):
    publication = await publish(pipeline, clip)
    viewer, endpoint = await watch(pipeline, publication.endpoint)
    await until(lambda: len(viewer.pictures) > 20, what="viewing")
    plain = await publication.endpoint.get_stats()
    assert {item["__type__"] for item in plain.values()} >= {"RTCInboundRTPStreamStats"}
    assert not any("kind" in item for item in plain.values()), "Kurento's answer has no such field"
    stats = await publication.endpoint.get_stats(complete=True)
    inbound = {item["kind"]: item for item in entry(stats, "RTCInboundRTPStreamStats")}
    assert {kind: item["codec"] for kind, item in inbound.items()} == {"video": "VP8", "audio": "opus"}
    for item in inbound.values():
        assert item["packetsReceived"] > 20
        assert item["packetsMissing"] == item["packetsLost"] == 0
    assert inbound["video"]["pliCount"] >= 1, "the viewer's key frame was asked for"
    transport = entry(stats, "RTCTransportStats")[0]
    assert transport["iceState"] in ("connected", "completed")
    assert transport["dtlsState"] == "connected"
    certificate = next(
        item for item in entry(stats, "RTCCertificateStats") if item["id"] == transport["remoteCertificateId"]
    )
    assert certificate["fingerprint"] in publication.publisher.offer
    candidates = {item["id"]: item for item in entry(stats, "RTCIceCandidateAttributes")}
    pair = next(
        item
        for item in entry(stats, "RTCIceCandidatePairStats")
        if item["id"] == transport["selectedCandidatePairId"]
    )
    assert candidates[pair["localCandidateId"]]["transport"] == "udp"

    async def timed():
        found = entry(await endpoint.get_stats(complete=True), "RTCIceCandidatePairStats")
        return found[0]["roundTripTime"]

    end = time.monotonic() + 10
    while not 0 < await timed() < 1:
        assert time.monotonic() < end, "no round trip is measured"
        await asyncio.sleep(0.2)
    await asyncio.to_thread(viewer.close)
    await publication.close()


async def test_pairs_that_were_tried_in_vain_are_told(own_node, clip):
    """The peer's only candidate is a port at which nobody listens."""
    client = await running(own_node)
    pipeline = await MediaPipeline.create(client)
    endpoint = await WebRtcEndpoint.create(pipeline)
    source = await WebRtcEndpoint.create(pipeline)
    await endpoint.process_offer(await source.generate_offer())
    port = free_port(socket.SOCK_DGRAM)
    candidate = {
        "candidate": f"candidate:1 1 UDP 2015363327 192.0.2.77 {port} typ host",
        "sdpMid": "audio0",
        "sdpMLineIndex": 0,
    }
    await endpoint.gather_candidates()
    await endpoint.invoke("addIceCandidate", candidate=candidate)

    async def pairs():
        stats = await endpoint.get_stats(complete=True)
        candidates = {item["id"]: item for item in entry(stats, "RTCIceCandidateAttributes")}
        return [
            (candidates[item["remoteCandidateId"]]["ipAddress"], item["state"])
            for item in entry(stats, "RTCIceCandidatePairStats")
        ]

    end = time.monotonic() + 10
    while ("192.0.2.77", "inprogress") not in (told := await pairs()):
        assert time.monotonic() < end, told
        await asyncio.sleep(0.1)
    transport = entry(await endpoint.get_stats(complete=True), "RTCTransportStats")[0]
    assert transport["dtlsState"] in ("new", "connecting")
    assert not transport["activeConnection"]
    await client.close()
