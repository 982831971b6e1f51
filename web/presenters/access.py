"""The permission map for people: each permission in words, each cell a scope."""

from typing import Any, Final

from appliance.security.permission_map import API_PERMISSIONS, TABLE, Cells, Permission
from appliance.security.permission_map import Permission as P
from appliance.services.api_clients import ABOUT_EXAMS
from appliance.services.approvals import SELECTABLE
from appliance.vocabulary import FourEyesAct
from web.i18n import translatable as _
from web.services import Request

TITLES: Final[dict[Permission, str]] = {
    P.ROOM_VIEW: _("Open the live room"),
    P.SITTING_LIST: _("See the table of sittings, without faces"),
    P.SITTING_VIEW: _("See one sitting's summary, without faces"),
    P.SITTING_REVIEW: _("See the timeline, findings and score"),
    P.SITTING_CLAIM: _("Take a sitting over"),
    P.SITTING_START: _("Let the candidate begin"),
    P.SITTING_PAUSE: _("Pause and resume"),
    P.SITTING_FINISH: _("End the exam"),
    P.SITTING_REFUSE_IDENTITY: _("Refuse who is not the person"),
    P.PHOTO_REQUEST: _("Ask for a photo again"),
    P.PHOTO_VIEW: _("See photos and pictures of findings"),
    P.WARNING_SEND: _("Warn the candidate"),
    P.INCIDENT_MARK: _("Mark an incident"),
    P.OBSERVATION_DECIDE: _("Confirm or dismiss a finding"),
    P.CHAT_READ: _("Read the chat"),
    P.CHAT_WRITE: _("Write in the chat"),
    P.MEDIA_WATCH: _("Watch camera and screen live"),
    P.RECORDING_VIEW: _("Play recordings"),
    P.RECORDING_EXPORT: _("Take evidence out of the house"),
    P.CONCLUSION_GIVE: _("Give or change the conclusion"),
    P.AUDIT_READ: _("Read and verify the audit log"),
    P.EXAM_LIST: _("See exams"),
    P.EXAM_EDIT: _("Change an exam's rules and weights"),
    P.NETWORK_EDIT: _("Change network settings"),
    P.STAFF_LIST: _("See accounts of staff"),
    P.STAFF_EDIT: _("Make and change accounts of staff"),
    P.SIGN_ON_EDIT: _("Change single sign-on"),
    P.SUPPORT_VIEW: _("See stages and media of sittings, without faces"),
    P.SUPPORT_CHECK: _("Check a sitting's path and the appliance"),
    P.NODE_VIEW: _("See media nodes and gateways"),
    P.NODE_DRAIN: _("Take a media node out of use"),
    P.LIVE_CONNECT: _("Get live updates"),
    P.SITTING_ATTEND: _("Open the page of the sitting"),
    P.CHECK_IN_ANSWER: _("Go through the check-in"),
    P.EXAM_ANSWER: _("Answer and finish"),
    P.BIOMETRICS_VIEW: _("See what is stored of faces, never a face"),
    P.BIOMETRICS_REVOKE: _("Make templates of faces unreadable"),
    P.KEYS_VIEW: _("See the state of the vault and the public keys"),
    P.ATTENTION_SWITCH: _("Allow or forbid judging emotion and engagement"),
    P.CONVERSATION_HOLD: _("Call candidates and hold conferences"),
    P.CONVERSATION_JOIN: _("Take part in conversations"),
    P.MEDIA_PUBLISH: _("Send camera and screen"),
    P.RECORDING_HAND_IN: _("Hand in what the browser recorded"),
    P.ACCESS_VIEW: _("See this page"),
    P.ASSIGNMENT_EDIT: _("Say who works on which exam"),
    P.GRANT_GIVE: _("Open faces to support for a ticket"),
    P.API_CLIENT_EDIT: _("Make and revoke API clients"),
    P.APPROVAL_DECIDE: _("Agree as the second person"),
    P.FOUR_EYES_EDIT: _("Say which acts take two people"),
    P.API_DESCRIPTION: _("Read the description of the API"),
    P.COMPLIANCE_VIEW: _("See the state of compliance"),
    P.PROFILE_EDIT: _("Change the compliance profile"),
    P.RETENTION_VIEW: _("See terms, holds and certificates"),
    P.RETENTION_EDIT: _("Change terms of retention"),
    P.HOLD_PLACE: _("Place a legal hold"),
    P.HOLD_RELEASE: _("Release a legal hold"),
    P.PERSON_EXPORT: _("Export one person's data"),
    P.PERSON_ERASE: _("Erase a person"),
    P.ACCOUNT_OWN: _("See and change one's own account"),
    P.ACCOUNT_SECURE: _("Change one's own password and second factors"),
    P.ACCOUNT_PROVE: _("Show again who one is"),
    P.NOTICE_ANSWER: _("Take note of notices"),
}
"""What each permission lets one do, in words; one without is shown by its name."""

ACTS: Final[dict[FourEyesAct, str]] = {
    FourEyesAct.EXPORT: _("Exporting a sitting's evidence"),
    FourEyesAct.ERASURE: _("Erasing a person"),
    FourEyesAct.HOLD_RELEASE: _("Releasing a legal hold"),
    FourEyesAct.CONCLUSION_CHANGE: _("Changing a conclusion"),
    FourEyesAct.FOUR_EYES_OFF: _("Wanting fewer second persons"),
}

GROUPS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    (_("The live room"), frozenset({"room", "media", "warning", "conversation", "live", "check_in"})),
    (
        _("Sittings and evidence"),
        frozenset({"sitting", "photo", "incident", "observation", "chat", "recording", "conclusion"}),
    ),
    (_("Exams"), frozenset({"exam", "assignment"})),
    (_("One's own account"), frozenset({"account"})),
    (_("Access"), frozenset({"staff", "access", "grant", "api_client", "approval", "four_eyes", "sign_on"})),
)
"""Title of a part of the matrix, and the nouns of its permissions; the rest follows under ``OTHERS``."""

OTHERS: Final = _("Administration, security, support")
CANDIDATES: Final = _("The candidate's own")


def matrix(request: Request) -> dict[str, Any]:
    """Return columns and groups of rows: permission, what it is for, and a scope or None for each column."""
    titles = [*(title for title, _nouns in GROUPS), OTHERS, CANDIDATES]
    groups: dict[str, list[dict[str, Any]]] = {title: [] for title in titles}
    for permission, cells in TABLE.items():
        title = request.translate(TITLES.get(permission, permission.value))
        row = {"permission": permission.value, "title": title, "cells": [cell and cell.value for cell in cells]}
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


def api_permissions(request: Request) -> list[dict[str, Any]]:
    """Return what an API client may be given, in the order of the map, and whether it can be limited to exams."""
    return [
        {
            "permission": permission.value,
            "title": request.translate(TITLES.get(permission, permission.value)),
            "about_exams": permission in ABOUT_EXAMS,
        }
        for permission in TABLE
        if permission in API_PERMISSIONS
    ]


def _group(permission: Permission, cells: Cells) -> str:
    if all(cell is None for cell in cells[:-1]):
        return CANDIDATES
    noun = permission.value.partition(".")[0]
    return next((title for title, nouns in GROUPS if noun in nouns), OTHERS)
