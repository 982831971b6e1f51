"""The whole URL map, put together and registered; its rows stand in ``web/url_map``, a file a side."""

from collections import defaultdict
from typing import Final

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from web import contexts
from web.policy import Side
from web.url_map.candidate import CANDIDATE
from web.url_map.entrance import ENTRANCE, LMS
from web.url_map.exams import EXAMS
from web.url_map.row import Row
from web.url_map.security import SECURITY

ROUTES: Final[dict[Side, list[Row]]] = {
    Side.OPEN: ENTRANCE,
    Side.LMS: LMS,
    Side.CANDIDATE: CANDIDATE,
    Side.STAFF: [*EXAMS, *SECURITY],
}
"""Static files are below ``/static``; ``/live`` is the gateway's."""


def includeme(config: Configurator) -> None:
    """Register the map."""
    sides: dict[str, Side] = {}
    methods: dict[str, list[str]] = defaultdict(list)
    for side, rows in ROUTES.items():
        default = contexts.own_sitting if side is Side.CANDIDATE else contexts.nothing
        for row in rows:
            if row.route_name not in sides:
                config.add_route(row.route_name, row.pattern, factory=row.context or default)
            sides[row.route_name] = side
            methods[row.route_name].append(row.method)
            config.add_view(
                row.view,
                route_name=row.route_name,
                request_method=row.method,  # Pyramid lets HEAD in with GET
                permission=row.permission or NO_PERMISSION_REQUIRED,
                renderer=row.template or "json",
                schema=row.schema,
                limit=row.limit,
            )
    config.registry.sides = sides
    config.registry.methods = methods
