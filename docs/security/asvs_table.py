"""OWASP ASVS 4.0.3, level 2, section by section. ``python docs/security/asvs_table.py`` writes ``asvs.md`` of it.

Each row: the requirements of a section (all of levels 1 and 2), what they ask for in our words, the state (met, open,
not applicable), and the tests that show it, or the reason.
"""

import sys
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).with_name("asvs.md")
STATES = ("met", "open", "not applicable")

A, S, W, V = "tests/appliance/", "tests/appliance/services/", "tests/web/", "tests/appliance/vault/"


class Row(NamedTuple):
    """One section of the standard, or the part of it that has one state."""

    numbers: str
    words: str
    state: str
    tests: tuple[str, ...] = ()
    reason: str = ""


def met(numbers: str, words: str, *tests: str) -> Row:
    return Row(numbers, words, "met", tests)


def opened(numbers: str, words: str, reason: str) -> Row:
    return Row(numbers, words, "open", (), reason)


def none(numbers: str, words: str, reason: str) -> Row:
    return Row(numbers, words, "not applicable", (), reason)


ROUTES = W + "test_routes.py::"
ACCOUNTS = S + "test_accounts.py::"
SECRETS = A + "security/test_secrets.py::"
HEADERS = W + "test_headers.py::"
UPLOADS = W + "test_uploads.py::"
OUT = A + "test_outgoing.py::"
LIMITS = W + "test_rate_limits.py::"
SCOPES = A + "security/test_scopes.py::"
AUDIT = A + "test_audit.py::"
VAULT = V + "test_vault.py::"
FUZZ = W + "test_openapi.py::test_no_request_made_from_it_ends_in_a_500"

ROWS = (
    met(
        "1.1.1-1.1.7",
        "A secure way of developing: threats are written down, each with what guards against it",
        "tests/docs/test_threat_model.py::test_each_way_in_is_shown_to_be_guarded",
    ),
    met(
        "1.2.1-1.2.4",
        "One way to authenticate, processes with least rights",
        "tests/systemd/test_units.py::test_a_service_is_locked_in",
        ROUTES + "test_nobody_gets_in_anywhere",
    ),
    met(
        "1.4.1-1.4.5",
        "Access is decided on the server, at one place, by attributes",
        SCOPES + "test_every_permission_has_a_row_and_every_cell_a_meaning",
    ),
    met("1.5.1-1.5.4", "Input is checked by schema on a trusted side", FUZZ),
    met(
        "1.6.1-1.6.4",
        "Keys have owners, lives and replacements",
        V + "test_master_keys.py::test_moves_between_kinds_and_the_setting_must_follow",
    ),
    met(
        "1.7.1-1.7.2",
        "One form of log, sent to a place apart",
        A + "test_audit_checkpoints.py::test_a_log_that_cannot_be_written_stops_the_act",
    ),
    met(
        "1.8.1-1.8.2",
        "Data are classed and protected by class",
        A + "retention/test_five_years.py::test_nothing_early_nothing_late",
    ),
    met("1.9.1-1.9.2", "Parts speak encrypted where they leave the host", HEADERS + "test_hsts_by_https_alone"),
    met(
        "1.10.1, 1.11.1-1.11.2",
        "Versioned source; parts and flows are written down, no unsynchronised state",
        S + "test_sittings.py::test_of_two_who_finish_at_once_one_wins",
    ),
    met(
        "1.12.2, 1.14.1-1.14.6",
        "Uploads are not served as pages; parts are kept apart; no old client technology",
        UPLOADS + "test_a_photo_that_is_a_page_as_well_is_kept_without_the_page",
    ),
    met(
        "2.1.1-2.1.12",
        "Passwords: long, unrestricted, checked against known ones, changeable",
        SECRETS + "test_password_of_a_bad_length_is_refused",
    ),
    met(
        "2.2.1-2.2.3",
        "Guessing is slowed by account and address; a change is told",
        LIMITS + "test_log_in_is_slowed_by_account_wherever_it_comes_from",
        ACCOUNTS + "test_too_many_lock_the_account_for_a_while",
    ),
    met("2.3.1-2.3.3", "First secrets are random, short-lived and changed", ACCOUNTS + "test_a_new_account"),
    met("2.4.1-2.4.5", "Passwords are kept by argon2id", SECRETS + "test_password_is_kept_as_argon2id"),
    met(
        "2.5.1-2.5.7",
        "Recovery by one-time links and codes, no default accounts, no hints",
        ACCOUNTS + "test_new_credentials_end_old_sessions",
    ),
    met("2.6.1-2.6.3", "Recovery codes are random and work once", ACCOUNTS + "test_no_code_works_twice"),
    none("2.7.1-2.7.6", "Codes by SMS or mail", "there are none: an authenticator or a security key"),
    met(
        "2.8.1-2.8.6",
        "One-time codes by time: once, short, kept encrypted",
        SECRETS + "test_no_code_works_twice_nor_an_older_one",
        ACCOUNTS + "test_of_two_with_the_same_code_one_gets_in",
    ),
    met("2.9.1-2.9.3", "Keys of verifiers are protected", VAULT + "test_small_secrets"),
    met(
        "2.10.1-2.10.4",
        "No passwords of services in the source; they are not shown",
        S + "test_compliance.py::test_the_export_of_settings_has_no_secret",
    ),
    met(
        "3.1.1, 3.2.1-3.2.4",
        "Tokens of sessions: new at log-in, random, in cookies, never in an address",
        SECRETS + "test_cookie_token_is_kept_as_a_hash",
        W + "test_log_in.py::test_a_second_log_in_in_the_same_browser_ends_the_first",
    ),
    met(
        "3.3.1-3.3.4",
        "Sessions end by log-out, idleness and age; others can be ended",
        ACCOUNTS + "test_a_session_ends",
        W + "test_log_in.py::test_log_out_ends_the_session_in_the_database",
    ),
    met(
        "3.4.1-3.4.5",
        "Cookies: Secure, HttpOnly, SameSite, __Host-, path",
        HEADERS + "test_by_https_no_other_host_can_set_our_cookies",
    ),
    met(
        "3.5.2-3.5.3",
        "Tokens without state are signed and short-lived",
        A + "security/test_live_tokens.py::test_wrong_foreign_or_expired_token_is_refused",
    ),
    met(
        "3.7.1",
        "A fresh proof before dangerous acts",
        W + "test_accounts.py::test_guessing_codes_for_a_proof_locks_the_account",
    ),
    met(
        "4.1.1-4.1.5",
        "Access: on the server, least rights, fails closed",
        ROUTES + "test_staff_get_in_exactly_where_their_role_permits",
    ),
    met("4.2.1", "No way to others' things by their number", ROUTES + "test_another_companys_things_do_not_exist"),
    met("4.2.2", "Against forged requests", ROUTES + "test_every_unsafe_route_wants_its_token"),
    met(
        "4.3.1-4.3.2",
        "Administration wants a second factor; no listing of folders",
        W + "test_border.py::test_static_files_end_at_their_folder",
    ),
    met(
        "4.3.3",
        "Separation of duties for what is dangerous",
        S + "test_approvals.py::test_nobody_agrees_to_their_own",
    ),
    met(
        "5.1.1-5.1.5",
        "Input by allow-lists and schemas; redirects lead nowhere else",
        W + "test_log_in.py::test_next_leads_only_to_this_origin",
        FUZZ,
    ),
    met(
        "5.2.1-5.2.8",
        "What is dangerous is cleaned; no eval, no templates from input, no SSRF",
        OUT + "test_neighbours_are_not_asked",
        OUT + "test_a_redirect_to_a_neighbour_is_not_followed",
    ),
    met(
        "5.3.1-5.3.10",
        "Output is escaped; queries are parameterised",
        W + "test_border.py::test_pages_have_nothing_inline",
    ),
    none(
        "5.4.1-5.4.3",
        "Memory-safe strings and numbers",
        "Python and JavaScript; decoders are libraries kept up to date",
    ),
    met(
        "5.5.1-5.5.4",
        "Nothing untrusted is deserialised but JSON by schema",
        W + "realtime/test_fuzz.py::test_no_message_kills_the_gateway_or_goes_unhandled",
    ),
    met("6.1.1-6.1.3", "Private data are encrypted at rest", VAULT + "test_altered_file_is_found"),
    met(
        "6.2.1-6.2.7",
        "Known algorithms, authenticated, with fresh nonces",
        VAULT + "test_same_data_is_never_sealed_alike",
    ),
    met("6.3.1-6.3.2", "Random values by the system's generator", SECRETS + "test_csrf_token"),
    met(
        "6.4.1-6.4.2",
        "Keys in a vault, not in the code",
        V + "test_master_keys.py::test_a_token_keeps_its_key_and_lets_nobody_read_it",
    ),
    met(
        "7.1.1-7.1.4",
        "No secret in logs; security events are there",
        "tests/e2e/test_secrets.py::test_no_secret_is_in_any_log_audit_row_or_error_page",
    ),
    met(
        "7.2.1-7.2.2",
        "Log-ins and refusals are logged",
        W + "test_log_in.py::test_the_failed_attempts_are_in_the_audit_log",
    ),
    met(
        "7.3.1-7.3.4",
        "Logs cannot be injected into or altered; one time",
        AUDIT + "test_ordinary_use_cannot_change_or_remove",
        AUDIT + "test_changed_column_names_the_row",
    ),
    met(
        "7.4.1-7.4.3",
        "Errors say little, with a number for support",
        W + "test_errors.py::test_an_unforeseen_error_has_a_number_and_the_log_no_secrets",
    ),
    met(
        "8.1.1-8.1.4",
        "No private data in caches; little in requests; floods are seen",
        HEADERS + "test_nothing_that_may_be_personal_is_kept_by_a_cache",
    ),
    met(
        "8.2.1-8.2.3",
        "Nothing private is left in the browser",
        HEADERS + "test_nothing_that_may_be_personal_is_kept_by_a_cache",
    ),
    met(
        "8.3.1-8.3.8",
        "Private data: export, erasure, consent, terms, each viewing logged",
        A + "retention/test_erasure.py::test_nothing_names_an_erased_person",
        S + "test_check_ins.py::test_consent_is_kept_with_the_words_that_were_shown",
    ),
    met(
        "9.1.1-9.1.3",
        "TLS for all clients, current versions only",
        "tests/install/test_one_host.py::test_the_origin_answers_by_tls_with_the_authoritys_certificate",
    ),
    met(
        "9.2.1-9.2.4",
        "TLS to others, certificates checked",
        OUT + "test_a_certificate_must_be_of_the_name_not_of_the_address",
    ),
    met(
        "10.2.1-10.2.2", "No calls home, no needless permissions", HEADERS + "test_what_is_not_needed_is_switched_off"
    ),
    met(
        "10.3.1-10.3.3",
        "Updates and components are whole and signed; no takeover of names",
        "tests/sbom/test_sbom.py::test_everything_installed_is_what_is_pinned",
    ),
    met(
        "11.1.1-11.1.8",
        "Steps in order, at a human pace, with limits and alerts",
        A + "test_sitting_machine.py::test_each_step_goes_only_from_its_sources",
        LIMITS + "test_whatever_anybody_may_send_has_a_brake",
    ),
    met(
        "12.1.1-12.1.3",
        "Uploads: size, count and room",
        UPLOADS + "test_photos_that_are_too_large_are_refused_before_they_are_read",
    ),
    met("12.2.1", "Uploads: kind by content", UPLOADS + "test_photos_of_another_kind"),
    met(
        "12.3.1-12.3.6",
        "Names of files from outside lead nowhere",
        A + "retention/test_erasure.py::test_a_name_of_a_file_leads_nowhere_else",
    ),
    met(
        "12.4.1",
        "Uploads lie outside of what is served",
        VAULT + "test_seal_from_a_file_leaves_it_and_no_other_plain_file",
    ),
    opened(
        "12.4.2",
        "Uploads are scanned by an antivirus",
        "pictures are made anew and recordings decoded instead; a scanner is the customer's",
    ),
    met(
        "12.5.1-12.5.2",
        "Only what is meant is served, never as a page",
        HEADERS + "test_a_page_frames_the_content_of_its_exam_and_nobody_frames_us",
    ),
    met(
        "12.6.1",
        "Outgoing requests by allow-list",
        OUT + "test_the_house_is_asked_where_it_is_allowed",
        OUT + "test_there_is_no_other_way_out",
    ),
    met("13.1.1-13.1.5", "One encoding, no secrets in addresses, types of content are checked", FUZZ),
    met(
        "13.2.1-13.2.6",
        "REST: methods, schemas, CSRF",
        W + "test_openapi.py::test_every_route_is_described_and_nothing_else",
        ROUTES + "test_a_wrong_method_says_which_is_right",
    ),
    none("13.3.1-13.3.2, 13.4.1-13.4.2", "SOAP, GraphQL", "neither is spoken"),
    met(
        "14.1.1-14.1.5",
        "Builds and installations that can be repeated and checked",
        "tests/install/test_one_host.py::test_a_second_run_changes_nothing",
    ),
    met(
        "14.2.1-14.2.6",
        "Components: current, listed, from trusted sources, integrity",
        "tests/sbom/test_sbom.py::test_every_distribution_is_in_it",
        "tests/sbom/test_sbom.py::test_no_answer_is_no_pass",
    ),
    met(
        "14.3.2-14.3.3",
        "No debugging, no versions in headers",
        W + "test_border.py::test_every_answer_carries_the_headers",
    ),
    met(
        "14.4.1-14.4.7",
        "Headers: types, CSP, nosniff, HSTS, referrer, frames",
        W + "test_border.py::test_every_answer_carries_the_headers",
        HEADERS + "test_hsts_by_https_alone",
    ),
    met(
        "14.5.1-14.5.4",
        "Only meant methods; origins and proxies are not believed",
        W + "test_border.py::test_only_our_own_proxy_says_who_the_client_is",
        W + "realtime/test_gateway.py::test_foreign_pages_may_not_open_a_socket",
    ),
)


def page() -> str:
    """Return the checklist as Markdown."""
    counts = ", ".join(f"{sum(row.state == state for row in ROWS)} {state}" for state in STATES)
    lines = [
        "# OWASP ASVS 4.0.3, level 2",
        "",
        "Written by `python docs/security/asvs_table.py`; a test compares. A row is a section of the standard in our",
        f"own words; a self-assessment, no certificate. Rows: {counts}.",
        "",
        "| requirements | asks for | state | shown by, or why not |",
        "| --- | --- | --- | --- |",
    ]
    for row in ROWS:
        shown = "<br>".join(f"`{test}`" for test in row.tests) or row.reason
        lines.append(f"| {row.numbers} | {row.words} | {row.state} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{TARGET} is written.\n")
