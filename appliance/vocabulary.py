"""The words of the domain as enumerations: one spelling for code, database, socket and pages."""

from enum import StrEnum


class Role(StrEnum):
    """What a member of staff may be; the permissions of each stand in ``appliance.security.permission_map``."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    PROCTOR = "proctor"
    REVIEWER = "reviewer"
    SECURITY_OFFICER = "security_officer"
    SUPPORT = "support"
    AUDITOR = "auditor"


class ExamMode(StrEnum):
    """Who decides, and when."""

    AUTO = "auto"
    OFFLINE = "offline"
    ONLINE = "online"
    IDENTIFICATION = "identification"


class SittingState(StrEnum):
    """States of one candidate's attempt; the steps between them are in ``appliance.sitting_machine``."""

    CREATED = "created"
    SCHEDULED = "scheduled"
    CHECK_IN = "check_in"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    CONCLUDED = "concluded"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    IDENTITY_REFUSED = "identity_refused"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


class Conclusion(StrEnum):
    """What a named person concluded of a sitting."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUSPICIOUS = "suspicious"
    NOT_REVIEWED = "not_reviewed"


class FinishedBy(StrEnum):
    """Who or what ended the exam."""

    CANDIDATE = "candidate"
    PROCTOR = "proctor"
    CLOCK = "clock"
    APPLIANCE = "appliance"
    """The exam's own rule, such as another person in the candidate's place."""


class CheckInStep(StrEnum):
    """The steps of the check-in, in their order."""

    CONSENT = "consent"
    SYSTEM_CHECK = "system_check"
    FACE_PHOTO = "face_photo"
    DOCUMENT_PHOTO = "document_photo"
    LIVENESS = "liveness"
    GAZE_CALIBRATION = "gaze_calibration"
    WAITING_ROOM = "waiting_room"


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


class PhotoKind(StrEnum):
    """Photos taken at the check-in."""

    FACE = "face"
    DOCUMENT = "document"


class PhotoState(StrEnum):
    """Life of a check-in photo; ``superseded`` after a newer one was handed in."""

    SUBMITTED = "submitted"
    RETAKE_REQUESTED = "retake_requested"
    SUPERSEDED = "superseded"


class PhotoSource(StrEnum):
    """Where a check-in photo was judged, and whether there is a picture."""

    UPLOADED = "uploaded"
    ON_DEVICE = "on_device"
    """By the candidate's own browser, which kept the picture: only its word is here."""


class IdentityVerdict(StrEnum):
    """What the comparison of two faces said."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNDETERMINED = "undetermined"


class BiometricsMode(StrEnum):
    """Where an exam's faces and voices are looked at."""

    SERVER = "server"
    """By the appliance's workers; a template of the face is made."""
    ON_DEVICE = "on_device"
    """In the candidate's own browser: only findings and figures leave it, the camera is not sent."""
    NONE = "none"
    """Nobody's face is measured: no template is ever made; presence and number of people are still seen."""


class ChallengeKind(StrEnum):
    """What a check-in asks the candidate to do before the camera."""

    LIVENESS = "liveness"
    GAZE_CALIBRATION = "gaze_calibration"


class Movement(StrEnum):
    """Movements of the liveness challenge; left and right are the candidate's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    BLINK = "blink"
    NOD = "nod"


class ChallengeState(StrEnum):
    """Where a try at a challenge stands."""

    OPEN = "open"
    """Pictures are taken in."""
    JUDGING = "judging"
    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    """The pictures did not allow a judgement."""
    PERSON_ASKED = "person_asked"
    """The candidate asked for a person instead; no try was judged."""
    SKIPPED = "skipped"
    ABANDONED = "abandoned"
    """The time ran out, or another try was begun."""


class IdentityAction(StrEnum):
    """What the appliance does by itself when the face in the picture is not the candidate's."""

    NOTE = "note"
    WARN = "warn"
    PAUSE = "pause"
    STOP = "stop"


class IdentityCheckKind(StrEnum):
    """What a face photo or a document was held against."""

    DOCUMENT = "document"
    """The portrait on the document against the face photo."""
    ENROLLED = "enrolled"
    """The face photo against the faces of earlier sittings."""
    SIMILAR = "similar"
    """The face photo against all other people's of the company."""


class IdentityColour(StrEnum):
    """What the faces of a sitting say, at a glance."""

    GREEN = "green"
    """They match."""
    YELLOW = "yellow"
    """They match, but other profiles look alike."""
    RED = "red"
    """They do not match."""
    GREY = "grey"
    """Could not be told, or nothing is compared."""


class ObservationSource(StrEnum):
    """Who saw it."""

    DETECTOR = "detector"
    BROWSER = "browser"
    ON_DEVICE = "on_device"
    """The same detectors, run by the candidate's own browser: as trustworthy as that browser."""
    HUMAN = "human"


class Decision(StrEnum):
    """What a person said of an observation."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class ObservationType(StrEnum):
    """Codes of what can be seen, heard or marked; technical ones never lower the score."""

    EXTRA_USER_IN_FRAME = "extra_user_in_frame"
    SUBSTITUTION_USER = "substitution_user"
    NO_USER_IN_FRAME = "no_user_in_frame"
    AVERT_EYES = "avert_eyes"
    CHANGE_ACTIVE_WINDOW_ON_COMPUTER = "change_active_window_on_computer"
    FULL_SCREEN_LEFT = "full_screen_left"
    CLIPBOARD = "clipboard"
    VOICE_DETECTED = "voice_detected"
    TALK = "talk"
    FORBIDDEN_SOFTWARE = "forbidden_software"
    FORBIDDEN_DEVICE = "forbidden_device"
    PHONE = "phone"
    PHONE_SCREEN = "phone_screen"
    BOOKS = "books"
    EXTRA_DISPLAY = "extra_display"
    CHEATER = "cheater"
    NONVERBAL = "nonverbal"
    TIMEOUT = "timeout"
    MIC_MUTED = "mic_muted"
    MIC_NO_SOUND = "mic_no_sound"
    MIC_NO_DEVICE_CONNECTED = "mic_no_device_connected"
    CAMERA_NO_PICTURE = "camera_no_picture"
    CAMERA_NO_DEVICE_CONNECTED = "camera_no_device_connected"
    DESKTOP_REQUEST_PENDING = "desktop_request_pending"
    NO_PING = "no_ping"
    VIRTUAL_MACHINE = "virtual_machine"
    UNDETERMINED = "undetermined"


TECHNICAL_TYPES = frozenset(
    {
        ObservationType.TIMEOUT,
        ObservationType.MIC_MUTED,
        ObservationType.MIC_NO_SOUND,
        ObservationType.MIC_NO_DEVICE_CONNECTED,
        ObservationType.CAMERA_NO_PICTURE,
        ObservationType.CAMERA_NO_DEVICE_CONNECTED,
        ObservationType.DESKTOP_REQUEST_PENDING,
        ObservationType.NO_PING,
        ObservationType.VIRTUAL_MACHINE,
        ObservationType.UNDETERMINED,
    }
)
"""Faults of machines and doubts: shown and counted, never scored."""

BROWSER_TYPES = frozenset(
    {
        ObservationType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER,
        ObservationType.FULL_SCREEN_LEFT,
        ObservationType.CLIPBOARD,
        ObservationType.EXTRA_DISPLAY,
        ObservationType.MIC_MUTED,
        ObservationType.MIC_NO_SOUND,
        ObservationType.MIC_NO_DEVICE_CONNECTED,
        ObservationType.CAMERA_NO_DEVICE_CONNECTED,
        ObservationType.DESKTOP_REQUEST_PENDING,
        ObservationType.VIRTUAL_MACHINE,
    }
)
"""What a candidate's browser may report of itself."""

ON_DEVICE_TYPES = frozenset(
    {
        ObservationType.EXTRA_USER_IN_FRAME,
        ObservationType.SUBSTITUTION_USER,
        ObservationType.NO_USER_IN_FRAME,
        ObservationType.AVERT_EYES,
        ObservationType.VOICE_DETECTED,
        ObservationType.TALK,
        ObservationType.CAMERA_NO_PICTURE,
        ObservationType.MIC_NO_SOUND,
        ObservationType.UNDETERMINED,
    }
)
"""What the analysis in a candidate's browser may find, in exams that ask for it."""

WARNING_TYPES = (
    ObservationType.EXTRA_USER_IN_FRAME,
    ObservationType.SUBSTITUTION_USER,
    ObservationType.NO_USER_IN_FRAME,
    ObservationType.AVERT_EYES,
    ObservationType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER,
    ObservationType.VOICE_DETECTED,
    ObservationType.FORBIDDEN_SOFTWARE,
    ObservationType.FORBIDDEN_DEVICE,
    ObservationType.BOOKS,
    ObservationType.PHONE,
    ObservationType.CHEATER,
)
"""What a proctor or reviewer may mark or send by hand, in the order of the menu."""


class IcePolicy(StrEnum):
    """Which candidates a browser may use (W3C's RTCIceTransportPolicy)."""

    ALL = "all"
    RELAY = "relay"
    """Only through a TURN server: for networks that let nothing else out, or addresses that nobody may learn."""


class ConversationKind(StrEnum):
    """Who sends in a conversation, and who hears."""

    CALL = "call"
    """Host and one candidate; the candidate's camera and microphone are sent already."""
    BROADCAST = "broadcast"
    """The host speaks to many candidates; none hears another."""
    CONFERENCE = "conference"
    """A commission: everybody sends, everybody sees and hears everybody else."""


class SeatState(StrEnum):
    """What somebody made of the invitation to a conversation."""

    INVITED = "invited"
    JOINED = "joined"
    DECLINED = "declined"
    LEFT = "left"


class ChatAuthor(StrEnum):
    """Which side wrote a chat message."""

    CANDIDATE = "candidate"
    PROCTOR = "proctor"
    SYSTEM = "system"


class ChatKind(StrEnum):
    """An ``incident`` message blocks the exam's content until a normal one follows."""

    MESSAGE = "message"
    INCIDENT = "incident"
