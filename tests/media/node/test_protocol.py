"""The recorded answers of a real Kurento, replayed against the node; needs the recordings."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.media.node.playing import ROOT

KURENTO = Path(os.environ.get("KUSTOS_TEST_KURENTO", ROOT.parent / "shared" / "kurento"))
WITHOUT = {
    "create_FaceOverlayFilter": "faces are looked for in the worker, not in the node",
    "create_ImageOverlayFilter": "nothing is painted over evidence",
    "create_ZBarFilter": "no codes are read",
    "create_HttpPostEndpoint": "media is handed in at the appliance's own web server, with its log-in",
    "describe_HttpPostEndpoint": "as above",
    "http_getUrl": "as above",
}
"""Cases of elements that the node does not have, with the reason; they answer "Factory not found"."""
OPTIONAL = {"hub", "filter", "player", "http", "dot", "unportable"}


@pytest.mark.timeout(180)
@pytest.mark.skipif(not (KURENTO / "replay.py").exists(), reason=f"no recordings of Kurento in {KURENTO}")
def test_the_node_answers_as_kurento_did(own_node, tmp_path):
    command = [sys.executable, str(KURENTO / "replay.py"), "--url", own_node.url, "--json", str(tmp_path / "outcome")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=170)
    outcome = json.loads((tmp_path / "outcome").read_text())
    different = {name: case["differences"] for name, case in outcome.items() if case.get("match") is False}
    assert set(different) == set(WITHOUT), f"{different}\n{run.stdout[-2000:]}"
    groups = Counter(case["group"] for case in outcome.values() if case.get("match"))
    assert (groups["hub"], groups["player"], groups["filter"], groups["dot"]) == (23, 5, 4, 2)
    core = sum(count for group, count in groups.items() if group not in OPTIONAL)
    assert core == 232, run.stdout[-2000:]


@pytest.mark.skipif(not (KURENTO / "replay.py").exists(), reason=f"no recordings of Kurento in {KURENTO}")
@pytest.mark.parametrize("case", ["error_connect_to_*", "error_dispatcher_port_is_element"])
def test_what_kills_kurento_is_an_error_here(own_node, tmp_path, case):
    command = [sys.executable, str(KURENTO / "replay.py"), "--url", own_node.url, "--slow", "--only", case]
    subprocess.run([*command, "--json", str(tmp_path / "outcome")], capture_output=True, text=True, timeout=60)
    outcome = json.loads((tmp_path / "outcome").read_text())
    assert outcome
    assert all(found["match"] for found in outcome.values()), outcome
    assert own_node.process.poll() is None


async def ask(socket, message):
    await socket.send(message if isinstance(message, str | bytes) else json.dumps({"jsonrpc": "2.0", **message}))
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def test_rubbish_costs_an_error_or_the_connection_never_the_node(own_node):
    deep = "[" * 100_000
    for text in ("", "{", "\x00", deep, b"\xff\xfe"):
        async with connect(own_node.url, proxy=None) as socket:
            await socket.send(text)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
    async with connect(own_node.url, proxy=None) as socket:
        pipeline = (await ask(socket, {"id": 1, "method": "create", "params": {"type": "MediaPipeline"}}))["result"][
            "value"
        ]
        made = {"type": "WebRtcEndpoint", "constructorParams": {"mediaPipeline": pipeline}}
        endpoint = (await ask(socket, {"id": 2, "method": "create", "params": made}))["result"]["value"]
        for operation, params in (
            ("processOffer", {"offer": "v=0\r\nm=video x"}),
            (
                "processOffer",
                {"offer": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"},
            ),
            ("processOffer", {"offer": "\U0001f600" * 1000}),
            ("connect", {"sink": pipeline}),
            ("connect", {"sink": "manager_ServerManager"}),
            ("addIceCandidate", {"candidate": []}),
            ("__init__", {}),
            ("close", {}),
            (["processOffer"], {}),
        ):
            request = {"object": endpoint, "operation": operation, "operationParams": params}
            answer = await ask(socket, {"id": 3, "method": "invoke", "params": request})
            assert "error" in answer, answer
        assert (await ask(socket, {"id": 4, "method": "ping"}))["result"]["value"] == "pong"
    assert own_node.process.poll() is None


async def test_a_wrong_path_says_where_to_go(own_node):
    reader, writer = await asyncio.open_connection("127.0.0.1", own_node.port)
    writer.write(
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"/kurento" in answer


def test_a_port_in_use_is_named_in_one_line(own_node):
    command = [sys.executable, "-m", "media.node", "--listen", f"127.0.0.1:{own_node.port}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert run.returncode == 1
    assert "cannot start" in run.stderr
    assert "Traceback" not in run.stderr
