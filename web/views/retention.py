"""Terms, holds, erasures, certificates, one person's data."""

import json
from typing import Any

from pyramid.response import Response

from appliance import audit
from appliance.db import utcnow
from appliance.errors import NotFound
from appliance.models import Company
from appliance.retention import (
    certificate,
    dpia,
    erasure,
    overview,
    person_export,
    processing_record,
    terms,
)
from appliance.services import approvals, holds
from appliance.services.holds import Subject
from appliance.vocabulary import FourEyesAct
from web import contexts
from web.sealed import once_a_viewing, open_sealed, ranged
from web.services import Request

PAPERS = {"record": processing_record.record, "dpia": dpia.template}


def show(context: object, request: Request) -> dict[str, Any]:
    """Give terms, holds, erasures, certificates and how much is deleted soon."""
    return overview.overview(request.db, _company(request), utcnow())


def soon(context: object, request: Request) -> dict[str, Any]:
    """Give a page of what is deleted within 30 days."""
    query = request.body_struct
    chosen = query.data_class.value if query.data_class else ""
    return overview.soon(request.db, _company(request).id, utcnow(), chosen, query.page)


def set_term(context: object, request: Request) -> dict[str, Any]:
    """Set a term of the company, or of one exam."""
    body, company = request.body_struct, _company(request)
    terms.set_rule(
        request.db, request.actor, company, body.data_class, body.days, body.warn_days, utcnow(), body.exam_id
    )
    return {"terms": terms.table(request.db, company)}


def drop_term(context: object, request: Request) -> dict[str, Any]:
    """Let the wider rule count again."""
    body, company = request.body_struct, _company(request)
    terms.drop_rule(request.db, request.actor, company, body.data_class, body.exam_id)
    return {"terms": terms.table(request.db, company)}


def place_hold(context: object, request: Request) -> dict[str, Any]:
    """Let nothing of a sitting, a candidate or an exam be deleted."""
    body, company_id = request.body_struct, _company(request).id
    subject = Subject(body.scope, body.id)
    row = holds.place(request.db, request.actor, company_id, subject, body.reason, body.owner, utcnow())
    return {"hold": holds.payload(row, {})}


def release_hold(context: object, request: Request) -> dict[str, Any]:
    """Release a hold, where the company wants it with a second person's agreement."""
    row = holds.get(request.db, contexts.number(request, "id"), _company(request).id)
    reason = request.body_struct.reason
    subject = ("hold", row.id)
    approvals.demand(request.db, request.actor, FourEyesAct.HOLD_RELEASE, subject, row.company_id, reason=reason)
    return {"hold": holds.payload(holds.release(request.db, request.actor, row, reason, utcnow()), {})}


def people(context: object, request: Request) -> dict[str, Any]:
    """Find people by name, id or e-mail; the log keeps whom was found, not what was typed."""
    company_id = _company(request).id
    found = overview.people(request.db, company_id, request.body_struct.q)
    if found:
        ids = [person["id"] for person in found]
        audit.record(request.db, request.actor, "person.search", ("company", company_id), found=ids)
    return {"people": found}


def erase(context: object, request: Request) -> dict[str, Any]:
    """Erase a person everywhere, for ever."""
    body = request.body_struct
    person = erasure.get_person(request.db, contexts.number(request, "id"), _company(request).id)
    row = erasure.request(
        request.db, request.actor, person, body.legal_basis, body.asked_by, body.reference, utcnow()
    )
    return {"erasure": erasure.payload(row)}


def export(context: object, request: Request) -> dict[str, Any]:
    """Make up for a person what is stored of them."""
    person = erasure.get_person(request.db, contexts.number(request, "id"), _company(request).id)
    recordings = request.body_struct.with_recordings
    row = person_export.request(request.db, request.actor, person, recordings, utcnow())
    return {"person_export": person_export.payload(row)}


def export_file(context: object, request: Request) -> Response:
    """Give a person's archive, whole or a range of it."""
    row = person_export.get(request.db, contexts.number(request, "id"), _company(request).id)
    if person_export.payload(row)["url"] is None:
        raise NotFound("This export is not there; it is being made, or its time is over.", state=row.state.value)
    reader = open_sealed(request, row.vault_object_id)
    once_a_viewing(
        request,
        ("person_export", row.id),
        lambda: person_export.record_download(request.db, request.actor, row),
    )
    answer = ranged(request, reader, "application/zip", f"person-export-{row.id}")
    answer.headers["Content-Disposition"] = f'attachment; filename="{person_export.archive_name(row)}"'
    return answer


def delete_export(context: object, request: Request) -> dict[str, Any]:
    """Destroy a person's archive before its time."""
    row = person_export.get(request.db, contexts.number(request, "id"), _company(request).id)
    gone = person_export.delete(request.db, request.actor, request.collaborators.vault, row)
    return {"person_export": person_export.payload(gone)}


def certificate_page(context: object, request: Request) -> dict[str, Any]:
    """Show a certificate as a page to print."""
    row = certificate.get(request.db, contexts.number(request, "id"), _company(request).id)
    return {"certificate": certificate.payload(row), "said": json.loads(row.content), "signature": row.signature}


def certificate_content(context: object, request: Request) -> Response:
    """Give a certificate byte by byte as it was signed."""
    row = certificate.get(request.db, contexts.number(request, "id"), _company(request).id)
    return _file(row.content.encode(), "application/json", f"deletion-certificate-{row.id}.json")


def certificate_signature(context: object, request: Request) -> Response:
    """Give the 64 bytes of a certificate's signature."""
    row = certificate.get(request.db, contexts.number(request, "id"), _company(request).id)
    name = f"deletion-certificate-{row.id}.json.sig"
    return _file(certificate.signature_bytes(row), "application/octet-stream", name)


def paper(context: object, request: Request) -> Response:
    """Give the record of processing, or the template of the assessment, made now from the settings."""
    name, company = request.matchdict["name"], _company(request)
    text = PAPERS[name](request.db, request.settings, company, utcnow())
    audit.record(request.db, request.actor, f"compliance.{name}", ("company", company.id))
    if request.body_struct.html:
        page = processing_record.as_html(text, company.name)
        return _file(page.encode(), "text/html", f"kustos-{name}.html")
    return _file(text.encode(), "text/markdown", f"kustos-{name}.md")


def _file(content: bytes, content_type: str, name: str) -> Response:
    charset = "utf-8" if content_type.startswith("text/") else None
    answer = Response(body=content, content_type=content_type, charset=charset)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _company(request: Request) -> Company:
    found: Company = request.db.get_one(Company, request.actor.company_id or 0)
    return found
