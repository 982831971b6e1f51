"""The security officer's page: search, proof, viewers, unusual access, and files to take along."""

from typing import Any, Final

from pyramid.response import Response

from appliance.audit import deliveries, verification
from appliance.audit.statements import Signer
from appliance.jobs.queue import defer
from appliance.services import audit_log, audit_papers, audit_state, audit_unusual, audit_watching
from appliance.services.audit_log import Search
from web.contexts import SittingContext
from web.sealed import once_a_viewing
from web.services import Request

TYPES: Final = {"csv": "text/csv", "json": "application/x-ndjson", "pdf": "application/zip"}


def _company_id(request: Request) -> int:
    return request.actor.company_id or 0


def _signer(request: Request) -> Signer:
    return Signer.of(request.settings, request.collaborators.vault)


def wanted_by(request: Request) -> Search:
    """Return what the query looks for."""
    asked = request.body_struct
    return Search(asked.who, asked.action, asked.subject, asked.result, asked.address, asked.from_ms, asked.to_ms)


def page(context: object, request: Request) -> dict[str, Any]:
    """Show the page."""
    return {"actions": audit_log.actions(request.db, _company_id(request)), "query": wanted_by(request).facts}


def search(context: object, request: Request) -> dict[str, Any]:
    """Give a page of entries; the search is an act, going on in it is none of its own."""
    wanted = wanted_by(request)
    found = audit_log.search(request.db, _company_id(request), wanted, request.body_struct.before)
    key = ("audit", repr(sorted(wanted.facts.items())))
    once_a_viewing(request, key, lambda: audit_log.record_search(request.db, request.actor, wanted))
    return {"entries": found.entries, "next_before": found.next_before}


def state(context: object, request: Request) -> dict[str, Any]:
    """Say how the log stands: its length, its last checkpoint, its copies, its newest proof."""
    return audit_state.state(request.db, request.settings)


def verify(context: object, request: Request) -> dict[str, Any]:
    """Prove the whole log, or answer with the first row that is wrong; a long one is walked by a job."""
    audit_state.record_verification(request.db, request.actor)
    verification.begin(request.db)
    if verification.is_short(request.db):
        outcome = verification.walked(request.db, _signer(request))
        verification.keep(request.db, outcome)
        return outcome
    defer(request.db, "audit.verify", queueing_lock="audit.verify")
    return {"whole": None}


def take(context: object, request: Request) -> Response:
    """Give a search's result as a file."""
    form = request.body_struct.form
    name, content = audit_papers.taken(
        request.db, request.actor, _signer(request), wanted_by(request), form, request.language
    )
    answer = Response(body=content, content_type=TYPES[form])
    answer.content_disposition = f'attachment; filename="{name}"'
    return answer


def watchers(context: object, request: Request) -> dict[str, Any]:
    """Say who watched a candidate."""
    found = audit_watching.of_text(request.db, request.actor, _company_id(request), request.body_struct.q)
    return {"sittings": found}


def unusual(context: object, request: Request) -> dict[str, Any]:
    """Give what wants a second look."""
    asked = request.body_struct
    found = audit_unusual.unusual(request.db, request.actor, _company_id(request), asked.from_ms, asked.to_ms)
    return {"findings": found, "night": {"begins": audit_unusual.NIGHT.begins, "ends": audit_unusual.NIGHT.ends}}


def played(context: SittingContext, request: Request) -> dict[str, Any]:
    """Take down what a player showed of this sitting."""
    visitor = request.visitor
    spans = [(span.part, span.start, span.end) for span in request.body_struct.spans]
    key = visitor.session_key if visitor else ""
    return {"spans": deliveries.note_played(request.db, key, request.actor, context.sitting, spans)}
