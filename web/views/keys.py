"""The master key's generations and the public keys, for who oversees the appliance."""

from typing import Any

from pyramid.response import Response

from appliance.services import key_overview
from web.presenters.keys import shown
from web.services import Request


def page(context: object, request: Request) -> dict[str, Any]:
    """Show the state of the vault; nothing here is secret."""
    return {"keys": shown(key_overview.overview(request.db, request.collaborators))}


def public_key(context: object, request: Request) -> Response:
    """Give a public key as PEM."""
    name = request.matchdict["name"]
    key = key_overview.signing_key(request.collaborators, name)
    answer = Response(key.public_pem, content_type="application/x-pem-file")
    answer.headers["Content-Disposition"] = f'attachment; filename="kustos-{name}.pem"'
    return answer
