"""Who may do what, as a table one can read; where (which company, which sitting) is in ``predicates``."""

from enum import StrEnum

from appliance.vocabulary import Role


class Permission(StrEnum):
    """Everything that a route, a socket message or a page may ask for."""

    ROOM_VIEW = "room.view"
    """The live room: tiles, feed."""
    SITTING_LIST = "sitting.list"
    """The table of sittings, without faces."""
    SITTING_VIEW = "sitting.view"
    """One sitting's summary, without faces."""
    SITTING_REVIEW = "sitting.review"
    """Timeline, faces, photos' verdicts, score."""
    SITTING_CLAIM = "sitting.claim"
    SITTING_START = "sitting.start"
    SITTING_PAUSE = "sitting.pause"
    SITTING_FINISH = "sitting.finish"
    SITTING_REFUSE_IDENTITY = "sitting.refuse_identity"
    PHOTO_REQUEST = "photo.request"
    PHOTO_VIEW = "photo.view"
    WARNING_SEND = "warning.send"
    INCIDENT_MARK = "incident.mark"
    OBSERVATION_DECIDE = "observation.decide"
    CHAT_READ = "chat.read"
    CHAT_WRITE = "chat.write"
    MEDIA_WATCH = "media.watch"
    """Camera and screen as they are sent."""
    RECORDING_VIEW = "recording.view"
    RECORDING_EXPORT = "recording.export"
    """Take evidence out of the house: make, fetch and delete exports. Not for proctors, who only watch, and not for
    the security officer, who checks an export without seeing inside."""
    CONCLUSION_GIVE = "conclusion.give"
    AUDIT_READ = "audit.read"
    EXAM_LIST = "exam.list"
    EXAM_EDIT = "exam.edit"
    """Weights and thresholds; scores are computed anew."""
    NETWORK_EDIT = "network.edit"
    """ICE policy and TURN servers of the company."""
    STAFF_LIST = "staff.list"
    STAFF_EDIT = "staff.edit"
    """Make accounts."""
    SUPPORT_VIEW = "support.view"
    """Stages and media of sittings, without faces."""
    SUPPORT_CHECK = "support.check"
    """Check a sitting's path or the appliance; the bundle for the ticket holds addresses and session descriptions."""
    NODE_VIEW = "node.view"
    """Media nodes and gateways of the whole appliance: load, trend, stray files."""
    NODE_DRAIN = "node.drain"
    """Take a media node out of use for a restart, and into use again."""
    LIVE_CONNECT = "live.connect"
    """Open a socket."""
    SITTING_ATTEND = "sitting.attend"
    """A candidate's own: the page and state of the sitting, over or not."""
    CHECK_IN_ANSWER = "check_in.answer"
    """A candidate's own: consent, system check, photos, waiting room."""
    EXAM_ANSWER = "exam.answer"
    """A candidate's own: answers, warnings seen, finish."""
    BIOMETRICS_VIEW = "biometrics.view"
    """What is stored of faces, where, under which key, of whom; never a face."""
    BIOMETRICS_REVOKE = "biometrics.revoke"
    """Make a person's templates unreadable, or protect all anew."""
    ATTENTION_SWITCH = "attention.switch"
    """Say whether anything may judge emotion or engagement in this organisation."""
    CONVERSATION_HOLD = "conversation.hold"
    """Call a candidate, speak to many, ask colleagues into a conference."""
    CONVERSATION_JOIN = "conversation.join"
    """Take part in a conversation one was asked into."""
    MEDIA_PUBLISH = "media.publish"
    """A candidate's own camera and screen."""
    RECORDING_HAND_IN = "recording.hand_in"
    """A candidate's own: what the browser recorded while the connection was lost, also after the exam."""


_P = Permission

_SEE = frozenset({_P.SITTING_LIST, _P.SITTING_VIEW, _P.EXAM_LIST})
"""Sittings and exams by name, without faces."""

_JUDGE = frozenset(
    {
        _P.SITTING_REVIEW,
        _P.PHOTO_VIEW,
        _P.RECORDING_VIEW,
        _P.CHAT_READ,
        _P.INCIDENT_MARK,
        _P.OBSERVATION_DECIDE,
        _P.CONCLUSION_GIVE,
        _P.LIVE_CONNECT,
        _P.CONVERSATION_JOIN,
    }
)
"""Everything that a conclusion is founded on, and a seat in the commission that gives it."""

_WATCH = frozenset(
    {
        _P.ROOM_VIEW,
        _P.LIVE_CONNECT,
        _P.MEDIA_WATCH,
        _P.SITTING_CLAIM,
        _P.SITTING_START,
        _P.SITTING_PAUSE,
        _P.SITTING_FINISH,
        _P.SITTING_REFUSE_IDENTITY,
        _P.PHOTO_REQUEST,
        _P.WARNING_SEND,
        _P.CHAT_WRITE,
        _P.CONVERSATION_HOLD,
        _P.CONVERSATION_JOIN,
    }
)
"""The work of the live room."""

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: _SEE
    | _JUDGE
    | _WATCH
    | {
        _P.RECORDING_EXPORT,
        _P.EXAM_EDIT,
        _P.NETWORK_EDIT,
        _P.STAFF_LIST,
        _P.STAFF_EDIT,
        _P.SUPPORT_VIEW,
        _P.SUPPORT_CHECK,
        _P.NODE_VIEW,
        _P.NODE_DRAIN,
        _P.AUDIT_READ,
        _P.BIOMETRICS_VIEW,
        _P.BIOMETRICS_REVOKE,
        _P.ATTENTION_SWITCH,
    },
    Role.ORGANISER: _SEE | _JUDGE | {_P.RECORDING_EXPORT, _P.EXAM_EDIT},
    Role.PROCTOR: _SEE | _JUDGE | _WATCH,
    Role.REVIEWER: _SEE | _JUDGE | {_P.RECORDING_EXPORT},
    Role.SECURITY_OFFICER: frozenset(
        {
            _P.AUDIT_READ,
            _P.STAFF_LIST,
            _P.SITTING_LIST,
            _P.SITTING_VIEW,
            _P.BIOMETRICS_VIEW,
            _P.BIOMETRICS_REVOKE,
        }
    ),
    Role.SUPPORT: frozenset(
        {
            _P.SUPPORT_VIEW,
            _P.SUPPORT_CHECK,
            _P.NODE_VIEW,
            _P.NODE_DRAIN,
            _P.SITTING_LIST,
            _P.SITTING_VIEW,
            _P.LIVE_CONNECT,
        }
    ),
    Role.AUDITOR: frozenset({_P.AUDIT_READ, _P.BIOMETRICS_VIEW}),
}
"""What each role may do within its company."""

CANDIDATE_PERMISSIONS = frozenset(
    {
        _P.SITTING_ATTEND,
        _P.CHECK_IN_ANSWER,
        _P.EXAM_ANSWER,
        _P.MEDIA_PUBLISH,
        _P.RECORDING_HAND_IN,
        _P.LIVE_CONNECT,
        _P.CHAT_READ,
        _P.CHAT_WRITE,
        _P.CONVERSATION_JOIN,
    }
)
"""What a candidate may do within their own sitting."""


def permits(role: Role | None, permission: Permission) -> bool:
    """Return whether ``role`` may; None is a candidate."""
    granted = CANDIDATE_PERMISSIONS if role is None else ROLE_PERMISSIONS[role]
    return permission in granted
