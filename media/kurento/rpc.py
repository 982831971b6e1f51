"""JSON-RPC 2.0 as Kurento speaks it, without any input or output.

Bytes in, values out: a :class:`Session` numbers requests and sorts what comes back into results, errors and
events. https://doc-kurento.readthedocs.io/en/latest/features/kurento_protocol.html
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from media.kurento.errors import ProtocolViolation, ServerError, from_payload

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Result:
    """A request was answered."""

    id: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A request was answered with an error; ``id`` is None when the server could not tell which."""

    id: int | None
    error: ServerError


@dataclass(frozen=True, slots=True)
class Notification:
    """An ``onEvent``: what the server tells by itself. ``data`` holds source, tags, timestampMillis and more."""

    object: str
    type: str
    data: dict[str, Any]


Message = Result | Failure | Notification


@dataclass
class Session:
    """Numbers of requests and the id of the Kurento session that they belong to."""

    session_id: str | None = None
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def request(
        self, method: str, params: dict[str, Any] | None = None, with_session: bool = True
    ) -> tuple[int, str]:
        """The id and the text of a request; the session's id is added once there is one."""
        number = next(self._ids)
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": method}
        params = dict(params or {})
        if with_session and self.session_id and "sessionId" not in params:
            params["sessionId"] = self.session_id
        if params:
            message["params"] = params
        return number, _encoder.encode(message).decode()

    def receive(self, text: str | bytes) -> Message:
        """Sort one message. Learns the session's id from the first result that has one.

        Raises ProtocolViolation for what is no JSON-RPC message of a Kurento server.
        """
        message = decode(text)
        if message.get("method") == "onEvent":
            return _notification(message)
        if "error" in message:
            number = message.get("id")
            return Failure(number if isinstance(number, int) else None, from_payload(message["error"]))
        if "result" in message and isinstance(message.get("id"), int):
            return self._result(message)
        raise ProtocolViolation(f"The media node sent neither an answer nor an event: {str(message)[:200]}")

    def _result(self, message: dict[str, Any]) -> Result:
        value = message["result"] if isinstance(message["result"], dict) else {}
        session = value.get("sessionId")
        if self.session_id is None and isinstance(session, str) and session:
            self.session_id = session
        return Result(message["id"], value)


def decode(text: str | bytes) -> dict[str, Any]:
    """One JSON object; ProtocolViolation for anything else."""
    try:
        message = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolViolation(f"The media node sent text that is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolViolation("The media node sent JSON that is no object.")
    return message


def _notification(message: dict[str, Any]) -> Notification:
    params = message.get("params")
    value = params.get("value") if isinstance(params, dict) else None
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
        raise ProtocolViolation("The media node sent an event without a value.")
    data = value["data"]
    return Notification(str(value.get("object", "")), str(value.get("type") or data.get("type") or ""), data)
