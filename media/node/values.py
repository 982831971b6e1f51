"""Checks of the values in requests, with the words of Kurento's own errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from media.kurento.errors import MarshallError

_NAMES: dict[type, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    dict: "object",
    float: "double",
    list: "array",
}
ENUMS: dict[str, tuple[str, ...]] = {
    "MediaType": ("AUDIO", "DATA", "VIDEO"),
    "MediaProfileSpecType": (
        "WEBM",
        "MKV",
        "MP4",
        "WEBM_VIDEO_ONLY",
        "WEBM_AUDIO_ONLY",
        "MKV_VIDEO_ONLY",
        "MKV_AUDIO_ONLY",
        "MP4_VIDEO_ONLY",
        "MP4_AUDIO_ONLY",
        "JPEG_VIDEO_ONLY",
        "KURENTO_SPLIT_RECORDER",
        "FLV",
    ),
    "FilterType": ("AUDIO", "VIDEO", "AUTODETECT"),
    "GstreamerDotDetails": (
        "SHOW_MEDIA_TYPE",
        "SHOW_CAPS_DETAILS",
        "SHOW_NON_DEFAULT_PARAMS",
        "SHOW_STATES",
        "SHOW_FULL_PARAMS",
        "SHOW_ALL",
        "SHOW_VERBOSE",
    ),
}


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its name, its type (or the name of an enum) and whether it may be left out."""

    name: str
    type: type | str = str
    optional: bool = False

    def read(self, params: dict[str, Any], what: str = "parameter") -> Any:
        """Its value, None if left out; MarshallError when missing or of another type."""
        if self.name not in params:
            if self.optional:
                return None
            raise MarshallError(f"'{self.name}' {what} should be a {self._type_name()}")
        return self._checked(params[self.name], what)

    def _checked(self, value: Any, what: str) -> Any:
        if isinstance(self.type, str):
            if value not in ENUMS[self.type]:
                raise MarshallError(f"Invalid value for '{self.type}'")
            return value
        if value is None and self.type in (str, dict):  # a JSON null counts as empty text and empty object
            return self.type()
        if self.type is str and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, self.type) or (isinstance(value, bool) and self.type is not bool):
            if self.type is float and isinstance(value, int):
                return float(value)
            raise MarshallError(f"'{self.name}' {what} should be a {self._type_name()}")
        return value

    def _type_name(self) -> str:
        return "string" if isinstance(self.type, str) else _NAMES[self.type]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of an object: parameters in the order of the handler's arguments.

    A coroutine function is awaited; it may hand blocking work to the node's threads.
    """

    handler: Callable[..., Any]
    params: tuple[Param, ...] = ()

    def arguments(self, operation_params: Any) -> list[Any]:
        """The handler's arguments; MarshallError as Kurento words it."""
        needed = any(not param.optional for param in self.params)
        if not isinstance(operation_params, dict):
            if needed:
                raise MarshallError("'operationParams' is required")
            operation_params = {}
        return [param.read(operation_params) for param in self.params]


def operation(*params: Param) -> Callable[[Callable[..., Any]], Operation]:
    """Decorate a method to make it callable by ``invoke``."""
    return lambda handler: Operation(handler, params)


def getter(field: str) -> Operation:
    """An operation that gives an attribute."""
    return Operation(lambda self: getattr(self, field))


def setter(field: str, name: str, kind: type | str = str) -> Operation:
    """An operation that sets an attribute."""
    return Operation(lambda self, value: setattr(self, field, value), (Param(name, kind),))


def camel(name: str) -> str:
    """``max_video_recv_bandwidth`` -> ``maxVideoRecvBandwidth``."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def properties(**fields: type | str) -> dict[str, Operation]:
    """``getX`` and ``setX`` for attributes: name of the attribute -> its type."""
    found: dict[str, Operation] = {}
    for field, kind in fields.items():
        name = camel(field)
        suffix = name[0].upper() + name[1:]
        found[f"get{suffix}"] = getter(field)
        found[f"set{suffix}"] = setter(field, name, kind)
    return found
