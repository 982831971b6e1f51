"""Exams, and one candidate's attempt at one."""

from enum import StrEnum


class ExamMode(StrEnum):
    """Who decides, and when."""

    AUTO = "auto"
    OFFLINE = "offline"
    ONLINE = "online"
    IDENTIFICATION = "identification"


class SittingState(StrEnum):
    """States of one candidate's attempt; the steps between them are in ``appliance.sitting_machine``."""

    CREATED = "created"
    SCHEDULED = "scheduled"
    CHECK_IN = "check_in"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    CONCLUDED = "concluded"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    IDENTITY_REFUSED = "identity_refused"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


class Conclusion(StrEnum):
    """What a named person concluded of a sitting."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUSPICIOUS = "suspicious"
    NOT_REVIEWED = "not_reviewed"


class FinishedBy(StrEnum):
    """Who or what ended the exam."""

    CANDIDATE = "candidate"
    PROCTOR = "proctor"
    CLOCK = "clock"
    APPLIANCE = "appliance"
    """The exam's own rule, such as another person in the candidate's place."""


class CheckInStep(StrEnum):
    """The steps of the check-in, in their order."""

    CONSENT = "consent"
    SYSTEM_CHECK = "system_check"
    FACE_PHOTO = "face_photo"
    DOCUMENT_PHOTO = "document_photo"
    LIVENESS = "liveness"
    GAZE_CALIBRATION = "gaze_calibration"
    WAITING_ROOM = "waiting_room"
