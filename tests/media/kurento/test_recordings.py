"""The client against what a real Kurento sent: every frame is understood, and its words on sessions are, too."""

import json
import os
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from media.kurento import Binding, KurentoClient, Statistics
from media.kurento.errors import InvalidSession, from_payload
from media.kurento.events import EVENTS, Unknown, from_notification
from media.kurento.rpc import Failure, Notification, Result, Session
from tests.media.node.playing import ROOT

CASES = Path(os.environ.get("KUSTOS_TEST_KURENTO", ROOT.parent / "shared" / "kurento")) / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"no recordings of Kurento in {CASES}")


def frames(name, direction):
    recorded = json.loads((CASES / f"{name}.json").read_text())["frames"]
    return [frame["raw"] for frame in recorded if frame["dir"] == direction]


def test_every_recorded_frame_is_understood():
    counted = {Result: 0, Failure: 0, Notification: 0}
    for path in sorted(CASES.glob("*.json")):
        if "frames" not in json.loads(path.read_text()):
            continue
        for raw in frames(path.stem, "server->client"):
            answered = json.loads(raw).get("id", 0)
            if not isinstance(answered, int) or isinstance(answered, bool):
                continue  # an answer to what this client would never ask
            message = Session().receive(raw)
            counted[type(message)] += 1
            if isinstance(message, Notification):
                event = from_notification(message)
                assert message.type in EVENTS, message.type
                assert not isinstance(event, Unknown), raw
                assert event.source and event.timestamp_millis > 0
    assert min(counted.values()) > 50, counted


def test_recorded_statistics_are_typed():
    raw = next(
        frame for frame in map(json.loads, frames("webrtc_getStats_with_media", "server->client")) if "id" in frame
    )
    found = Statistics.of(raw["result"]["value"])
    assert found.inbound or found.outbound
    assert all(item.ssrc for item in (*found.inbound, *found.outbound))


class Recorded:
    """Gives recorded answers to ``connect``: of one case with the old session's id, of another one without."""

    def __init__(self, with_id: str, without_id: str = "connect_new") -> None:
        self.answers = {True: frames(with_id, "server->client"), False: frames(without_id, "server->client")}
        self.asked: list[bool] = []

    async def __call__(self, socket) -> None:
        async for text in socket:
            request = json.loads(text)
            if request["method"] == "ping":
                await socket.send(json.dumps({"id": request["id"], "jsonrpc": "2.0", "result": {"value": "pong"}}))
                continue
            assert request["method"] == "connect"
            self.asked.append("sessionId" in (request.get("params") or {}))
            answer = next(found for found in map(json.loads, self.answers[self.asked[-1]]) if "id" in found)
            await socket.send(json.dumps({**answer, "id": request["id"]}))


@pytest.mark.parametrize(
    ("case", "binding", "asked"),
    [
        ("session_reconnect_in_time", Binding.KEPT, [True]),
        ("session_gc_after_disconnect", Binding.LOST, [True, False]),
        ("error_connect_invalid_session", Binding.LOST, [True, False]),
    ],
)
async def test_kurentos_words_on_a_session_are_understood(case, binding, asked):
    old = next(
        found["params"]["sessionId"]
        for found in map(json.loads, frames(case, "client->server"))
        if found["method"] == "connect"
    )
    answers = Recorded(case)
    async with serve(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = KurentoClient(f"ws://127.0.0.1:{port}/kurento", session_id=old)
        assert await client.open() is binding
        assert answers.asked == asked
        assert (client.session_id == old) == (binding is Binding.KEPT)
        await client.close()


def test_the_recorded_refusal_of_a_session_is_that_exception():
    (raw,) = frames("connect_same_session", "server->client")
    assert isinstance(from_payload(json.loads(raw)["error"]), InvalidSession)
