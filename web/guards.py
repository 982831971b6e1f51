"""What stands before every view, after the permission and before a line of it runs: size, origin, shape."""

from collections.abc import Callable
from typing import Any, cast

from pyramid.config import Configurator

from appliance.errors import TooLarge
from web import csrf, limits, proofs
from web.schemas.decoding import Form, decode_fields, decode_json
from web.services import Request

View = Callable[[Any, Request], Any]

BODY_BYTES = 256 * 1024
"""Above the longest exam with 500 questions; a system check has 5 KB."""


def guard(view: View, info: Any) -> View:
    """Let a request through to the view only when its body is small enough, ours, and of the row's schema."""
    schema, permission = info.options.get("schema"), info.options.get("permission")
    limit: Callable[[Request], int] = info.options.get("limit") or (lambda request: BODY_BYTES)

    def guarded(context: Any, request: Request) -> Any:
        if request.matched_route is not None and request.exception is None:
            check_size(request, limit(request))
            csrf.check(request)
            proofs.demand(request, permission)
            if schema is not None:
                request.body_struct = read_struct(request, schema)
            limits.demand(request)
        return view(context, request)

    return guarded


guard.options = ("schema", "limit")  # type: ignore[attr-defined] # how Pyramid learns of a deriver's options


def check_size(request: Request, limit: int) -> None:
    """Raise ``TooLarge`` by the declared length, before a byte of the body is read."""
    if (request.content_length or 0) > limit:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    """Return the error with the limit in words and bytes."""
    return TooLarge(f"The body may have at most {limit} bytes.", max_bytes=limit)


def read_body(request: Request, limit: int) -> bytes:
    """Return the body; a chunked one, which declares no length, is cut off at the limit with ``TooLarge``."""
    body = cast(bytes, request.body_file.read(limit + 1))
    if len(body) > limit:
        raise too_large(limit)
    return body


def read_struct(request: Request, schema: type[Any]) -> Any:
    """Return the checked query (GET), form or JSON body."""
    if not issubclass(schema, Form):
        return decode_json(read_body(request, BODY_BYTES), schema)
    fields = request.GET if request.method in {"GET", "HEAD"} else request.POST
    # a file in a text field is no text
    return decode_fields({name: value for name, value in fields.items() if isinstance(value, str)}, schema)


def includeme(config: Configurator) -> None:
    """Put the guard between Pyramid's permission check and the view."""
    config.add_view_deriver(guard, name="guard", under="secured_view", over="rendered_view")
