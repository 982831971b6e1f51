"""Who takes part, and how they talk."""

from enum import StrEnum


class Role(StrEnum):
    """What a member of staff may be; the permissions of each stand in ``appliance.security.permission_map``."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    PROCTOR = "proctor"
    REVIEWER = "reviewer"
    SECURITY_OFFICER = "security_officer"
    SUPPORT = "support"
    AUDITOR = "auditor"


class ConversationKind(StrEnum):
    """Who sends in a conversation, and who hears."""

    CALL = "call"
    """Host and one candidate; the candidate's camera and microphone are sent already."""
    BROADCAST = "broadcast"
    """The host speaks to many candidates; none hears another."""
    CONFERENCE = "conference"
    """A commission: everybody sends, everybody sees and hears everybody else."""


class SeatState(StrEnum):
    """What somebody made of the invitation to a conversation."""

    INVITED = "invited"
    JOINED = "joined"
    DECLINED = "declined"
    LEFT = "left"


class ChatAuthor(StrEnum):
    """Which side wrote a chat message."""

    CANDIDATE = "candidate"
    PROCTOR = "proctor"
    SYSTEM = "system"


class ChatKind(StrEnum):
    """An ``incident`` message blocks the exam's content until a normal one follows."""

    MESSAGE = "message"
    INCIDENT = "incident"
