"""Kurento's errors: one table of codes, one tree of exceptions, used by the client and by the embedded node.

Codes and type names are those of ``KurentoException.hpp`` (Kurento 7.3) and of JSON-RPC 2.0.
"""

from typing import Any, ClassVar

from appliance.errors import ApplianceError, ErrorCode

TYPES: dict[int, str] = {
    40001: "MARSHALL_ERROR",
    40002: "UNMARSHALL_ERROR",
    40003: "UNEXPECTED_ERROR",
    40004: "CONNECT_ERROR",
    40005: "UNSUPPORTED_MEDIA_TYPE",
    40006: "NOT_IMPLEMENTED",
    40007: "INVALID_SESSION",
    40008: "MALFORMED_TRANSACTION",
    40009: "NOT_ENOUGH_RESOURCES",
    40100: "MEDIA_OBJECT_TYPE_NOT_FOUND",
    40101: "MEDIA_OBJECT_NOT_FOUND",
    40102: "MEDIA_OBJECT_CAST_ERROR",
    40103: "MEDIA_OBJECT_HAS_NOT_PARENT",
    40104: "MEDIA_OBJECT_CONSTRUCTOR_NOT_FOUND",
    40105: "MEDIA_OBJECT_METHOD_NOT_FOUND",
    40106: "MEDIA_OBJECT_EVENT_NOT_SUPPORTED",
    40107: "MEDIA_OBJECT_ILLEGAL_PARAM_ERROR",
    40108: "MEDIA_OBJECT_NOT_AVAILABLE",
    40109: "MEDIA_OBJECT_NOT_FOUND_TRANSACTION_NO_COMMIT",
    40110: "MEDIA_OBJECT_TAG_KEY_NOT_FOUND",
    40111: "MEDIA_OBJECT_OPERATION_NOT_SUPPORTED",
    40200: "SDP_CREATE_ERROR",
    40201: "SDP_PARSE_ERROR",
    40202: "SDP_END_POINT_NO_LOCAL_SDP_ERROR",
    40203: "SDP_END_POINT_NO_REMOTE_SDP_ERROR",
    40204: "SDP_END_POINT_GENERATE_OFFER_ERROR",
    40205: "SDP_END_POINT_PROCESS_OFFER_ERROR",
    40206: "SDP_END_POINT_PROCESS_ANSWER_ERROR",
    40207: "SDP_CONFIGURATION_ERROR",
    40208: "SDP_END_POINT_ALREADY_NEGOTIATED",
    40209: "SDP_END_POINT_NOT_OFFER_GENERATED",
    40210: "SDP_END_POINT_ANSWER_ALREADY_PROCCESED",
    40211: "SDP_END_POINT_CANNOT_CREATE_SESSON",
    40300: "HTTP_END_POINT_REGISTRATION_ERROR",
    40400: "ICE_GATHER_CANDIDATES_ERROR",
    40401: "ICE_ADD_CANDIDATE_ERROR",
    40500: "UNDEFINED",
    40600: "URI_PATH_FILE_ERROR",
    40700: "PLAYER_SEEK_FAIL",
    -32602: "INVALID_PARAMS",
}
"""Error code -> ``data.type``. Kurento's own spelling is kept; -32600, -32601, -32603 and -32000 carry no type."""


class KurentoError(ApplianceError):
    """The media node could not do what was asked."""

    code: ClassVar[ErrorCode] = ErrorCode.MEDIA_UNAVAILABLE


class ConnectionLost(KurentoError):
    """The connection to the media node is lost."""


class RequestTimeout(ConnectionLost):
    """The media node did not answer in time."""


class SessionLost(ConnectionLost):
    """The media node lives, but the session and all its objects are gone."""


class ProtocolViolation(KurentoError):
    """The media node answered something that is no JSON-RPC."""


class ServerError(KurentoError):
    """The media node answered with an error."""

    number: ClassVar[int] = 0

    def __init__(self, message: str = "", number: int | None = None, kind: str | None = None) -> None:
        """``number`` is Kurento's code, ``kind`` its ``data.type``; both default to those of the class."""
        self.number_given = self.number if number is None else number
        self.kind = TYPES.get(self.number_given) if kind is None else kind
        super().__init__(message, number=self.number_given, kind=self.kind)

    def payload(self) -> dict[str, Any]:
        """The ``error`` member of a JSON-RPC answer, in the order and shape of Kurento."""
        error: dict[str, Any] = {"code": self.number_given}
        if self.kind:
            error["data"] = {"type": self.kind}
        error["message"] = self.message
        return error


class InvalidRequest(ServerError):
    """Invalid JSON-RPC request."""

    number = -32600


class MethodNotFound(ServerError):
    """Method not found."""

    number = -32601


class InvalidParams(ServerError):
    """'params' is required"""

    number = -32602


class InternalError(ServerError):
    """Unexpected error while processing method"""

    number = -32603


class MissingParameter(ServerError):
    """A parameter is required"""

    number = -32000


class MarshallError(ServerError):
    """A parameter has the wrong type or an unknown value."""

    number = 40001


class ConnectRefused(ServerError):
    """The elements cannot be connected."""

    number = 40004


class InvalidSession(ServerError):
    """Invalid session"""

    number = 40007


class MalformedTransaction(ServerError):
    """The transaction is malformed, or the object has no such operation."""

    number = 40008


class ObjectNotFound(ServerError):
    """Object not found."""

    number = 40101


class EventNotSupported(ServerError):
    """Event not supported."""

    number = 40106


class FactoryNotFound(ServerError):
    """Factory not found."""

    number = 40108


class TagNotFound(ServerError):
    """Tag key not found"""

    number = 40110


class OperationNotSupported(ServerError):
    """The operation is not supported."""

    number = 40111


class SdpError(ServerError):
    """The session description cannot be used."""

    number = 40201


class NoLocalDescription(SdpError):
    """No local SDP"""

    number = 40202


class NoRemoteDescription(SdpError):
    """No remote SDP"""

    number = 40203


class AlreadyNegotiated(SdpError):
    """Endpoint already negotiated"""

    number = 40208


class OfferNotGenerated(SdpError):
    """Offer not generated. It is not possible to process an answer."""

    number = 40209


class AnswerAlreadyProcessed(SdpError):
    """Sdp Answer already processed"""

    number = 40210


class CandidateRefused(ServerError):
    """Error adding candidate"""

    number = 40401


class ModuleNotFound(ServerError):
    """Requested kmd module doesn't exist"""

    number = 40500


class SeekFailed(ServerError):
    """Seek fails"""

    number = 40700


def _classes(base: type[ServerError]) -> dict[int, type[ServerError]]:
    found = {base.number: base} if base.number else {}
    for child in base.__subclasses__():
        found |= _classes(child)
    return found


_BY_NUMBER = _classes(ServerError)


def from_payload(error: object) -> ServerError:
    """The exception for the ``error`` member of an answer; unknown codes become a plain ServerError."""
    if not isinstance(error, dict):
        return ServerError(f"The media node answered an error without a code: {error!r}", 0)
    number = error.get("code")
    number = number if isinstance(number, int) else 0
    data = error.get("data")
    kind = data.get("type") if isinstance(data, dict) else None
    cls = _BY_NUMBER.get(number, ServerError)
    return cls(str(error.get("message") or ""), number, kind if isinstance(kind, str) else None)
