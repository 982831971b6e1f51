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


class ProvedBy(StrEnum):
    """How a member of staff showed who they are, besides the password or instead of it."""

    TOTP = "totp"
    SECURITY_KEY = "security_key"
    RECOVERY_CODE = "recovery_code"
    SINGLE_SIGN_ON = "single_sign_on"
    LINK = "link"
    """A one-time link that an administrator handed over."""
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """The password alone: wakes a locked page, proves nothing."""


class Wanted(StrEnum):
    """What a log-in must put in order before anything else is open to it."""

    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """None was ever chosen, or it is older than the company's profile allows."""
    SECOND_FACTOR = "second_factor"


class LinkKind(StrEnum):
    """What a one-time link lets its bearer do."""

    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """Choose a new password; the second factors stay."""
    EVERYTHING = "everything"
    """Choose a new password and set up a second factor again: the old ones are gone."""


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
