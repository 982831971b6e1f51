"""The compliance report: measure by measure its setting, evidence, test and state. Made from the live system."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import Company
from appliance.services import company_profiles
from appliance.services import compliance_checks as live
from appliance.services.compliance_checks import Check, Look, State, always, depends_on_it
from appliance.services.payloads import ms
from appliance.settings import SETTINGS, Settings


@dataclass(frozen=True, slots=True)
class Measure:
    """One row."""

    key: str
    requirement: str
    measure: str
    check: Check
    evidence: str
    """The command or page that shows it."""
    tests: tuple[str, ...]
    """``file::function`` that proves it."""


_ORDERS: Final = "FSTEC orders 21, 117, 239"
_LOG: Final = "Content of the log; no act without it"
_BIO: Final = "152-FZ art. 11, 572-FZ; GDPR art. 9"

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        "unique_accounts",
        _ORDERS,
        "Unique accounts",
        live.shared_accounts,
        "page Staff",
        ("tests/appliance/services/test_accounts.py::test_an_account_needs_sense",),
    ),
    Measure(
        "second_factor",
        _ORDERS,
        "A second factor for every staff role",
        live.second_factor,
        "page Staff",
        (
            "tests/appliance/services/test_accounts.py::test_no_code_works_twice",
            "tests/web/test_headers.py::test_by_https_no_other_host_can_set_our_cookies",
        ),
    ),
    Measure(
        "lock_out",
        _ORDERS,
        "Lock-out and rate limits",
        live.lock_out,
        "page Audit log: user.log_in, refused",
        (
            "tests/appliance/services/test_accounts.py::test_too_many_lock_the_account_for_a_while",
            "tests/web/test_rate_limits.py::test_log_in_is_slowed_by_account_wherever_it_comes_from",
        ),
    ),
    Measure(
        "sessions",
        _ORDERS,
        "Session limits and idle lock",
        live.sessions,
        "page Account: log-ins",
        (
            "tests/appliance/services/test_accounts.py::test_a_session_ends",
            "tests/appliance/services/test_company_profiles.py::test_settings_count_within_the_limits",
        ),
    ),
    Measure(
        "passwords",
        _ORDERS,
        "Passwords by profile, kept as argon2id",
        live.passwords,
        "this report",
        ("tests/appliance/security/test_secrets.py::test_password_is_kept_as_argon2id",),
    ),
    Measure(
        "least_privilege",
        _ORDERS,
        "Least privilege by company, exam and sitting",
        always("one table of roles, permissions and scopes; every route has a permission"),
        "page Access: role x route matrix",
        (
            "tests/web/test_routes.py::test_staff_get_in_exactly_where_their_role_permits",
            "tests/appliance/security/test_scopes.py::test_every_permission_has_a_row_and_every_cell_a_meaning",
        ),
    ),
    Measure(
        "four_eyes",
        _ORDERS,
        "Four eyes for dangerous acts",
        live.four_eyes,
        "page Access: approvals",
        ("tests/appliance/services/test_approvals.py::test_nobody_agrees_to_their_own",),
    ),
    Measure(
        "no_demo",
        _ORDERS,
        "No accounts whose passwords are known",
        live.no_demo,
        "kustos compliance settings",
        ("tests/appliance/services/test_compliance.py::test_what_the_settings_say",),
    ),
    Measure(
        "components",
        _ORDERS,
        "List of components, with versions and licences",
        always("CycloneDX 1.6: Python, Node and Debian packages"),
        "make sbom",
        ("tests/sbom/test_sbom.py::test_every_distribution_is_in_it",),
    ),
    Measure(
        "tls",
        _ORDERS,
        "Connections are encrypted",
        live.tls,
        "kustos check",
        ("tests/web/test_headers.py::test_hsts_by_https_alone",),
    ),
    Measure(
        "uploads",
        _ORDERS,
        "What is sent in is checked by content and size",
        always("pictures are decoded and made anew; recordings are opened by a worker"),
        "docs/security/asvs.md",
        ("tests/web/test_uploads.py::test_every_upload_is_tried_here",),
    ),
    Measure(
        "outgoing",
        _ORDERS,
        "Nothing asks the neighbours of the appliance",
        live.outgoing,
        "this page",
        (
            "tests/appliance/test_outgoing.py::test_neighbours_are_not_asked",
            "tests/appliance/test_outgoing.py::test_a_name_that_changes_its_mind_is_asked_where_it_was_judged",
        ),
    ),
    Measure(
        "surroundings",
        _ORDERS,
        "Network segment, malware protection, physical access",
        depends_on_it("outside of the appliance"),
        "docs/operating",
        (),
    ),
    Measure(
        "log",
        _LOG,
        "Hash-chained log, written with the act or the act fails",
        live.audited,
        "page Audit log",
        (
            "tests/appliance/test_audit.py::test_no_audit_no_act",
            "tests/appliance/test_audit.py::test_ordinary_use_cannot_change_or_remove",
        ),
    ),
    Measure(
        "checkpoints",
        _LOG,
        "Signed checkpoints",
        live.checkpoints,
        "page Audit log; kustos audit verify",
        ("tests/appliance/test_audit_checkpoints.py::test_a_rewritten_log_names_the_span_that_is_false",),
    ),
    Measure(
        "verified",
        _LOG,
        "Verified regularly, also offline",
        live.verified,
        "kustos audit verify [--export FILE]",
        ("tests/appliance/test_audit_export.py::test_an_export_verifies_without_our_code",),
    ),
    Measure(
        "forwarded",
        _LOG,
        "A copy for the SIEM",
        live.forwarded,
        "page Audit log: copies",
        (
            "tests/appliance/test_audit_checkpoints.py::test_the_chain_alone_believes_a_rewritten_log_and_the_checkpoints_do_not",
        ),
    ),
    Measure("clock", _LOG, "Right times", live.clock, "kustos check", ()),
    Measure(
        "secrets",
        _LOG,
        "No secret in logs",
        always("tracebacks without values; known names are blacked out"),
        "make test",
        ("tests/e2e/test_secrets.py::test_no_secret_is_in_any_log_audit_row_or_error_page",),
    ),
    Measure(
        "vault",
        "Integrity and secrecy of evidence",
        "Recordings and photos sealed in authenticated blocks",
        always("AES-256-GCM, 64 KiB blocks, a key for each sitting and person"),
        "kustos evidence verify",
        ("tests/appliance/vault/test_vault.py::test_altered_file_is_found",),
    ),
    Measure(
        "master_key",
        "Integrity and secrecy of evidence",
        "Master key not readable from the disk alone",
        live.master_key,
        "kustos vault status",
        ("tests/appliance/vault/test_master_keys.py::test_a_tpm_opens_only_as_the_machine_was_started_then",),
    ),
    Measure("backups", "Availability", "Backups are made", live.backups, "kustos backup create", ()),
    Measure("restored", "Availability", "Restoring is practised", live.restored, "kustos backup drill", ()),
    Measure(
        "consent",
        _BIO,
        "Versioned consent before anything is recorded",
        live.consents,
        "page of the sitting",
        (
            "tests/appliance/services/test_check_ins.py::test_nothing_without_consent",
            "tests/appliance/services/test_check_ins.py::test_consent_is_kept_with_the_words_that_were_shown",
        ),
    ),
    Measure(
        "biometrics",
        _BIO,
        "Faces are measured only where an exam says so",
        live.biometrics,
        "page Biometrics",
        ("tests/media/test_identity.py::test_without_biometrics_no_descriptor_is_ever_computed_or_stored",),
    ),
    Measure(
        "on_device",
        _BIO,
        "Modes without templates, and in the candidate's browser",
        live.no_faces_without_need,
        "page Exams",
        ("tests/media/test_identity.py::test_on_the_device_not_even_a_photo_comes_here",),
    ),
    Measure(
        "templates",
        "ISO/IEC 24745",
        "Templates under each person's key, renewable, unlinkable",
        always("rotated by a secret of the company, sealed by a key of the person"),
        "kustos templates show",
        (
            "tests/appliance/services/test_templates.py::test_what_is_stored_opens_only_where_it_belongs",
            "tests/appliance/services/test_templates.py::test_renewing_changes_all_and_keeps_distances",
        ),
    ),
    Measure(
        "error_rates",
        "ISO/IEC 30107-3, 19795",
        "Error rates on one's own labelled people",
        depends_on_it("run the report on your own labelled set"),
        "kustos biometrics report",
        ("tests/media/biometrics/report/test_command.py::test_every_kind_is_reported_with_counts",),
    ),
    Measure(
        "retention",
        "GDPR art. 5(1)(e); 152-FZ art. 21",
        "Every data class has an end",
        live.retention,
        "page Retention",
        ("tests/appliance/retention/test_five_years.py::test_nothing_early_nothing_late",),
    ),
    Measure(
        "terms_run",
        "GDPR art. 5(1)(e); 152-FZ art. 21",
        "Terms are carried out daily",
        live.terms_run,
        "page Retention",
        ("tests/appliance/retention/test_five_years.py::test_a_run_that_was_killed_is_taken_up",),
    ),
    Measure(
        "erasure",
        "GDPR art. 17",
        "Erasure of one person everywhere, with a signed certificate",
        always("database, vault, caches, exports; backups by key destruction"),
        "page Retention",
        (
            "tests/appliance/retention/test_erasure.py::test_nothing_names_an_erased_person",
            "tests/appliance/vault/test_data_keys.py::test_a_backup_of_the_database_brings_no_key_back",
        ),
    ),
    Measure(
        "holds",
        "GDPR art. 17(3)",
        "Legal hold",
        always("stops deletion and erasure"),
        "page Retention",
        ("tests/appliance/retention/test_erasure.py::test_a_hold_forbids_it",),
    ),
    Measure(
        "papers",
        "GDPR art. 15, 20, 30, 35",
        "Export of one person's data, record of processing, DPIA template",
        always("made from the live settings"),
        "kustos compliance record; kustos compliance dpia",
        (),
    ),
    Measure(
        "human",
        "GDPR art. 22; AI Act art. 14",
        "A named person concludes",
        live.human_decides,
        "page of the sitting",
        ("tests/appliance/services/test_sittings.py::test_auto_waits_for_a_named_person",),
    ),
    Measure(
        "findings",
        "AI Act art. 12, 26(6)",
        "Findings with model hash, threshold and evidence, kept for months",
        live.log_kept,
        "page of the sitting; docs/model-cards",
        (
            "tests/media/biometrics/report/test_cards.py::test_hashes_versions_and_licences_are_those_of_the_installed_files",
        ),
    ),
    Measure(
        "attention",
        "AI Act art. 5(1)(f)",
        "No judging of emotion or engagement",
        live.attention,
        "page Findings",
        ("tests/appliance/services/test_attention.py::test_no_statement_can_have_both_in_whatever_order",),
    ),
    Measure(
        "access",
        "WCAG 2.2 AA",
        "Pages for everybody",
        always("names, target size, keyboard; contrast of the palette"),
        "make test",
        ("tests/browser/test_candidate_page.py::test_every_control_has_a_name_and_enough_room",),
    ),
)


def report(session: Session, settings: Settings, company: Company, now: datetime | None = None) -> dict[str, Any]:
    """Return {company, profile, made_ms, counts: {state: n}, measures: [row]} of one company, as it stands now."""
    look = Look(session, settings, company, now or utcnow())
    rows = [_row(measure, look) for measure in MEASURES]
    counts = {state.value: sum(row["state"] == state.value for row in rows) for state in State}
    who = {"id": company.id, "slug": company.slug, "name": company.name}
    return {"company": who, "profile": company.profile, "made_ms": ms(look.now), "counts": counts, "measures": rows}


def note_view(session: Session, actor: Actor, company: Company, form: str) -> None:
    """Write down that somebody had the report or the settings made up."""
    audit.record(session, actor, "compliance.report", ("company", company.id), company_id=company.id, form=form)


def settings_export(settings: Settings, company: Company) -> dict[str, Any]:
    """Return every setting of the appliance and of the company, secrets only as set or not."""
    shown = {name: _shown(name, getattr(settings, name)) for name in SETTINGS}
    return {
        "appliance": shown,
        "company": {
            "slug": company.slug,
            **company_profiles.describe(company, settings),
            "four_eyes": list(company.four_eyes),
            "attention_monitoring": company.attention_monitoring,
            "ice_policy": company.ice_policy.value,
            "turn_secret": "set" if company.turn_secret else "not set",
        },
    }


def _row(measure: Measure, look: Look) -> dict[str, Any]:
    found = measure.check(look)
    return {
        "key": measure.key,
        "requirement": measure.requirement,
        "measure": measure.measure,
        "setting": found.setting,
        "evidence": measure.evidence,
        "tests": list(measure.tests),
        "state": found.state.value,
    }


def _shown(name: str, value: object) -> object:
    if name == "database_url" or name.endswith("_secret") or name == "secret_key":
        return "set" if value else "not set"
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value if isinstance(value, bool | int | float) else str(value)
