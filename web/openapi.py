"""The OpenAPI 3.1 description of every route, made from the table of routes and the schemas of bodies."""

import inspect
import re
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec

from web.csrf import HEADER, UNSAFE
from web.limits import brakes_of
from web.policy import Side
from web.schemas.decoding import Form

if TYPE_CHECKING:
    from web.url_map.row import Row

_REF: Final = "#/components/schemas/{name}"
_LARGEST_ID: Final = 2**63 - 1
_NUMBERS: Final = frozenset({"id", "number", "n", "step"})
_VARIABLE: Final = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
            "required": ["code", "message", "details"],
        }
    },
    "required": ["error"],
}
_SECURITY: Final[dict[str, dict[str, str]]] = {
    "staff": {
        "type": "apiKey",
        "in": "cookie",
        "name": "kustos_staff",
        "description": "By https: __Host-kustos_staff.",
    },
    "candidate": {
        "type": "apiKey",
        "in": "cookie",
        "name": "kustos_sitting",
        "description": "By https: __Host-kustos_sitting.",
    },
    "lms": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "JWT …, signed with HS256."},
    "client": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API client's token.",
    },
}


def describe(title: str = "Kustos", server: str = "/") -> dict[str, Any]:
    """Return the whole description as plain values."""
    routes = import_module("web.routes").ROUTES  # it names the view that calls this
    rows = [(side, row) for side, side_rows in routes.items() for row in side_rows]
    schemas, components = _schemas([row for _, row in rows])
    paths: dict[str, dict[str, Any]] = {}
    for side, row in rows:
        path = _VARIABLE.sub(lambda found: "{" + found[1] + "}", row.pattern)
        paths.setdefault(path, {})[row.method.lower()] = _operation(side, row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": metadata.version("kustos")},
        "servers": [{"url": server}],
        "tags": [{"name": side.value, "description": _words(side)} for side in Side if side in routes],
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": _SECURITY,
            "responses": {"Error": {"description": "What went wrong", "content": _error_content()}},
        },
    }


def _schemas(rows: "list[Row]") -> tuple[dict[type, dict[str, Any]], dict[str, Any]]:
    types = list(dict.fromkeys(row.schema for row in rows if row.schema is not None))
    found, components = msgspec.json.schema_components(types, ref_template=_REF)
    return dict(zip(types, found, strict=True)), components


def _operation(side: Side, row: "Row", schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(row),
        "summary": _words(row.view),
        "tags": [side.value],
        "parameters": [*_path_parameters(row), *_query_parameters(row), *_csrf_parameter(side, row)],
        "responses": _responses(row),
    }
    if row.permission is not None:
        operation["x-permission"] = row.permission.value
        known: list[dict[str, list[str]]] = [{side.value: []}] if side.value in _SECURITY else []
        operation["security"] = known
    body = _body(row, schemas)
    if body:
        operation["requestBody"] = body
    limits = [brake.limit for brake in brakes_of(row.method, row.pattern, side)]
    if limits:
        operation["x-rate-limits"] = [
            {"name": one.name, "burst": one.burst, "per_second": one.per_second} for one in limits
        ]
    return operation


def _operation_id(row: "Row") -> str:
    words = re.findall(r"[a-z0-9]+", _VARIABLE.sub(lambda found: found[1], row.pattern).lower())
    return "_".join([row.method.lower(), *words])


def _path_parameters(row: "Row") -> list[dict[str, Any]]:
    foreign = row.pattern.startswith("/api/v2/integration/")  # there an id is the LMS's own word
    return [
        {"name": name, "in": "path", "required": True, "schema": _variable(name, pattern, foreign=foreign)}
        for name, pattern in _VARIABLE.findall(row.pattern)
    ]


def _variable(name: str, pattern: str, *, foreign: bool) -> dict[str, Any]:
    if pattern and re.fullmatch(r"[\w|-]+", pattern):
        return {"type": "string", "enum": pattern.split("|")}
    if pattern:
        return {"type": "string", "pattern": f"^{pattern}$"}
    if name in _NUMBERS and not foreign:
        return {"type": "integer", "minimum": 0, "maximum": _LARGEST_ID}
    return {"type": "string", "minLength": 1}


def _query_parameters(row: "Row") -> list[dict[str, Any]]:
    if row.schema is None or row.method != "GET":
        return []
    (schema,), components = msgspec.json.schema_components([row.schema], ref_template=_REF)
    own = components[schema["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in own.get("required", []), "schema": one}
        for name, one in own["properties"].items()
    ]


def _csrf_parameter(side: Side, row: "Row") -> list[dict[str, Any]]:
    if row.method not in UNSAFE or side not in {Side.STAFF, Side.CANDIDATE, Side.OPEN}:
        return []
    # A form may say it in its field csrf_token instead
    return [{"name": HEADER, "in": "header", "required": False, "schema": {"type": "string"}}]


def _body(row: "Row", schemas: dict[type, dict[str, Any]]) -> dict[str, Any] | None:
    if row.method == "GET":
        return None
    if row.limit is not None:
        return {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    if row.schema is None:
        return None
    kind = "application/x-www-form-urlencoded" if issubclass(row.schema, Form) else "application/json"
    return {"required": True, "content": {kind: {"schema": schemas[row.schema]}}}


def _responses(row: "Row") -> dict[str, Any]:
    refused = {"$ref": "#/components/responses/Error"}
    found: dict[str, Any] = {"4XX": refused, "429": refused, "503": refused, "502": refused}
    if row.template or not row.pattern.startswith("/api/"):
        found["200"] = {"description": "A page, or what it needs"}
        found["303"] = {"description": "Go on there"}
        return {
            status: {"description": "See the page"} if status[0] in "45" else one for status, one in found.items()
        }
    found["200"] = {"description": _words(row.view)}
    found["206"] = {"description": "A part of it"}
    return found


def _error_content() -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}}


def _words(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
