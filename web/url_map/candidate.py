"""The candidate's side: one page, and what it asks."""

from typing import Final

from appliance.security.permission_map import Permission as P
from web import contexts
from web.schemas import check_in as hear
from web.schemas.hand_ins import HandInClaimed
from web.url_map.row import Row
from web.views import candidate, challenges, conversations, hand_ins

C = contexts.conversation

CANDIDATE: Final[list[Row]] = [
    Row("GET", "/sit", P.SITTING_ATTEND, candidate.page, name="sit", template="candidate/sit.html"),
    Row("GET", "/api/v1/sitting", P.SITTING_ATTEND, candidate.state),
    Row("POST", "/api/v1/sitting/consent", P.CHECK_IN_ANSWER, candidate.consent, hear.ConsentAnswer),
    Row("POST", "/api/v1/sitting/system-check", P.CHECK_IN_ANSWER, candidate.system_check, hear.SystemCheckReport),
    Row(
        "POST",
        "/api/v1/sitting/photos/{kind:face|document}",
        P.CHECK_IN_ANSWER,
        candidate.photo,
        limit=candidate.photo_limit,
    ),
    Row(
        "POST",
        "/api/v1/sitting/photos/{kind:face|document}/on-device",
        P.CHECK_IN_ANSWER,
        candidate.photo_judged,
        hear.PhotoJudged,
    ),
    Row(
        "POST",
        "/api/v1/sitting/{kind:liveness|gaze-calibration}",
        P.CHECK_IN_ANSWER,
        challenges.begin,
        hear.ChallengeBegun,
    ),
    Row(
        "POST",
        "/api/v1/sitting/challenges/{id}/steps/{step}",
        P.CHECK_IN_ANSWER,
        challenges.pictures,
        limit=challenges.batch_limit,
    ),
    Row(
        "POST",
        "/api/v1/sitting/{kind:liveness|gaze-calibration}/leave-out",
        P.CHECK_IN_ANSWER,
        challenges.leave_out,
    ),
    Row("POST", "/api/v1/sitting/waiting-room", P.CHECK_IN_ANSWER, candidate.waiting_room),
    Row("POST", "/api/v1/sitting/answers", P.EXAM_ANSWER, candidate.answer, hear.AnswerGiven),
    Row("POST", "/api/v1/sitting/finish", P.EXAM_ANSWER, candidate.finish),
    Row("POST", "/api/v1/sitting/warnings/{id}/seen", P.EXAM_ANSWER, candidate.warning_seen),
    Row("POST", "/api/v1/sitting/conversations/{id}/join", P.CONVERSATION_JOIN, conversations.join, None, C),
    Row("POST", "/api/v1/sitting/conversations/{id}/decline", P.CONVERSATION_JOIN, conversations.decline, None, C),
    Row("POST", "/api/v1/sitting/conversations/{id}/leave", P.CONVERSATION_JOIN, conversations.leave, None, C),
    Row("POST", "/api/v1/sitting/live-token", P.LIVE_CONNECT, candidate.live_token),
    Row("GET", "/api/v1/sitting/gaps", P.RECORDING_HAND_IN, hand_ins.gaps),
    Row("POST", "/api/v1/sitting/hand-ins", P.RECORDING_HAND_IN, hand_ins.begin, HandInClaimed),
    Row("GET", "/api/v1/sitting/hand-ins/{id}", P.RECORDING_HAND_IN, hand_ins.state),
    Row(
        "PUT",
        "/api/v1/sitting/hand-ins/{id}/chunks/{n}",
        P.RECORDING_HAND_IN,
        hand_ins.chunk,
        limit=hand_ins.chunk_limit,
    ),
    Row("POST", "/api/v1/sitting/hand-ins/{id}/complete", P.RECORDING_HAND_IN, hand_ins.complete),
]
"""Of one's own sitting only."""
