"""The staff's side: the live room, archive and review, exams, support."""

from typing import Final

from appliance.security.permission_map import Permission as P
from web import contexts
from web.schemas import audit as officer
from web.schemas import conversations as talk
from web.schemas import exams
from web.schemas import exports as take
from web.schemas import sign_on as via
from web.schemas import sittings as say
from web.url_map.row import OPEN, Row
from web.views import (
    administration,
    biometrics,
    challenges,
    conversations,
    findings,
    log_in,
    review,
    sign_on,
    sittings,
    support,
)
from web.views import audit as audited
from web.views import exports as exported
from web.views import staff_pages as pages

S = contexts.sitting
C = contexts.conversation
E = contexts.exam
LOG_IN: Final = "staff/login.html"

EXAMS: Final[list[Row]] = [
    Row("POST", "/logout", OPEN, log_in.log_out, name="logout", template="staff/logged_out.html"),
    Row("GET", "/sign-on/again", P.ACCOUNT_PROVE, sign_on.again, via.Start, template=LOG_IN),
    # pages
    Row("GET", "/room", P.ROOM_VIEW, pages.plain, name="room", template="staff/room.html"),
    Row(
        "GET",
        "/archive",
        P.SITTING_LIST,
        pages.archive,
        say.SittingsQuery,
        name="archive",
        template="staff/archive.html",
    ),
    Row("GET", "/sittings/{id}", P.SITTING_REVIEW, pages.review, None, S, "review", "staff/review.html"),
    Row("GET", "/exams", P.EXAM_LIST, pages.plain, name="exams", template="staff/exams.html"),
    Row("GET", "/staff", P.STAFF_LIST, pages.staff, name="staff", template="staff/people.html"),
    Row(
        "GET",
        "/support",
        P.SUPPORT_VIEW,
        support.page,
        say.SupportQuery,
        name="support",
        template="staff/support.html",
    ),
    Row(
        "GET",
        "/support/checks/{id}",
        P.SUPPORT_CHECK,
        support.check_page,
        None,
        contexts.check,
        "check",
        "staff/check.html",
    ),
    Row("GET", "/findings", P.SITTING_REVIEW, findings.page, name="findings", template="staff/findings.html"),
    Row("GET", "/network", P.NETWORK_EDIT, pages.plain, name="network", template="staff/network.html"),
    Row("GET", "/nodes", P.NODE_VIEW, pages.plain, name="nodes", template="staff/nodes.html"),
    Row(
        "GET",
        "/conference",
        P.CONVERSATION_JOIN,
        pages.plain,
        name="conference",
        template="staff/conference.html",
    ),
    Row(
        "GET",
        "/audit",
        P.AUDIT_READ,
        audited.page,
        officer.AuditSearch,
        name="audit",
        template="staff/audit.html",
    ),
    # the room
    Row("POST", "/api/v1/live-token", P.LIVE_CONNECT, sittings.live_token),
    Row("GET", "/api/v1/room", P.ROOM_VIEW, administration.room),
    Row("POST", "/api/v1/sittings/{id}/claim", P.SITTING_CLAIM, sittings.claim, None, S),
    Row("POST", "/api/v1/sittings/{id}/start", P.SITTING_START, sittings.start, None, S),
    Row("POST", "/api/v1/sittings/{id}/pause", P.SITTING_PAUSE, sittings.pause, say.Reason, S),
    Row("POST", "/api/v1/sittings/{id}/resume", P.SITTING_PAUSE, sittings.resume, None, S),
    Row(
        "POST",
        "/api/v1/sittings/{id}/refuse-identity",
        P.SITTING_REFUSE_IDENTITY,
        sittings.refuse_identity,
        say.Reason,
        S,
    ),
    Row("POST", "/api/v1/sittings/{id}/finish", P.SITTING_FINISH, sittings.finish, say.Finish, S),
    Row(
        "POST",
        "/api/v1/sittings/{id}/photos/{kind:face|document}/request",
        P.PHOTO_REQUEST,
        sittings.request_photo,
        None,
        S,
    ),
    Row("POST", "/api/v1/sittings/{id}/warnings", P.WARNING_SEND, sittings.warn, say.WarningSent, S),
    Row("POST", "/api/v1/observations/{id}/send", P.WARNING_SEND, sittings.send, None, contexts.observation),
    Row("GET", "/api/v1/sittings/{id}/messages", P.CHAT_READ, sittings.messages, None, S),
    Row("POST", "/api/v1/sittings/{id}/messages", P.CHAT_WRITE, sittings.send_message, say.MessageSent, S),
    # conversations
    Row("POST", "/api/v1/conversations", P.CONVERSATION_HOLD, conversations.begin, talk.ConversationOpened),
    Row("GET", "/api/v1/conversations", P.CONVERSATION_JOIN, conversations.mine),
    Row("GET", "/api/v1/colleagues", P.CONVERSATION_HOLD, conversations.colleagues),
    Row("POST", "/api/v1/conversations/{id}/join", P.CONVERSATION_JOIN, conversations.join, None, C),
    Row("POST", "/api/v1/conversations/{id}/decline", P.CONVERSATION_JOIN, conversations.decline, None, C),
    Row("POST", "/api/v1/conversations/{id}/leave", P.CONVERSATION_JOIN, conversations.leave, None, C),
    # archive and review
    Row("GET", "/api/v1/sittings", P.SITTING_LIST, sittings.archive_page, say.SittingsQuery),
    Row("GET", "/api/v1/sittings/{id}", P.SITTING_REVIEW, review.overview, None, S),
    Row("GET", "/api/v1/sittings/{id}/timeline", P.SITTING_REVIEW, review.timeline, None, S),
    Row("GET", "/api/v1/sittings/{id}/identity", P.SITTING_REVIEW, biometrics.identity, None, S),
    Row(
        "GET",
        "/api/v1/challenges/{id}/pictures/{number}",
        P.PHOTO_VIEW,
        challenges.evidence,
        None,
        contexts.challenge_picture,
    ),
    Row("GET", "/api/v1/photos/{id}/image", P.PHOTO_VIEW, review.photo, None, contexts.photo),
    Row("GET", "/api/v1/photos/{id}/document", P.PHOTO_VIEW, review.document, None, contexts.photo),
    Row(
        "GET",
        "/api/v1/observations/{id}/pictures/{number:1|2}",
        P.PHOTO_VIEW,
        review.picture,
        None,
        contexts.observation,
    ),
    Row("GET", "/api/v1/parts/{id}/media", P.RECORDING_VIEW, review.media, None, contexts.part),
    Row("POST", "/api/v1/sittings/{id}/played", P.RECORDING_VIEW, audited.played, officer.Played, S),
    Row("POST", "/api/v1/sittings/{id}/incidents", P.INCIDENT_MARK, sittings.mark, say.IncidentMarked, S),
    Row("POST", "/api/v1/incidents/{id}/withdraw", P.INCIDENT_MARK, sittings.withdraw, None, contexts.incident),
    Row(
        "POST",
        "/api/v1/observations/{id}/confirm",
        P.OBSERVATION_DECIDE,
        sittings.confirm,
        None,
        contexts.observation,
    ),
    Row(
        "POST",
        "/api/v1/observations/{id}/dismiss",
        P.OBSERVATION_DECIDE,
        sittings.dismiss,
        None,
        contexts.observation,
    ),
    Row("POST", "/api/v1/sittings/{id}/rescore", P.CONCLUSION_GIVE, sittings.rescore, None, S),
    Row("POST", "/api/v1/sittings/{id}/conclusion", P.CONCLUSION_GIVE, sittings.conclude, say.Concluded, S),
    # evidence handed over
    Row("GET", "/api/v1/sittings/{id}/exports", P.RECORDING_EXPORT, exported.listing, None, S),
    Row("POST", "/api/v1/sittings/{id}/exports", P.RECORDING_EXPORT, exported.ask, take.ExportWanted, S),
    Row("GET", "/api/v1/exports/{id}/file", P.RECORDING_EXPORT, exported.file, take.ExportFile, contexts.export),
    Row("DELETE", "/api/v1/exports/{id}", P.RECORDING_EXPORT, exported.delete, None, contexts.export),
    # administration
    Row("GET", "/api/v1/exams", P.EXAM_LIST, administration.list_exams),
    Row("POST", "/api/v1/exams/{id}/weights", P.EXAM_EDIT, administration.set_weights, exams.Weights, E),
    Row("POST", "/api/v1/exams/{id}/biometrics", P.EXAM_EDIT, biometrics.set_biometrics, exams.Biometrics, E),
    Row("GET", "/biometrics", P.BIOMETRICS_VIEW, pages.plain, name="biometrics", template="staff/biometrics.html"),
    Row("GET", "/api/v1/biometrics", P.BIOMETRICS_VIEW, biometrics.inventory),
    Row("GET", "/api/v1/biometrics/people", P.BIOMETRICS_VIEW, biometrics.people, exams.PeopleQuery),
    Row("POST", "/api/v1/biometrics/people/{id}/revoke", P.BIOMETRICS_REVOKE, biometrics.revoke, exams.Revoked),
    Row("POST", "/api/v1/biometrics/renew", P.BIOMETRICS_REVOKE, biometrics.renew),
]
"""What exams are held and judged with."""
