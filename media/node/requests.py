"""JSON-RPC text as Kurento's server reads it: laxer than the standard in some places, as strict in others."""

import json
import re
from dataclasses import dataclass
from typing import Any

from media.kurento.errors import InternalError, InvalidParams, InvalidRequest, MissingParameter, ServerError

_decoder = json.JSONDecoder()
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|/\*.*?\*/|//[^\n]*', re.S)


class Unreadable(Exception):
    """Text that is no JSON: the connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """``params`` is a dict, None, or whatever else was sent."""

    id: Any
    method: str
    params: Any

    def fields(self) -> dict[str, Any]:
        """Parameters, when they are required."""
        if self.params is None:
            raise InvalidParams("'params' is required")
        if not isinstance(self.params, dict):
            raise InternalError(
                "Unexpected error while processing method: in Json::Value::find(begin, end): "
                "requires objectValue or nullValue"
            )
        return self.params

    def text(self, name: str) -> str:
        """A parameter that must be there."""
        fields = self.fields()
        if fields.get(name) is None:
            raise MissingParameter(f"'{name}' parameter is required")
        value = fields[name]
        return value if isinstance(value, str) else json.dumps(value)

    @property
    def session_id(self) -> str | None:
        """The session named in the parameters."""
        value = self.params.get("sessionId") if isinstance(self.params, dict) else None
        return None if value is None else value if isinstance(value, str) else json.dumps(value)


def read(text: str | bytes) -> Request:
    """A request; Unreadable for what is no JSON, InvalidRequest for what is no request.

    Comments and what follows the first value are passed over, as jsoncpp does.
    """
    try:
        plain = text.decode() if isinstance(text, bytes) else text
        value, _end = _decoder.raw_decode(_COMMENT.sub(lambda match: match[1] or " ", plain).lstrip())
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or not isinstance(value.get("method"), str):
        raise InvalidRequest("Invalid JSON-RPC request.")
    number = value.get("id")
    if isinstance(number, dict | list):
        raise InvalidRequest("Invalid JSON-RPC request.")
    return Request(number, value["method"], value.get("params"))


def result(number: Any, value: Any) -> dict[str, Any]:
    """A good answer."""
    return {"id": number, "jsonrpc": "2.0", "result": value}


def failure(number: Any, error: ServerError) -> dict[str, Any]:
    """A bad answer."""
    return {"error": error.payload(), "id": number, "jsonrpc": "2.0"}
