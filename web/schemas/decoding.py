"""From bytes, form fields or a query to a struct; the error names the field."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from appliance.errors import BadInput

Body = TypeVar("Body", bound=msgspec.Struct)

_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<place>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"field `(?P<name>[^`]+)`")


class Json(msgspec.Struct, forbid_unknown_fields=True):
    """Root of all JSON bodies."""


class Form(msgspec.Struct):
    """Root of all forms and queries; fields of others (``csrf_token``, ``lang``) pass by unread."""


def decode_json(body: bytes, schema: type[Body]) -> Body:
    """Read a JSON body; raise ``BadInput`` with the ``field``. An empty body is an empty object."""
    try:
        return msgspec.json.decode(body or b"{}", type=schema)
    except msgspec.ValidationError as error:
        raise bad_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The body must be JSON: {error}.") from None


def decode_fields(fields: Mapping[str, object], schema: type[Body]) -> Body:
    """Read form or query fields, whose numbers and flags are text; raise ``BadInput`` with the ``field``."""
    try:
        return msgspec.convert({name: value for name, value in fields.items() if value != ""}, schema, strict=False)
    except msgspec.ValidationError as error:
        raise bad_field(error) from None


def bad_field(error: msgspec.ValidationError) -> BadInput:
    """Translate msgspec's ``Expected … - at `$.a.b``` into an error with ``field`` ``a.b``."""
    found = _PLACE.match(str(error))
    problem, place = (found["problem"], found["place"] or "$") if found else (str(error), "$")
    named = _NAMED.search(problem)
    path = [part for part in [place.removeprefix("$").lstrip("."), named["name"] if named else ""] if part]
    field = ".".join(path)
    return BadInput(f"{field}: {problem}" if field else problem, field=field)
