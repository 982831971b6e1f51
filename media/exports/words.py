"""The few words that are drawn into pictures, in the language of who asked for the export."""

from typing import Final

from appliance.vocabulary import GapCause

CAUSES: Final[dict[str, dict[str, str]]] = {
    "en": {
        GapCause.NODE_LOST: "The media server failed",
        GapCause.CONNECTION_LOST: "The candidate's connection was lost",
        GapCause.SHARE_STOPPED: "The candidate stopped sharing the screen",
        GapCause.CAMERA_STOPPED: "The candidate's camera stopped",
        GapCause.RECORDER_FAILED: "The recorder failed",
        GapCause.PAGE_CLOSED: "The candidate closed the page",
        GapCause.UNKNOWN: "The cause is not known",
        "": "The cause is not known",
    },
    "ru": {
        GapCause.NODE_LOST: "Отказ медиасервера",
        GapCause.CONNECTION_LOST: "Связь с кандидатом прервалась",
        GapCause.SHARE_STOPPED: "Кандидат остановил показ экрана",
        GapCause.CAMERA_STOPPED: "Камера кандидата отключилась",
        GapCause.RECORDER_FAILED: "Сбой записи",
        GapCause.PAGE_CLOSED: "Кандидат закрыл страницу",
        GapCause.UNKNOWN: "Причина неизвестна",
        "": "Причина неизвестна",
    },
}

PHRASES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "nothing": "No recording",
        "camera": "Camera",
        "screen": "Screen",
        "sitting": "Sitting",
        "candidate_source": "supplied by the candidate",
    },
    "ru": {
        "nothing": "Нет записи",
        "camera": "Камера",
        "screen": "Экран",
        "sitting": "Сеанс",
        "candidate_source": "запись кандидата",
    },
}


def cause_words(language: str, cause: str) -> str:
    """Return a gap's cause; English where the language, or the word for a newer cause, is missing."""
    english = CAUSES["en"]
    return CAUSES.get(language, english).get(cause) or english.get(cause) or cause.replace("_", " ")


def phrase(language: str, name: str) -> str:
    """Return a fixed phrase."""
    return PHRASES.get(language, PHRASES["en"])[name]


def clock(ms: int) -> str:
    """Return a span as ``0:12:34``."""
    seconds = max(0, ms) // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
