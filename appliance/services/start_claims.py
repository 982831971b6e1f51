"""The claims of a start link (JWT of the "simple integration"): a stranger's words become plain values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.errors import BadInput, LinkInvalid
from appliance.scoring import checked_weights
from appliance.services.check_ins import PHOTOS_OF
from appliance.services.free_text import one_line, storable
from appliance.vocabulary import ExamMode

REQUIRED: Final = (
    "userId",
    "accountId",
    "accountName",
    "examId",
    "examName",
    "duration",
    "schedule",
    "proctoring",
    "startDate",
    "endDate",
    "sessionId",
    "sessionUrl",
)

MAX_TEXT: Final = 250
MAX_RULES_TEXT: Final = 10_000
MAX_URL: Final = 2000
MAX_DURATION: Final = 24 * 60
LANGUAGES: Final = ("en", "ru")
KEPT_RULES: Final = frozenset(
    {
        "allow_to_use_websites",
        "allow_to_use_books",
        "allow_to_use_paper",
        "allow_to_use_messengers",
        "allow_to_use_calculator",
        "allow_to_use_excel",
        "allow_to_use_human_assistant",
        "allow_absence_in_frame",
        "allow_voices",
        "allow_wrong_gaze_direction",
    }
)
DISPLAY_FLAGS: Final = {
    "allowMultipleDisplays": "allow_multiple_displays",
    "allowMobileDevices": "allow_mobile_devices",
    "allowVirtualEnvironment": "allow_virtual_environment",
}


@dataclass(frozen=True, slots=True)
class StartClaims:
    """What a start link says. ``None`` in the exam's part means: not said, leave as it is."""

    user_id: str
    exam_id: str
    session_id: str
    exam_name: str
    duration_minutes: int
    mode: ExamMode
    opens_at: datetime | None
    closes_at: datetime | None
    session_url: str
    first_name: str
    last_name: str
    email: str
    language: str
    identification: str | None
    rules: dict[str, Any]
    weights: dict[str, float] | None
    thresholds: dict[str, int] | None
    measures_faces: bool | None = None
    """``biometricIdentification.enabled``; false: no template may be made, whatever the exam was set to."""
    overlooks_failure: bool | None = None
    """``biometricIdentification.skip_fail``: nobody is stopped because a face was not recognised."""


def read(claims: Mapping[str, Any]) -> StartClaims:
    """Return the claims cut to size; raise ``LinkInvalid`` naming the first one that is missing or wrong."""
    missing = [name for name in REQUIRED if name not in claims]
    if missing:
        raise LinkInvalid(f"The link lacks {', '.join(missing)}; the course must be set up again.", missing=missing)
    language = str(claims.get("language") or "en").lower()[:2]
    first, last = _names(claims)
    score_config = _object(claims, "scoreConfig")
    return StartClaims(
        user_id=_id(claims, "userId"),
        exam_id=_id(claims, "examId"),
        session_id=_id(claims, "sessionId"),
        exam_name=_text(claims, "examName") or _id(claims, "examId"),
        duration_minutes=_duration(claims["duration"]),
        mode=_word(claims, "proctoring", {mode.value: mode for mode in ExamMode}),
        opens_at=_date(claims, "startDate"),
        closes_at=_date(claims, "endDate"),
        session_url=_url(claims, "sessionUrl"),
        first_name=first,
        last_name=last,
        email=_text(claims, "email"),
        language=language if language in LANGUAGES else "en",
        identification=_identification(claims),
        rules=_rules(claims),
        weights=_weights(score_config),
        thresholds=_thresholds(score_config),
        measures_faces=_flag(_object(claims, "biometricIdentification"), "enabled"),
        overlooks_failure=_flag(_object(claims, "biometricIdentification"), "skip_fail"),
    )


def _names(claims: Mapping[str, Any]) -> tuple[str, str]:
    first = " ".join(part for part in (_text(claims, "firstName"), _text(claims, "thirdName")) if part)
    return first, _text(claims, "lastName")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return "" if value is None else one_line(str(value))[:MAX_TEXT]


def _id(claims: Mapping[str, Any], name: str) -> str:
    """Return an id whole: cutting it could make two people one."""
    value = claims[name]
    text = one_line(str(value))
    if isinstance(value, bool) or not isinstance(value, str | int) or not 0 < len(text) <= MAX_TEXT:
        raise LinkInvalid(f"{name} in the link must be a text of 1 to {MAX_TEXT} characters.", field=name)
    return text


def _duration(value: object) -> int:
    try:
        minutes = int(str(value))
    except ValueError:
        minutes = 0
    if not 0 < minutes <= MAX_DURATION:
        raise LinkInvalid(f"duration in the link must be 1 to {MAX_DURATION} minutes.", field="duration")
    return minutes


def _word(claims: Mapping[str, Any], name: str, words: Mapping[str, Any]) -> Any:
    value = claims[name]
    if not isinstance(value, str) or value not in words:
        raise LinkInvalid(f"{name} in the link must be one of {', '.join(words)}.", field=name)
    return words[value]


def _date(claims: Mapping[str, Any], name: str) -> datetime | None:
    """Return an ISO 8601 date (UTC where it names no zone) or seconds since the epoch; None where it is empty."""
    value = claims[name]
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise LinkInvalid(f"{name} in the link is no date (ISO 8601).", field=name) from error


def _url(claims: Mapping[str, Any], name: str) -> str:
    """Return a web address: it is shown in a frame, so a script or a file must not pass for one."""
    text = one_line(str(claims.get(name) or ""))
    if not text:
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if len(text) > MAX_URL or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise LinkInvalid(f"{name} in the link must be an http or https address.", field=name)
    return text


def _object(claims: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = claims.get(name)
    return value if isinstance(value, dict) else {}  # PHP sends an empty object as []


def _flag(given: Mapping[str, Any], name: str) -> bool | None:
    return bool(given[name]) if name in given else None


def _identification(claims: Mapping[str, Any]) -> str | None:
    if claims.get("identification") in (None, ""):
        return None
    return str(_word(claims, "identification", {word: word for word in PHOTOS_OF}))


def _rules(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules there is room for, with what else decides how the exam is watched."""
    given = _object(claims, "rules")
    rules: dict[str, Any] = {name: bool(given[name]) for name in sorted(KEPT_RULES & set(given))}
    custom = given.get("custom_rules") or claims.get("customRules")
    if custom:
        rules["custom_rules"] = storable(str(custom))[:MAX_RULES_TEXT]
    rules |= {rule: bool(claims[claim]) for claim, rule in DISPLAY_FLAGS.items() if claim in claims}
    if "visibleWarnings" in claims:
        rules["visible_warnings"] = _visible_warnings(claims["visibleWarnings"])
    biometric = _object(claims, "biometricIdentification")
    if biometric:
        rules["biometric_identification"] = {
            "enabled": bool(biometric.get("enabled")),
            "skip_fail": bool(biometric.get("skip_fail")),
        }
    if claims.get("userAgreementUrl"):
        rules["user_agreement_url"] = _url(claims, "userAgreementUrl")
    return rules


def _visible_warnings(value: object) -> list[str]:
    """Return incident types from ``{"warning_phone": true, …}`` or from a list of names."""
    names = [name for name, shown in value.items() if shown] if isinstance(value, dict) else value
    if not isinstance(names, list):
        return []
    return sorted({one_line(str(name))[:64].lower().removeprefix("warning_") for name in names[:100]})


def _weights(score_config: dict[str, Any]) -> dict[str, float] | None:
    multipliers = score_config.get("multipliers")
    if not isinstance(multipliers, dict):
        return None
    try:
        return checked_weights({name: value for name, value in multipliers.items() if value is not None})
    except BadInput as error:
        raise LinkInvalid(f"scoreConfig in the link: {error.message}", field="scoreConfig") from error


def _thresholds(score_config: dict[str, Any]) -> dict[str, int] | None:
    level = score_config.get("cheater_level")
    if level is None:
        return None
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 <= level <= 100:
        raise LinkInvalid("scoreConfig.cheater_level in the link must be 0 to 100.", field="scoreConfig")
    return {"rejected": round(level)}
