"""The staff's side: accounts, log-in, terms and rights, access, compliance, the audit log."""

from typing import Final

from appliance.security.permission_map import Permission as P
from web import contexts
from web.schemas import access as permits
from web.schemas import accounts, exams, networks
from web.schemas import audit as officer
from web.schemas import compliance as rules
from web.schemas import nodes as node_words
from web.schemas import retention as keep
from web.schemas import sign_on as via
from web.schemas import sittings as say
from web.url_map.row import Row
from web.views import (
    access,
    administration,
    attention,
    compliance,
    identity_providers,
    keys,
    me,
    network,
    nodes,
    staff,
    support,
)
from web.views import audit as audited
from web.views import retention as kept
from web.views import staff_pages as pages

S = contexts.sitting
E = contexts.exam

SECURITY: Final[list[Row]] = [
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
    Row("POST", "/api/v1/me/authenticator/confirm", P.ACCOUNT_SECURE, me.confirm_authenticator, accounts.FirstCode),
    Row("DELETE", "/api/v1/me/authenticator", P.ACCOUNT_SECURE, me.remove_authenticator),
    Row("POST", "/api/v1/me/keys/options", P.ACCOUNT_SECURE, me.key_options),
    Row("POST", "/api/v1/me/keys", P.ACCOUNT_SECURE, me.add_key, accounts.NewKey),
    Row("DELETE", "/api/v1/me/keys/{id}", P.ACCOUNT_SECURE, me.remove_key),
    Row("POST", "/api/v1/me/recovery-codes", P.ACCOUNT_SECURE, me.new_recovery_codes),
    Row("POST", "/api/v1/me/proof/options", P.ACCOUNT_PROVE, me.proof_options),
    Row("POST", "/api/v1/me/proof", P.ACCOUNT_PROVE, me.prove, accounts.Proof),
    Row("POST", "/api/v1/me/lock", P.ACCOUNT_PROVE, me.lock, accounts.Lock),
    Row("POST", "/api/v1/me/unlock", P.ACCOUNT_PROVE, me.unlock, accounts.Unlock),
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
    Row("POST", "/api/v1/sittings/{id}/assignments", P.ASSIGNMENT_EDIT, access.assign_sitting, permits.Assigned, S),
    Row("POST", "/api/v1/staff/{id}/limit", P.STAFF_EDIT, access.limit, permits.Limited),
    # audit
    Row("GET", "/api/v1/audit", P.AUDIT_READ, audited.search, officer.AuditSearch),
    Row("GET", "/api/v1/audit/state", P.AUDIT_READ, audited.state),
    Row("GET", "/api/v1/audit/file", P.AUDIT_READ, audited.take, officer.AuditTaken),
    Row("GET", "/api/v1/audit/watchers", P.AUDIT_READ, audited.watchers, officer.WatchersQuery),
    Row("GET", "/api/v1/audit/unusual", P.AUDIT_READ, audited.unusual, officer.UnusualQuery),
    Row("POST", "/api/v1/audit/verify", P.AUDIT_READ, audited.verify),
]
"""Who is who, who may what, and what is kept."""
