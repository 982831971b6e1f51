"""What is said over the socket, as msgspec structs tagged by ``type``: the contract with the pages' JavaScript.

JSON text frames. Milliseconds are UTC of the server unless a field says otherwise. SDP and ICE fields are those of
the W3C's RTCSessionDescription and RTCIceCandidate.
"""

from enum import IntEnum
from typing import Annotated, Any

import msgspec

from appliance.vocabulary import ObservationType, Track

Text = Annotated[str, msgspec.Meta(max_length=4000)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Sdp = Annotated[str, msgspec.Meta(max_length=100_000)]


class CloseCode(IntEnum):
    """Why the gateway closes a socket; the pages act on the number. Below 4000 as in RFC 6455 and at IANA."""

    POLICY = 1008
    """Flooding, or one malformed message after the other: do not come back by yourself."""
    RESTART = 1012
    """The gateway goes down: come back with ``since``, at random within 1 to 3 s."""
    TOKEN_REFUSED = 4401
    """No hello in time, or its token is wrong or old: fetch a new token, then come back."""
    NOT_ALLOWED = 4403
    """This account has no live pages."""
    SILENT = 4408
    """Nothing was heard for 30 s: come back with ``since``."""
    SUPERSEDED = 4409
    """The sitting was opened in another tab: do not come back."""
    TOO_SLOW = 4410
    """Too much waits to be read: come back with ``since``."""


class ClientMessage(msgspec.Struct, tag_field="type", forbid_unknown_fields=True):
    """Root of all that a browser says."""


class Hello(ClientMessage, tag="hello"):
    """First message: who I am, what I saw last, which tab I am."""

    token: Annotated[str, msgspec.Meta(max_length=4096)]
    since: int | None = None
    tab: Name = ""


class Ping(ClientMessage, tag="ping"):
    """``at`` is the browser's own clock; answered by ``Pong``."""

    at: float
    rtt_ms: float | None = None


class Publish(ClientMessage, tag="publish"):
    """Candidate: the offer of one sendonly track group; ``connection`` names the RTCPeerConnection."""

    track: Track
    connection: Name
    sdp: Sdp


class Resume(ClientMessage, tag="resume"):
    """Candidate after a lost socket: this RTCPeerConnection still stands, is it still known?"""

    track: Track
    connection: Name


class Unpublish(ClientMessage, tag="unpublish"):
    """Candidate: the track ended (share stopped, camera unplugged)."""

    track: Track
    reason: Name = ""


class View(ClientMessage, tag="view"):
    """Staff: a recvonly offer to watch a track of a sitting."""

    sitting_id: int
    track: Track
    connection: Name
    sdp: Sdp


class Speak(ClientMessage, tag="speak"):
    """Who may send in a conversation: a sendonly offer of microphone, perhaps camera. ``unview`` ends it."""

    conversation_id: int
    connection: Name
    sdp: Sdp


class Listen(ClientMessage, tag="listen"):
    """Who joined a conversation: a recvonly offer to hear what the person of a seat sends. ``unview`` ends it."""

    conversation_id: int
    seat_id: int
    connection: Name
    sdp: Sdp


class Tiles(ClientMessage, tag="tiles"):
    """Staff: the sittings whose small pictures are wanted from now on, instead of those named before; none ends it.

    They come as binary frames (``web.realtime.tiles.HEADER``), about one a second and track.
    """

    sitting_ids: Annotated[list[int], msgspec.Meta(max_length=60)]


class Unview(ClientMessage, tag="unview"):
    """A connection that watches, speaks or listens ends."""

    connection: Name


class Candidate(ClientMessage, tag="candidate"):
    """An ICE candidate of the browser for a connection it named; an empty one ends them."""

    connection: Name
    candidate: Annotated[str, msgspec.Meta(max_length=1000)]
    sdp_mid: Name | None = None
    sdp_m_line_index: int | None = None


class Observe(ClientMessage, tag="observe"):
    """Candidate's browser: something began (``start``), became clearer (``update``), ended (``end``) or happened at
    once (``instant``).

    ``at`` is the browser's clock; ``ref`` joins the end to the start. With ``detector`` it is a finding of the
    analysis in the browser, of exams that ask for that, by ``models`` (name -> SHA-256).
    """

    kind: ObservationType
    phase: Annotated[str, msgspec.Meta(pattern="^(start|update|end|instant)$")]
    at: float
    ref: Name
    details: Annotated[dict[str, str | int | float | bool], msgspec.Meta(max_length=20)] = {}
    detector: Name = ""
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    models: Annotated[
        dict[Name, Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]], msgspec.Meta(max_length=8)
    ] = {}


class Chat(ClientMessage, tag="chat"):
    """A chat message; staff name the sitting, a candidate has only one. ``ref`` makes a repeat harmless."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    ref: Name
    sitting_id: int | None = None
    incident: bool = False


class CandidatePair(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A pair of ICE candidates that a browser tried; counts are of connectivity checks (W3C webrtc-stats)."""

    local: Name = ""
    remote: Name = ""
    local_type: Name = ""
    remote_type: Name = ""
    protocol: Name = ""
    state: Name = ""
    nominated: bool = False
    requests: int = 0
    responses: int = 0


class IceError(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a STUN or TURN server answered: ``code`` 401 is a wrong password, above 700 not reached."""

    code: int
    url: Annotated[str, msgspec.Meta(max_length=200)] = ""
    text: Annotated[str, msgspec.Meta(max_length=200)] = ""


Measured = Annotated[str, msgspec.Meta(max_length=500)] | int | float | bool | None


class Stats(ClientMessage, tag="stats"):
    """Candidate: what the browser measures of its connections (``camera``, ``screen``, …) and page, for support."""

    values: Annotated[
        dict[Name, Annotated[dict[Name, Measured], msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=8)
    ]
    pairs: Annotated[
        dict[Name, Annotated[list[CandidatePair], msgspec.Meta(max_length=24)]], msgspec.Meta(max_length=8)
    ] = {}
    ice_errors: Annotated[list[IceError], msgspec.Meta(max_length=16)] = []


AnyClientMessage = (
    Hello
    | Ping
    | Publish
    | Resume
    | Unpublish
    | View
    | Unview
    | Tiles
    | Speak
    | Listen
    | Candidate
    | Observe
    | Chat
    | Stats
)


class ServerMessage(msgspec.Struct, tag_field="type"):
    """Root of all that the gateway says."""


class Welcome(ServerMessage, tag="welcome"):
    """Answer to ``Hello``; ``seq`` is where replay starts from next time."""

    seq: int
    server_ms: int
    ice_servers: list[dict[str, Any]]
    ice_policy: str
    sitting: dict[str, Any] | None = None


class Pong(ServerMessage, tag="pong"):
    """Answer to ``Ping``: the browser's clock back, and the server's."""

    at: float
    server_ms: int


class Answer(ServerMessage, tag="answer"):
    """The SDP answer for a connection that published or views."""

    connection: str
    sdp: str


class RemoteCandidate(ServerMessage, tag="candidate"):
    """An ICE candidate of the media node."""

    connection: str
    candidate: str
    sdp_mid: str | None
    sdp_m_line_index: int | None


class Resumed(ServerMessage, tag="resumed"):
    """The connection is still known: nothing to do."""

    connection: str


class OfferWanted(ServerMessage, tag="offer_wanted"):
    """Candidate: please make a new RTCPeerConnection for the track (node lost, connection unknown)."""

    track: Track
    cause: str


class ViewEnded(ServerMessage, tag="view_ended"):
    """What this connection watched, or was said over it, is gone; view again when ``media.state`` says live, speak or
    listen again as ``conversation.changed`` says.
    """

    connection: str
    cause: str


class Event(ServerMessage, tag="event"):
    """An event of the bus (kinds and payloads in docs/contracts.md)."""

    seq: int
    kind: str
    sitting_id: int | None
    payload: dict[str, Any]
    at_ms: int


class Reset(ServerMessage, tag="reset"):
    """Too much was missed: reload the state by REST, go on from ``seq``."""

    seq: int


class Overtaken(ServerMessage, tag="superseded"):
    """Candidate: the sitting was opened in another tab; this socket closes."""


class Fault(ServerMessage, tag="error"):
    """A message could not be carried out; ``ref`` is its ``ref`` or ``connection`` where it had one."""

    code: str
    message: str
    ref: str = ""


AnyServerMessage = (
    Welcome | Pong | Answer | RemoteCandidate | Resumed | OfferWanted | ViewEnded | Event | Reset | Overtaken | Fault
)

DECODER = msgspec.json.Decoder(AnyClientMessage)
ENCODER = msgspec.json.Encoder()
