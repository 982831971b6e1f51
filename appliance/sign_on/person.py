"""Who somebody is, as an identity provider says."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """What the provider vouches for."""

    subject: str
    """Never changes and never belongs to somebody else."""
    name: str
    email: str
    """Empty: none told."""
    email_is_verified: bool = False
    """Whether the provider itself stands in for the e-mail; a directory does, an OpenID provider says."""
    groups: tuple[str, ...] = ()
    second_factor: bool = False
    """Whether the provider was shown one at this log-in."""
    authenticated_at: float | None = None
    """POSIX seconds: when the provider last asked who this is; it need not ask at each log-in."""
    sid: str = ""
    """The provider's name of its session."""
    id_token: str = field(default="", repr=False)
