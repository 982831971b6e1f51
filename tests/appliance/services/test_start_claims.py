"""A stranger's claims."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import LinkInvalid
from appliance.services import start_claims
from appliance.vocabulary import ExamMode

CLAIMS = {
    "userId": "u-1",
    "accountId": "uni",
    "accountName": "University",
    "examId": "e-1",
    "examName": "Algebra",
    "duration": 90,
    "schedule": False,
    "proctoring": "online",
    "startDate": "2026-11-01T08:00:00Z",
    "endDate": "2026-11-30T20:00:00+0300",
    "sessionId": "s-1",
    "sessionUrl": "https://lms.example/mod/quiz/view.php?id=7",
}


def test_the_least_there_can_be() -> None:
    claims = start_claims.read(CLAIMS)
    assert (claims.user_id, claims.exam_id, claims.session_id) == ("u-1", "e-1", "s-1")
    assert (claims.duration_minutes, claims.mode, claims.language) == (90, ExamMode.ONLINE, "en")
    assert claims.opens_at == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert claims.closes_at == datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert claims.rules == {} and claims.weights is None and claims.identification is None


def test_all_there_is_room_for() -> None:
    claims = start_claims.read(
        {
            **CLAIMS,
            "firstName": "Ada",
            "thirdName": "King",
            "lastName": "Lovelace",
            "email": "ada@example.org",
            "language": "ru_RU",
            "identification": "face",
            "rules": {
                "allow_voices": True,
                "allow_to_use_books": False,
                "drop_table": 1,
                "custom_rules": "Be\nkind.",
            },
            "scoreConfig": {"cheater_level": 75, "multipliers": {"phone": 3, "voice": None}},
            "visibleWarnings": {"warning_phone": True, "warning_talk": False},
            "biometricIdentification": {"enabled": 1, "skip_fail": 0, "photo_url": "https://x.example/"},
            "allowMultipleDisplays": False,
            "userAgreementUrl": "https://uni.example/terms",
            "trial": True,
        }
    )
    assert (claims.first_name, claims.last_name, claims.language) == ("Ada King", "Lovelace", "ru")
    assert claims.rules == {
        "allow_voices": True,
        "allow_to_use_books": False,
        "custom_rules": "Be\nkind.",
        "visible_warnings": ["phone"],
        "biometric_identification": {"enabled": True, "skip_fail": False},
        "allow_multiple_displays": False,
        "user_agreement_url": "https://uni.example/terms",
    }
    assert (claims.weights, claims.thresholds, claims.identification) == ({"phone": 3.0}, {"rejected": 75}, "face")


def test_texts_are_cut_and_cleaned() -> None:
    claims = start_claims.read(
        {**CLAIMS, "examName": "A\0\r\nB" + "x" * 999, "firstName": "\ud800Ada", "language": "xx"}
    )
    assert (
        claims.exam_name.startswith("A\N{REPLACEMENT CHARACTER}  B")
        and len(claims.exam_name) == start_claims.MAX_TEXT
    )
    assert claims.first_name == "?Ada" and claims.language == "en"


@pytest.mark.parametrize("name", start_claims.REQUIRED)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(LinkInvalid, match=name):
        start_claims.read({key: value for key, value in CLAIMS.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("userId", ""),
        ("userId", "x" * 251),
        ("userId", {"$ne": None}),
        ("sessionId", True),
        ("duration", 0),
        ("duration", "an hour"),
        ("duration", 10**9),
        ("proctoring", "offlin"),
        ("startDate", "tomorrow"),
        ("endDate", 10**30),
        ("sessionUrl", "javascript:alert(1)"),
        ("sessionUrl", "file:///etc/passwd"),
        ("sessionUrl", "https://"),
        ("sessionUrl", "https://[x"),
        ("userAgreementUrl", "data:text/html,hi"),
        ("identification", "retina"),
        ("scoreConfig", {"multipliers": {"phone": 99}}),
        ("scoreConfig", {"multipliers": {"phoney": 1}}),
        ("scoreConfig", {"cheater_level": 101}),
    ],
)
def test_what_is_wrong_is_named(name: str, value: object) -> None:
    with pytest.raises(LinkInvalid, match=name):
        start_claims.read({**CLAIMS, name: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
custom = st.fixed_dictionaries({"custom_rules": json_values, "allow_voices": json_values})
optional = ("rules", "scoreConfig", "visibleWarnings", "biometricIdentification", "language", "email", "firstName")


@given(st.sampled_from(start_claims.REQUIRED + optional), json_values | custom)
def test_any_value_is_read_or_refused(name: str, value: object) -> None:
    try:
        claims = start_claims.read({**CLAIMS, name: value})
    except LinkInvalid:
        return
    assert 0 < len(claims.user_id) <= start_claims.MAX_TEXT and claims.user_id.isprintable()
    kept = repr(claims)  # what the database could not keep
    assert "\\x00" not in kept and "\\ud8" not in kept
