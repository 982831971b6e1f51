"""The whole URL map on one page: whose route, method, address, permission, view, and what a request may say."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from appliance.security.permission_map import Permission as P
from web import contexts
from web.policy import Side
from web.schemas import access as permits
from web.schemas import accounts, exams, integration, networks
from web.schemas import audit as officer
from web.schemas import check_in as hear
from web.schemas import compliance as rules
from web.schemas import conversations as talk
from web.schemas import exports as take
from web.schemas import nodes as node_words
from web.schemas import retention as keep
from web.schemas import sign_on as via
from web.schemas import sittings as say
from web.schemas.hand_ins import HandInClaimed
from web.services import Request
from web.views import (
    access,
    administration,
    attention,
    biometrics,
    candidate,
    challenges,
    compliance,
    conversations,
    demo,
    findings,
    hand_ins,
    identity_providers,
    keys,
    lms,
    log_in,
    me,
    network,
    nodes,
    open,
    review,
    sign_on,
    sittings,
    staff,
    support,
)
from web.views import audit as audited
from web.views import exports as exported
from web.views import retention as kept
from web.views import staff_pages as pages

OPEN: Final = None
"""In the column of permissions: anybody may; the view itself checks what it is given, or there is no secret."""


@dataclass(frozen=True, slots=True)
class Row:
    """One method of one address."""

    method: str
    pattern: str
    permission: P | None
    view: Callable[..., Any]
    schema: type[msgspec.Struct] | None = None
    context: Callable[[Request], Any] | None = None
    """What the route is about; by default a candidate's own sitting, or nothing."""
    name: str = ""
    """For links; by default the pattern."""
    template: str = ""
    """For pages; without one the answer is JSON or the view's own."""
    limit: Callable[[Request], int] | None = None
    """Largest body in bytes; by default ``guards.BODY_BYTES``."""

    @property
    def route_name(self) -> str:
        """Return Pyramid's name of the route."""
        return self.name or self.pattern


S = contexts.sitting
C = contexts.conversation
LOG_IN: Final = "staff/login.html"
FACTOR: Final = "staff/second_factor.html"
E = contexts.exam

# fmt: off - a table is read by its columns
ROUTES: Final[dict[Side, list[Row]]] = {
    Side.OPEN: [
        Row("GET", "/", OPEN, open.home, name="home"),
        Row("GET", "/healthz", OPEN, open.health),
        Row("GET", "/i18n/{lang}.json", OPEN, open.catalogue),
        Row("GET", "/login", OPEN, log_in.form, accounts.NextPage, name="login", template="staff/login.html"),
        Row("POST", "/login", OPEN, log_in.log_in, accounts.LogIn, name="login", template="staff/login.html"),
        Row("POST", "/api/v1/login/key", OPEN, log_in.key_options, accounts.WhoseKey),
        Row("GET", "/join", OPEN, log_in.join, name="join", template="staff/join.html"),
        Row("POST", "/api/v1/join", OPEN, log_in.link, accounts.OneTimeLink),
        Row("POST", "/api/v1/join/accept", OPEN, log_in.accept, accounts.LinkFollowed),
        # single sign-on
        Row("GET", "/sign-on/{id:[0-9]+}/start", OPEN, sign_on.start, via.Start, None, "sign_on.start", LOG_IN),
        Row("GET", "/sign-on/{id:[0-9]+}/callback", OPEN, sign_on.callback, via.Callback, template=LOG_IN),
        Row("POST", "/sign-on/{id:[0-9]+}/log-in", OPEN, sign_on.log_in, via.DirectoryLogIn, template=LOG_IN),
        Row("GET", "/sign-on/factor", OPEN, sign_on.factor, None, None, "sign_on.factor", FACTOR),
        Row("POST", "/sign-on/factor", OPEN, sign_on.show_factor, via.FactorShown, None, "sign_on.factor", FACTOR),
        Row("GET", "/demo", OPEN, demo.page, name="demo", template="demo.html"),
        Row("GET", "/demo/codes", OPEN, demo.codes, name="demo.codes"),
        Row("POST", "/demo/sit", OPEN, demo.sit, accounts.DemoSitting),
    ],
    Side.LMS: [
        Row("GET", "/integration/simple/{company}/start/", OPEN, lms.start, integration.Start, name="lms.start"),
        Row("POST", "/integration/simple/{company}/start/", OPEN, lms.start, integration.Start, name="lms.start"),
        Row("GET", "/api/v2/integration/simple/{company}/sessions/{id}/status/", OPEN, lms.status),
        Row("POST", "/api/v2/integration/simple/{company}/sessions/{id}/finish/", OPEN, lms.finish),
        Row(
            "POST",
            "/sign-on/{id:[0-9]+}/back-channel-logout",
            OPEN,
            sign_on.logged_out_there,
            via.LoggedOutThere,
        ),
    ],
    Side.CANDIDATE: [
        Row("GET", "/sit", P.SITTING_ATTEND, candidate.page, name="sit", template="candidate/sit.html"),
        Row("GET", "/api/v1/sitting", P.SITTING_ATTEND, candidate.state),
        Row("POST", "/api/v1/sitting/consent", P.CHECK_IN_ANSWER, candidate.consent, hear.ConsentAnswer),
        Row(
            "POST", "/api/v1/sitting/system-check", P.CHECK_IN_ANSWER, candidate.system_check, hear.SystemCheckReport
        ),
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
        Row(
            "POST", "/api/v1/sitting/conversations/{id}/decline", P.CONVERSATION_JOIN, conversations.decline, None, C
        ),
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
    ],
    Side.STAFF: [
        Row("POST", "/logout", OPEN, log_in.log_out, name="logout", template="staff/logged_out.html"),
        Row("GET", "/sign-on/again", P.ACCOUNT_PROVE, sign_on.again, via.Start, template=LOG_IN),
        # one's own account
        Row("GET", "/account", P.ACCOUNT_OWN, me.page, accounts.NextPage, None, "account", "staff/account.html"),
        Row("GET", "/locked", P.ACCOUNT_PROVE, me.locked, accounts.NextPage, None, "locked", "staff/locked.html"),
        Row("GET", "/api/v1/me", P.ACCOUNT_OWN, me.show),
        Row("POST", "/api/v1/me/active", P.ACCOUNT_OWN, me.active),
        Row("POST", "/api/v1/me/language", P.ACCOUNT_OWN, me.language, accounts.Language),
        Row("POST", "/api/v1/me/sessions/end-others", P.ACCOUNT_OWN, me.end_other_sessions),
        Row("POST", "/api/v1/me/sessions/{id}/end", P.ACCOUNT_OWN, me.end_session),
        Row("POST", "/api/v1/me/password", P.ACCOUNT_SECURE, me.password, accounts.NewPassword),
        Row("POST", "/api/v1/me/authenticator", P.ACCOUNT_SECURE, me.set_up_authenticator),
        Row(
            "POST", "/api/v1/me/authenticator/confirm", P.ACCOUNT_SECURE, me.confirm_authenticator, accounts.FirstCode
        ),
        Row("DELETE", "/api/v1/me/authenticator", P.ACCOUNT_SECURE, me.remove_authenticator),
        Row("POST", "/api/v1/me/keys/options", P.ACCOUNT_SECURE, me.key_options),
        Row("POST", "/api/v1/me/keys", P.ACCOUNT_SECURE, me.add_key, accounts.NewKey),
        Row("DELETE", "/api/v1/me/keys/{id}", P.ACCOUNT_SECURE, me.remove_key),
        Row("POST", "/api/v1/me/recovery-codes", P.ACCOUNT_SECURE, me.new_recovery_codes),
        Row("POST", "/api/v1/me/proof/options", P.ACCOUNT_PROVE, me.proof_options),
        Row("POST", "/api/v1/me/proof", P.ACCOUNT_PROVE, me.prove, accounts.Proof),
        Row("POST", "/api/v1/me/lock", P.ACCOUNT_PROVE, me.lock, accounts.Lock),
        Row("POST", "/api/v1/me/unlock", P.ACCOUNT_PROVE, me.unlock, accounts.Unlock),
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
        # single sign-on
        Row(
            "GET",
            "/sign-on",
            P.SIGN_ON_EDIT,
            identity_providers.page,
            name="sign_on",
            template="staff/sign_on.html",
        ),
        Row("GET", "/api/v1/sign-on", P.SIGN_ON_EDIT, identity_providers.show),
        Row("POST", "/api/v1/sign-on/providers", P.SIGN_ON_EDIT, identity_providers.add, via.NewProvider),
        Row("POST", "/api/v1/sign-on/order", P.SIGN_ON_EDIT, identity_providers.arrange, via.ProviderOrder),
        Row("POST", "/api/v1/sign-on/providers/{id}", P.SIGN_ON_EDIT, identity_providers.change, via.ProviderChange),
        Row("DELETE", "/api/v1/sign-on/providers/{id}", P.SIGN_ON_EDIT, identity_providers.remove),
        Row("POST", "/api/v1/sign-on/providers/{id}/test", P.SIGN_ON_EDIT, identity_providers.test, via.ProviderTest),
        Row(
            "POST",
            "/api/v1/sign-on/local-passwords",
            P.SIGN_ON_EDIT,
            identity_providers.set_local_passwords,
            via.PasswordPolicy,
        ),
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
        Row(
            "GET", "/biometrics", P.BIOMETRICS_VIEW, pages.plain, name="biometrics", template="staff/biometrics.html"
        ),
        Row("GET", "/api/v1/biometrics", P.BIOMETRICS_VIEW, biometrics.inventory),
        Row("GET", "/api/v1/biometrics/people", P.BIOMETRICS_VIEW, biometrics.people, exams.PeopleQuery),
        Row("POST", "/api/v1/biometrics/people/{id}/revoke", P.BIOMETRICS_REVOKE, biometrics.revoke, exams.Revoked),
        Row("POST", "/api/v1/biometrics/renew", P.BIOMETRICS_REVOKE, biometrics.renew),
        # terms, holds, and one person's rights
        Row("GET", "/retention", P.RETENTION_VIEW, pages.plain, name="retention", template="staff/retention.html"),
        Row(
            "GET",
            "/retention/certificates/{id}",
            P.RETENTION_VIEW,
            kept.certificate_page,
            name="certificate",
            template="staff/certificate.html",
        ),
        Row("GET", "/api/v1/retention", P.RETENTION_VIEW, kept.show),
        Row("GET", "/api/v1/retention/soon", P.RETENTION_VIEW, kept.soon, keep.SoonQuery),
        Row("POST", "/api/v1/retention/terms", P.RETENTION_EDIT, kept.set_term, keep.TermSet),
        Row("POST", "/api/v1/retention/terms/drop", P.RETENTION_EDIT, kept.drop_term, keep.TermDropped),
        Row("POST", "/api/v1/retention/holds", P.HOLD_PLACE, kept.place_hold, keep.HoldPlaced),
        Row("POST", "/api/v1/retention/holds/{id}/release", P.HOLD_RELEASE, kept.release_hold, keep.HoldReleased),
        Row("GET", "/api/v1/retention/people", P.PERSON_EXPORT, kept.people, keep.PersonQuery),
        Row("POST", "/api/v1/retention/people/{id}/erase", P.PERSON_ERASE, kept.erase, keep.PersonErased),
        Row("POST", "/api/v1/retention/people/{id}/export", P.PERSON_EXPORT, kept.export, keep.PersonExported),
        Row("GET", "/api/v1/retention/person-exports/{id}/file", P.PERSON_EXPORT, kept.export_file),
        Row("DELETE", "/api/v1/retention/person-exports/{id}", P.PERSON_EXPORT, kept.delete_export),
        Row("GET", "/api/v1/retention/certificates/{id}/content", P.RETENTION_VIEW, kept.certificate_content),
        Row("GET", "/api/v1/retention/certificates/{id}/signature", P.RETENTION_VIEW, kept.certificate_signature),
        Row("GET", "/api/v1/retention/papers/{name:record|dpia}", P.COMPLIANCE_VIEW, kept.paper, keep.PaperQuery),
        Row("GET", "/keys", P.KEYS_VIEW, keys.page, name="keys", template="staff/keys.html"),
        Row("GET", "/api/v1/keys/{name:evidence|audit}.pem", P.KEYS_VIEW, keys.public_key),
        Row("GET", "/api/v1/attention", P.BIOMETRICS_VIEW, attention.show),
        Row("POST", "/api/v1/attention", P.ATTENTION_SWITCH, attention.switch, exams.AttentionSwitched),
        Row("GET", "/api/v1/network", P.NETWORK_EDIT, network.show),
        Row("POST", "/api/v1/network", P.NETWORK_EDIT, network.change, networks.NetworkChange),
        Row("GET", "/api/v1/staff", P.STAFF_LIST, administration.list_staff),
        Row("POST", "/api/v1/staff", P.STAFF_EDIT, staff.invite, accounts.NewPerson),
        Row("POST", "/api/v1/staff/{id}/link", P.STAFF_EDIT, staff.link, accounts.LinkWanted),
        Row("POST", "/api/v1/staff/{id}/role", P.STAFF_EDIT, staff.change_role, accounts.NewRole),
        Row("POST", "/api/v1/staff/{id}/disable", P.STAFF_EDIT, staff.disable),
        Row("POST", "/api/v1/staff/{id}/enable", P.STAFF_EDIT, staff.enable),
        Row("POST", "/api/v1/staff/{id}/unlock", P.STAFF_EDIT, staff.unlock),
        Row("POST", "/api/v1/staff/{id}/end-sessions", P.STAFF_EDIT, staff.end_sessions),
        Row("GET", "/api/v1/notices", P.NOTICE_ANSWER, staff.notices_open),
        Row("POST", "/api/v1/notices/{id}/note", P.NOTICE_ANSWER, staff.note),
        Row("GET", "/api/v1/support/sittings", P.SUPPORT_VIEW, support.listing, say.SupportQuery),
        Row("POST", "/api/v1/support/check", P.SUPPORT_CHECK, support.check_appliance),
        Row("POST", "/api/v1/support/sittings/{id}/check", P.SUPPORT_CHECK, support.check_sitting, None, S),
        Row("GET", "/api/v1/support/checks/{id}", P.SUPPORT_CHECK, support.check, None, contexts.check),
        Row("GET", "/api/v1/support/checks/{id}/text", P.SUPPORT_CHECK, support.text, None, contexts.check),
        Row("GET", "/api/v1/support/checks/{id}/bundle", P.SUPPORT_CHECK, support.bundle, None, contexts.check),
        Row("GET", "/api/v1/nodes", P.NODE_VIEW, nodes.listing),
        Row("POST", "/api/v1/nodes/{id}/drain", P.NODE_DRAIN, nodes.drain, node_words.Drain),
        Row("POST", "/api/v1/nodes/{id}/resume", P.NODE_DRAIN, nodes.resume),
        Row(
            "GET",
            "/compliance",
            P.COMPLIANCE_VIEW,
            pages.plain,
            name="compliance",
            template="staff/compliance.html",
        ),
        Row("GET", "/api/v1/compliance", P.COMPLIANCE_VIEW, compliance.report),
        Row("GET", "/api/v1/compliance/settings", P.COMPLIANCE_VIEW, compliance.settings),
        Row("GET", "/api/v1/profile", P.COMPLIANCE_VIEW, compliance.profile),
        Row("POST", "/api/v1/profile", P.PROFILE_EDIT, compliance.change_profile, rules.ProfileChosen),
        Row("POST", "/api/v1/private-hosts", P.PROFILE_EDIT, compliance.set_private_hosts, rules.PrivateHosts),
        Row("GET", "/api/v1/openapi.json", P.API_DESCRIPTION, compliance.description),
        # access
        Row("GET", "/access", P.ACCESS_VIEW, pages.plain, name="access", template="staff/access.html"),
        Row("GET", "/api/v1/access", P.ACCESS_VIEW, access.overview),
        Row("POST", "/api/v1/access/four-eyes", P.FOUR_EYES_EDIT, access.set_four_eyes, permits.FourEyes),
        Row("POST", "/api/v1/access/new-exams", P.STAFF_EDIT, access.new_exams, permits.NewExams),
        Row("POST", "/api/v1/approvals/{id}/decide", P.APPROVAL_DECIDE, access.decide, permits.Decided),
        Row("POST", "/api/v1/grants", P.GRANT_GIVE, access.grant, permits.Granted),
        Row("POST", "/api/v1/grants/{id}/revoke", P.GRANT_GIVE, access.revoke_grant),
        Row("POST", "/api/v1/api-clients", P.API_CLIENT_EDIT, access.create_api_client, permits.NewApiClient),
        Row("POST", "/api/v1/api-clients/{id}/revoke", P.API_CLIENT_EDIT, access.revoke_api_client),
        Row("GET", "/api/v1/assignments", P.ASSIGNMENT_EDIT, access.assignable),
        Row("POST", "/api/v1/exams/{id}/assignments", P.ASSIGNMENT_EDIT, access.assign_exam, permits.Assigned, E),
        Row("GET", "/api/v1/sittings/{id}/assignments", P.ASSIGNMENT_EDIT, access.assigned_to_sitting, None, S),
        Row(
            "POST", "/api/v1/sittings/{id}/assignments", P.ASSIGNMENT_EDIT, access.assign_sitting, permits.Assigned, S
        ),
        Row("POST", "/api/v1/staff/{id}/limit", P.STAFF_EDIT, access.limit, permits.Limited),
        # audit
        Row("GET", "/api/v1/audit", P.AUDIT_READ, audited.search, officer.AuditSearch),
        Row("GET", "/api/v1/audit/state", P.AUDIT_READ, audited.state),
        Row("GET", "/api/v1/audit/file", P.AUDIT_READ, audited.take, officer.AuditTaken),
        Row("GET", "/api/v1/audit/watchers", P.AUDIT_READ, audited.watchers, officer.WatchersQuery),
        Row("GET", "/api/v1/audit/unusual", P.AUDIT_READ, audited.unusual, officer.UnusualQuery),
        Row("POST", "/api/v1/audit/verify", P.AUDIT_READ, audited.verify),
    ],
}
# fmt: on
"""Static files are below ``/static``; ``/live`` is the gateway's."""


def includeme(config: Configurator) -> None:
    """Register the map."""
    sides: dict[str, Side] = {}
    methods: dict[str, list[str]] = defaultdict(list)
    for side, rows in ROUTES.items():
        default = contexts.own_sitting if side is Side.CANDIDATE else contexts.nothing
        for row in rows:
            if row.route_name not in sides:
                config.add_route(row.route_name, row.pattern, factory=row.context or default)
            sides[row.route_name] = side
            methods[row.route_name].append(row.method)
            config.add_view(
                row.view,
                route_name=row.route_name,
                request_method=row.method,  # Pyramid lets HEAD in with GET
                permission=row.permission or NO_PERMISSION_REQUIRED,
                renderer=row.template or "json",
                schema=row.schema,
                limit=row.limit,
            )
    config.registry.sides = sides
    config.registry.methods = methods
