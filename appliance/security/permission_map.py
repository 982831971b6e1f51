"""Who may do what, and how far, as a table one can read. What a scope means for one thing or for a list of them is in
``scopes``; the same table stands in docs/security/permissions.md and on the page Access."""

from enum import StrEnum
from typing import Final, NamedTuple

from appliance.vocabulary import GrantedSight, Role, Scope


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
    SIGN_ON_EDIT = "sign_on.edit"
    """Identity providers of the company, and which of their groups has which role."""
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
    KEYS_VIEW = "keys.view"
    """The master key's generations, how much is under it, and the public keys; no secret."""
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
    ACCESS_VIEW = "access.view"
    """The matrix of permissions; of grants, approvals and API clients what concerns one."""
    ASSIGNMENT_EDIT = "assignment.edit"
    """Who works on which exam or sitting."""
    GRANT_GIVE = "grant.give"
    """Open faces or recordings to a support engineer for a ticket and some hours, and take it back."""
    API_CLIENT_EDIT = "api_client.edit"
    """Make API clients and revoke them."""
    APPROVAL_DECIDE = "approval.decide"
    """Agree, as the second person, to what a company lets nobody do alone, or refuse it."""
    FOUR_EYES_EDIT = "four_eyes.edit"
    """Which acts take two people."""
    API_DESCRIPTION = "api.description"
    """The OpenAPI description: which routes there are and what they want."""
    COMPLIANCE_VIEW = "compliance.view"
    """Measure by measure what is set, shown and proven; the export of settings."""
    PROFILE_EDIT = "profile.edit"
    """Put the company under another compliance profile."""
    RETENTION_VIEW = "retention.view"
    """Terms, what is deleted soon, holds, erasures and certificates; nobody's name."""
    RETENTION_EDIT = "retention.edit"
    """Terms of the company and its exams, within the profile's limits."""
    HOLD_PLACE = "hold.place"
    HOLD_RELEASE = "hold.release"
    PERSON_EXPORT = "person.export"
    """Find a person, and make up for them all that is stored of them."""
    PERSON_ERASE = "person.erase"
    ACCOUNT_OWN = "account.own"
    """One's own profile, log-ins and notices."""
    ACCOUNT_SECURE = "account.secure"
    """What one logs in with: password, authenticator, security keys, recovery codes."""
    ACCOUNT_PROVE = "account.prove"
    """Show again who is there: open even while the log-in is locked or has something to put in order."""
    NOTICE_ANSWER = "notice.answer"
    """See what must not pass unseen, such as a use of the emergency account, and take note of it."""


P = Permission


class Cells(NamedTuple):
    """How far one permission reaches for each role; None: not at all."""

    admin: Scope | None
    organiser: Scope | None
    proctor: Scope | None
    reviewer: Scope | None
    security_officer: Scope | None
    support: Scope | None
    auditor: Scope | None
    api_client: Scope | None
    """What an API client may be given at most; each has its own part of it."""
    candidate: Scope | None


_: Final = None
A, C, E, S, G, O = Scope.APPLIANCE, Scope.COMPANY, Scope.EXAM, Scope.SITTING, Scope.GRANTED, Scope.OWN  # noqa: E741

# A table is read by its columns.
# fmt: off
TABLE: Final[dict[Permission, Cells]] = {
    #                                  organiser   officer   API client
    #                            admin   proctor     support   candidate
    #                                      reviewer    auditor
    P.ROOM_VIEW:                 Cells(C, _, S, _, _, _, _, _, _),
    P.SITTING_LIST:              Cells(C, C, S, C, C, C, _, C, _),
    P.SITTING_VIEW:              Cells(C, C, S, C, C, C, _, C, _),
    P.SITTING_REVIEW:            Cells(C, C, S, C, _, G, _, C, _),
    P.SITTING_CLAIM:             Cells(C, _, S, _, _, _, _, _, _),
    P.SITTING_START:             Cells(C, _, S, _, _, _, _, _, _),
    P.SITTING_PAUSE:             Cells(C, _, S, _, _, _, _, _, _),
    P.SITTING_FINISH:            Cells(C, _, S, _, _, _, _, _, _),
    P.SITTING_REFUSE_IDENTITY:   Cells(C, _, S, _, _, _, _, _, _),
    P.PHOTO_REQUEST:             Cells(C, _, S, _, _, _, _, _, _),
    P.PHOTO_VIEW:                Cells(C, C, S, C, _, G, _, C, _),
    P.WARNING_SEND:              Cells(C, _, S, _, _, _, _, _, _),
    P.INCIDENT_MARK:             Cells(C, C, S, C, _, _, _, _, _),
    P.OBSERVATION_DECIDE:        Cells(C, C, S, C, _, _, _, _, _),
    P.CHAT_READ:                 Cells(C, C, S, C, _, _, _, C, O),
    P.CHAT_WRITE:                Cells(C, _, S, _, _, _, _, _, O),
    P.MEDIA_WATCH:               Cells(C, _, S, _, _, _, _, _, _),
    P.RECORDING_VIEW:            Cells(C, C, S, C, _, G, _, C, _),
    P.RECORDING_EXPORT:          Cells(C, C, _, C, _, _, _, C, _),
    P.CONCLUSION_GIVE:           Cells(C, C, S, C, _, _, _, _, _),
    P.AUDIT_READ:                Cells(C, _, _, _, C, _, C, C, _),
    P.EXAM_LIST:                 Cells(C, C, E, C, _, _, _, C, _),
    P.EXAM_EDIT:                 Cells(C, C, _, _, _, _, _, C, _),
    P.NETWORK_EDIT:              Cells(C, _, _, _, _, _, _, _, _),
    P.STAFF_LIST:                Cells(C, _, _, _, C, _, _, C, _),
    P.STAFF_EDIT:                Cells(C, _, _, _, _, _, _, _, _),
    P.SIGN_ON_EDIT:              Cells(C, _, _, _, _, _, _, _, _),
    P.SUPPORT_VIEW:              Cells(C, _, _, _, _, C, _, C, _),
    P.SUPPORT_CHECK:             Cells(C, _, _, _, _, C, _, _, _),
    P.NODE_VIEW:                 Cells(A, _, _, _, _, A, _, A, _),
    P.NODE_DRAIN:                Cells(A, _, _, _, _, A, _, _, _),
    P.LIVE_CONNECT:              Cells(C, C, C, C, _, C, _, _, O),
    P.SITTING_ATTEND:            Cells(_, _, _, _, _, _, _, _, O),
    P.CHECK_IN_ANSWER:           Cells(_, _, _, _, _, _, _, _, O),
    P.EXAM_ANSWER:               Cells(_, _, _, _, _, _, _, _, O),
    P.BIOMETRICS_VIEW:           Cells(C, _, _, _, C, _, C, C, _),
    P.BIOMETRICS_REVOKE:         Cells(C, _, _, _, C, _, _, _, _),
    P.KEYS_VIEW:                 Cells(A, _, _, _, A, _, A, _, _),
    P.ATTENTION_SWITCH:          Cells(C, _, _, _, _, _, _, _, _),
    P.CONVERSATION_HOLD:         Cells(C, _, S, _, _, _, _, _, _),
    P.CONVERSATION_JOIN:         Cells(C, C, C, C, _, _, _, _, O),
    P.MEDIA_PUBLISH:             Cells(_, _, _, _, _, _, _, _, O),
    P.RECORDING_HAND_IN:         Cells(_, _, _, _, _, _, _, _, O),
    P.ACCESS_VIEW:               Cells(C, C, C, C, C, C, C, _, _),
    P.ASSIGNMENT_EDIT:           Cells(C, C, _, _, _, _, _, _, _),
    P.GRANT_GIVE:                Cells(C, _, _, _, C, _, _, _, _),
    P.API_CLIENT_EDIT:           Cells(C, _, _, _, _, _, _, _, _),
    P.APPROVAL_DECIDE:           Cells(C, C, _, _, C, _, _, _, _),
    P.FOUR_EYES_EDIT:            Cells(C, _, _, _, C, _, _, _, _),
    P.API_DESCRIPTION:           Cells(A, A, A, A, A, A, A, A, _),
    P.COMPLIANCE_VIEW:           Cells(C, _, _, _, C, _, C, _, _),
    P.PROFILE_EDIT:              Cells(C, _, _, _, C, _, _, _, _),
    P.RETENTION_VIEW:            Cells(C, C, _, _, C, _, C, _, _),
    P.RETENTION_EDIT:            Cells(C, _, _, _, C, _, _, _, _),
    P.HOLD_PLACE:                Cells(C, _, _, _, C, _, _, _, _),
    P.HOLD_RELEASE:              Cells(C, _, _, _, C, _, _, _, _),
    P.PERSON_EXPORT:             Cells(C, _, _, _, C, _, _, _, _),
    P.PERSON_ERASE:              Cells(C, _, _, _, C, _, _, _, _),
    P.ACCOUNT_OWN:               Cells(O, O, O, O, O, O, O, _, _),
    P.ACCOUNT_SECURE:            Cells(O, O, O, O, O, O, O, _, _),
    P.ACCOUNT_PROVE:             Cells(O, O, O, O, O, O, O, _, _),
    P.NOTICE_ANSWER:             Cells(C, _, _, _, C, _, _, _, _),
}
# fmt: on
"""Every permission has a row. A new one: add it here, give it words in ``web/presenters/access.py``, and write
docs/security/permissions.md anew (``kustos permissions --markdown``)."""


def _column(name: str) -> frozenset[Permission]:
    return frozenset(permission for permission, cells in TABLE.items() if getattr(cells, name) is not None)


ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {role: _column(role.value) for role in Role}
"""What each role may do at all, somewhere."""

CANDIDATE_PERMISSIONS: Final = _column("candidate")
"""What a candidate may do within their own sitting."""

API_PERMISSIONS: Final = _column("api_client")
"""What an API client may be given."""

OPENED_BY: Final[dict[GrantedSight, frozenset[Permission]]] = {
    GrantedSight.FACES: frozenset({P.SITTING_REVIEW, P.PHOTO_VIEW}),
    GrantedSight.RECORDINGS: frozenset({P.SITTING_REVIEW, P.RECORDING_VIEW}),
}
"""What a grant for a ticket opens."""


DANGEROUS: Final = frozenset(
    {
        P.RECORDING_EXPORT,
        P.EXAM_EDIT,
        P.NETWORK_EDIT,
        P.STAFF_EDIT,
        P.SIGN_ON_EDIT,
        P.NODE_DRAIN,
        P.BIOMETRICS_REVOKE,
        P.ATTENTION_SWITCH,
        P.ACCOUNT_SECURE,
        P.GRANT_GIVE,
        P.API_CLIENT_EDIT,
        P.FOUR_EYES_EDIT,
        P.PROFILE_EDIT,
        P.RETENTION_EDIT,
        P.HOLD_RELEASE,
        P.PERSON_EXPORT,
        P.PERSON_ERASE,
    }
)
"""Acts (any method but GET) that want a second factor shown within ``settings.proof_minutes``."""


def permits(role: Role | None, permission: Permission) -> bool:
    """Return whether ``role`` may, somewhere; None is a candidate."""
    granted = CANDIDATE_PERMISSIONS if role is None else ROLE_PERMISSIONS[role]
    return permission in granted
