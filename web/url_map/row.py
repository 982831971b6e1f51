"""A row of the URL map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from appliance.security.permission_map import Permission as P
from web.services import Request

OPEN: Final = None
"""In the column of permissions: anybody may; the view itself checks what it is given, or there is no secret."""


@dataclass(frozen=True, slots=True)
class Row:
    """One method of one address."""

    method: str
    pattern: str
    permission: P | None
    view: Callable[..., Any]
    schema: type[msgspec.Struct] | None = None
    context: Callable[[Request], Any] | None = None
    """What the route is about; by default a candidate's own sitting, or nothing."""
    name: str = ""
    """For links; by default the pattern."""
    template: str = ""
    """For pages; without one the answer is JSON or the view's own."""
    limit: Callable[[Request], int] | None = None
    """Largest body in bytes; by default ``guards.BODY_BYTES``."""

    @property
    def route_name(self) -> str:
        """Return Pyramid's name of the route."""
        return self.name or self.pattern
