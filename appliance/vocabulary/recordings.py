"""Media nodes, and what is recorded and handed out."""

from enum import StrEnum


class Track(StrEnum):
    """A kind of recorded stream of one sitting."""

    CAMERA = "camera"
    SCREEN = "screen"
    AUX = "aux"


class NodeState(StrEnum):
    """Whether a media node takes sittings."""

    ACTIVE = "active"
    DRAINING = "draining"
    """It keeps what it has and takes nothing new."""
    RETIRED = "retired"
    """The settings no longer name it."""


class NodeSource(StrEnum):
    """Where a media node is known from."""

    SETTINGS = "settings"
    REGISTERED = "registered"


class PartState(StrEnum):
    """Life of one contiguous recording of a track."""

    RECORDING = "recording"
    STOPPED = "stopped"
    SEALED = "sealed"
    LOST = "lost"


class PartSource(StrEnum):
    """Who recorded a part: the media node, or the candidate's own browser, which handed it in afterwards."""

    NODE = "node"
    CANDIDATE = "candidate"


class HandInState(StrEnum):
    """Life of a recording that a candidate's browser hands in."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    """All bytes are here and their hash is right; the worker has not looked into it yet."""
    TAKEN = "taken"
    REFUSED = "refused"


class GapCause(StrEnum):
    """Why there is no evidence for a span of a running sitting."""

    NODE_LOST = "node_lost"
    NODE_DRAINED = "node_drained"
    """The sitting was moved, so that its media node can be restarted."""
    CONNECTION_LOST = "connection_lost"
    SHARE_STOPPED = "share_stopped"
    CAMERA_STOPPED = "camera_stopped"
    RECORDER_FAILED = "recorder_failed"
    RECORDER_STALLED = "recorder_stalled"
    DISK_FULL = "disk_full"
    PAGE_CLOSED = "page_closed"
    UNKNOWN = "unknown"


class ExportState(StrEnum):
    """Life of an export; ``deleted`` after its time, or when somebody took it back."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"


class ExportContent(StrEnum):
    """What an export may hold besides its manifest."""

    CAMERA = "camera"
    """The camera's parts as one film, packet by packet."""
    SCREEN = "screen"
    SIDE_BY_SIDE = "side_by_side"
    """Both in one picture with clock and gaps, encoded anew."""
    ORIGINALS = "originals"
    """The parts byte by byte as they were sealed."""


class ExportContainer(StrEnum):
    """File format of what is encoded anew."""

    WEBM = "webm"
    MP4 = "mp4"


class DiskState(StrEnum):
    """What the forecast of the disks says."""

    OK = "ok"
    TIGHT = "tight"
    """What is admitted will fit; somebody should make room."""
    CLOSED = "closed"
    """No new sitting is admitted, so that those that run will fit."""


class IcePolicy(StrEnum):
    """Which candidates a browser may use (W3C's RTCIceTransportPolicy)."""

    ALL = "all"
    RELAY = "relay"
    """Only through a TURN server: for networks that let nothing else out, or addresses that nobody may learn."""
