"""From a person's groups to their role: the first rule that fits decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.vocabulary import Role

EVERYBODY = "*"
"""A group that everybody is in whom the provider lets in."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Whoever is in ``group`` has ``role``. The group as the provider names it; of a DN its first value is enough."""

    group: str
    role: Role


def role_of(rules: Sequence[RoleRule], groups: Iterable[str]) -> Role | None:
    """Return the role of somebody in these groups, None when no rule fits; case does not matter."""
    names = {name for group in groups for name in (group.casefold(), first_value(group).casefold())}
    for rule in rules:
        if rule.group == EVERYBODY or rule.group.casefold() in names:
            return rule.role
    return None


def first_value(group: str) -> str:
    """Return ``Proctors`` of ``CN=Proctors,OU=Groups,DC=example,DC=org``; what is no DN as it is.

    An escaped comma (RFC 4514) belongs to the value.
    """
    name, separator, rest = group.partition("=")
    if not separator or name.strip().lower() != "cn":
        return group
    value, escaped = "", False
    for character in rest:
        if escaped:
            value, escaped = value + character, False
        elif character == "\\":
            escaped = True
        elif character in ",+":
            break
        else:
            value += character
    return value.strip()


def of_rows(rows: Iterable[dict[str, str]]) -> list[RoleRule]:
    """Return the rules as they are kept in ``IdentityProvider.role_rules``."""
    return [RoleRule(row["group"], Role(row["role"])) for row in rows]
