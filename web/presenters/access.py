"""The permission map for people: each permission in words, each cell a scope."""

from typing import Any, Final

from appliance.security.permission_map import API_PERMISSIONS, TABLE, Cells, Permission
from appliance.services.approvals import SELECTABLE
from appliance.vocabulary import FourEyesAct
from web.i18n import translatable as _
from web.services import Request

ACTS: Final[dict[FourEyesAct, str]] = {
    FourEyesAct.EXPORT: _("Exporting a sitting's evidence"),
    FourEyesAct.ERASURE: _("Erasing a person"),
    FourEyesAct.HOLD_RELEASE: _("Releasing a legal hold"),
    FourEyesAct.CONCLUSION_CHANGE: _("Changing a conclusion"),
    FourEyesAct.FOUR_EYES_OFF: _("Wanting fewer second persons"),
}

GROUPS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    (_("The live room"), frozenset({"room", "media", "warning", "conversation", "live"})),
    (
        _("Sittings and evidence"),
        frozenset({"sitting", "photo", "incident", "observation", "chat", "recording", "conclusion"}),
    ),
    (_("Exams"), frozenset({"exam", "assignment"})),
    (_("Access"), frozenset({"staff", "access", "grant", "api_client", "approval", "four_eyes", "sign_on"})),
)
"""Title of a part of the matrix, and the nouns of its permissions; the rest follows under ``OTHERS``."""

OTHERS: Final = _("Administration, security, support")
CANDIDATES: Final = _("The candidate's own")


def matrix(request: Request) -> dict[str, Any]:
    """Return columns and groups of rows: permission, what it is for, and a scope or None for each column."""
    groups: dict[str, list[dict[str, Any]]] = {title: [] for title, _nouns in GROUPS} | {OTHERS: [], CANDIDATES: []}
    for permission, cells in TABLE.items():
        row = {"permission": permission.value, "cells": [cell and cell.value for cell in cells]}
        groups[_group(permission, cells)].append(row)
    return {
        "columns": list(Cells._fields),
        "groups": [{"title": request.translate(title), "rows": rows} for title, rows in groups.items() if rows],
    }


def acts(request: Request) -> list[dict[str, Any]]:
    """Return the acts that may take two people, in words, and whether they can be chosen."""
    return [
        {"act": act.value, "title": request.translate(title), "selectable": act in SELECTABLE}
        for act, title in ACTS.items()
    ]


def api_permissions(request: Request) -> list[str]:
    """Return what an API client may be given, in the order of the map."""
    return [permission.value for permission in TABLE if permission in API_PERMISSIONS]


def _group(permission: Permission, cells: Cells) -> str:
    if all(cell is None for cell in cells[:-1]):
        return CANDIDATES
    noun = permission.value.partition(".")[0]
    return next((title for title, nouns in GROUPS if noun in nouns), OTHERS)
