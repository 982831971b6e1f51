"""What one writes first: webrtcbin, a depayloader, webmmux, filesink, all as they come. The load's other side.

``python -m tests.bench.media.naive`` prints its port; a line of JSON {offer, path} is answered with {answer}.
"""

import asyncio
import json
import threading

from media.node.gst import Gst, GstWebRTC, call, caps, described, held_ice_agent, make, session_description, start

CHAINS = {
    "video": "rtpvp8depay",
    "audio": "rtpopusdepay ! capssetter caps=audio/x-opus,rate=48000,channels=2,channel-mapping-family=0",
}
"""Without ``rate`` webmmux refuses the sound."""


class Recording:
    """One peer connection into one file."""

    def __init__(self, path: str) -> None:
        self.pipeline = Gst.Pipeline.new(None)
        self.webrtcbin = make("webrtcbin", latency=1000)
        self.webrtcbin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self._agent = held_ice_agent(self.webrtcbin)
        self._muxer, sink = make("webmmux"), make("filesink", location=path)
        for element in (self.webrtcbin, self._muxer, sink):
            self.pipeline.add(element)
        self._muxer.link(sink)
        self._pads: dict[str, object] = {}
        self._gathered = threading.Event()
        self._found: list[str] = []
        self.webrtcbin.connect("on-ice-candidate", lambda _bin, _mline, text: self._found.append(text))
        self.webrtcbin.connect("notify::ice-gathering-state", self._gathering)
        self.webrtcbin.connect("pad-added", self._pad)

    def answer(self, offer: str) -> str:
        """Return an answer with all candidates."""
        for kind in ("audio", "video"):
            if f"m={kind}" in offer:
                self._pads[kind] = self._muxer.request_pad_simple(f"{kind}_%u")
        self.pipeline.set_state(Gst.State.PLAYING)
        call(self.webrtcbin, "set-remote-description", session_description("offer", offer))
        answer = described(self.webrtcbin, "answer")
        call(self.webrtcbin, "set-local-description", session_description("answer", answer))
        self._gathered.wait(5)
        return answer + "".join(f"a={line}\r\n" for line in self._found)

    def stop(self) -> None:
        self.pipeline.set_state(Gst.State.NULL)

    def _gathering(self, webrtcbin, _spec) -> None:
        if webrtcbin.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _pad(self, _webrtcbin, pad) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        chain = Gst.parse_bin_from_description(CHAINS[kind], True)
        self.pipeline.add(chain)
        chain.get_static_pad("src").link(self._pads[kind])
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))


async def main() -> None:
    start()
    caps("video/x-vp8")
    recordings: list[Recording] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            if "offer" in request:
                recording = Recording(request["path"])
                recordings.append(recording)
                answer = await asyncio.to_thread(recording.answer, request["offer"])
                writer.write(json.dumps({"answer": answer}).encode() + b"\n")
            else:
                for recording in recordings:
                    await asyncio.to_thread(recording.stop)
                writer.write(b"{}\n")

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
