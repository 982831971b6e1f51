"""What is seen, heard or marked, and what people say of it."""

from enum import StrEnum


class ObservationSource(StrEnum):
    """Who saw it."""

    DETECTOR = "detector"
    BROWSER = "browser"
    ON_DEVICE = "on_device"
    """The same detectors, run by the candidate's own browser: as trustworthy as that browser."""
    HUMAN = "human"


class Decision(StrEnum):
    """What a person said of an observation."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class ObservationType(StrEnum):
    """Codes of what can be seen, heard or marked; technical ones never lower the score."""

    EXTRA_USER_IN_FRAME = "extra_user_in_frame"
    SUBSTITUTION_USER = "substitution_user"
    NO_USER_IN_FRAME = "no_user_in_frame"
    AVERT_EYES = "avert_eyes"
    CHANGE_ACTIVE_WINDOW_ON_COMPUTER = "change_active_window_on_computer"
    FULL_SCREEN_LEFT = "full_screen_left"
    CLIPBOARD = "clipboard"
    VOICE_DETECTED = "voice_detected"
    TALK = "talk"
    FORBIDDEN_SOFTWARE = "forbidden_software"
    FORBIDDEN_DEVICE = "forbidden_device"
    PHONE = "phone"
    PHONE_SCREEN = "phone_screen"
    BOOKS = "books"
    EXTRA_DISPLAY = "extra_display"
    CHEATER = "cheater"
    NONVERBAL = "nonverbal"
    TIMEOUT = "timeout"
    MIC_MUTED = "mic_muted"
    MIC_NO_SOUND = "mic_no_sound"
    MIC_NO_DEVICE_CONNECTED = "mic_no_device_connected"
    CAMERA_NO_PICTURE = "camera_no_picture"
    CAMERA_NO_DEVICE_CONNECTED = "camera_no_device_connected"
    DESKTOP_REQUEST_PENDING = "desktop_request_pending"
    NO_PING = "no_ping"
    VIRTUAL_MACHINE = "virtual_machine"
    UNDETERMINED = "undetermined"


TECHNICAL_TYPES = frozenset(
    {
        ObservationType.TIMEOUT,
        ObservationType.MIC_MUTED,
        ObservationType.MIC_NO_SOUND,
        ObservationType.MIC_NO_DEVICE_CONNECTED,
        ObservationType.CAMERA_NO_PICTURE,
        ObservationType.CAMERA_NO_DEVICE_CONNECTED,
        ObservationType.DESKTOP_REQUEST_PENDING,
        ObservationType.NO_PING,
        ObservationType.VIRTUAL_MACHINE,
        ObservationType.UNDETERMINED,
    }
)
"""Faults of machines and doubts: shown and counted, never scored."""


BROWSER_TYPES = frozenset(
    {
        ObservationType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER,
        ObservationType.FULL_SCREEN_LEFT,
        ObservationType.CLIPBOARD,
        ObservationType.EXTRA_DISPLAY,
        ObservationType.MIC_MUTED,
        ObservationType.MIC_NO_SOUND,
        ObservationType.MIC_NO_DEVICE_CONNECTED,
        ObservationType.CAMERA_NO_DEVICE_CONNECTED,
        ObservationType.DESKTOP_REQUEST_PENDING,
        ObservationType.VIRTUAL_MACHINE,
    }
)
"""What a candidate's browser may report of itself."""


ON_DEVICE_TYPES = frozenset(
    {
        ObservationType.EXTRA_USER_IN_FRAME,
        ObservationType.SUBSTITUTION_USER,
        ObservationType.NO_USER_IN_FRAME,
        ObservationType.AVERT_EYES,
        ObservationType.VOICE_DETECTED,
        ObservationType.TALK,
        ObservationType.CAMERA_NO_PICTURE,
        ObservationType.MIC_NO_SOUND,
        ObservationType.UNDETERMINED,
    }
)
"""What the analysis in a candidate's browser may find, in exams that ask for it."""


WARNING_TYPES = (
    ObservationType.EXTRA_USER_IN_FRAME,
    ObservationType.SUBSTITUTION_USER,
    ObservationType.NO_USER_IN_FRAME,
    ObservationType.AVERT_EYES,
    ObservationType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER,
    ObservationType.VOICE_DETECTED,
    ObservationType.FORBIDDEN_SOFTWARE,
    ObservationType.FORBIDDEN_DEVICE,
    ObservationType.BOOKS,
    ObservationType.PHONE,
    ObservationType.CHEATER,
)
"""What a proctor or reviewer may mark or send by hand, in the order of the menu."""
