"""Words of the domain for people; the English ones are keys of the catalogue."""

from typing import Any, Final

from appliance.vocabulary import WARNING_TYPES, Conclusion, ObservationType, Role, SittingState
from web.i18n import translatable as _
from web.pages import ROLE_TITLES
from web.services import Request

STATES: Final[dict[SittingState, str]] = {
    SittingState.CREATED: _("Created"),
    SittingState.SCHEDULED: _("Scheduled"),
    SittingState.CHECK_IN: _("Check-in"),
    SittingState.WAITING: _("Waiting for the start"),
    SittingState.RUNNING: _("Running"),
    SittingState.PAUSED: _("Paused"),
    SittingState.FINISHED: _("Finished"),
    SittingState.PROCESSING: _("Being processed"),
    SittingState.IN_REVIEW: _("In review"),
    SittingState.CONCLUDED: _("Concluded"),
    SittingState.DECLINED: _("Consent refused"),
    SittingState.CANCELLED: _("Cancelled"),
    SittingState.IDENTITY_REFUSED: _("Identity refused"),
    SittingState.TIMED_OUT: _("Timed out"),
    SittingState.INTERRUPTED: _("Interrupted"),
    SittingState.EXPIRED: _("Expired"),
}

CONCLUSIONS: Final[dict[Conclusion, str]] = {
    Conclusion.ACCEPTED: _("Accepted"),
    Conclusion.REJECTED: _("Rejected"),
    Conclusion.SUSPICIOUS: _("Suspicious"),
    Conclusion.NOT_REVIEWED: _("Not reviewed"),
}

WARNINGS: Final[dict[ObservationType, str]] = {
    ObservationType.EXTRA_USER_IN_FRAME: _("Another person in the picture"),
    ObservationType.SUBSTITUTION_USER: _("A different person"),
    ObservationType.NO_USER_IN_FRAME: _("Nobody in the picture"),
    ObservationType.AVERT_EYES: _("Looking away"),
    ObservationType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER: _("Another window in use"),
    ObservationType.VOICE_DETECTED: _("Voices"),
    ObservationType.FORBIDDEN_SOFTWARE: _("Forbidden software"),
    ObservationType.FORBIDDEN_DEVICE: _("Forbidden device"),
    ObservationType.BOOKS: _("Books or notes"),
    ObservationType.PHONE: _("Phone"),
    ObservationType.CHEATER: _("Repeated violation"),
}

QUICK_MESSAGES: Final[dict[str, str]] = {
    "workspace": _("Please show your desk, the room and the wall behind your screen with the camera."),
    "missing_video": _("We cannot see your camera's picture. Please check that it is connected and not covered."),
    "screen": _("Please share your whole screen again."),
    "email_support": _("Please write to the support by e-mail; the address is at the bottom of your page."),
    "interrupt": _("Please stop working on the exam for a moment and wait for the next message."),
}
"""The proctor's quick messages, in the reader's language of the room."""


def choices(request: Request, titles: dict[Any, str]) -> list[dict[str, str]]:
    """Return ``[{value, title}]`` for menus."""
    return [{"value": word.value, "title": request.translate(title)} for word, title in titles.items()]


def roles(request: Request) -> list[dict[str, str]]:
    """Return the roles for a menu."""
    return choices(request, {role: ROLE_TITLES[role] for role in Role})


def warnings(request: Request) -> list[dict[str, str]]:
    """Return what may be marked or sent by hand, in the order of the menu."""
    return choices(request, {type: WARNINGS[type] for type in WARNING_TYPES})
