"""How staff log in through their organisation's own accounts."""

from enum import StrEnum


class IdentityProviderKind(StrEnum):
    """What is spoken with an identity provider."""

    OIDC = "oidc"
    LDAP = "ldap"


class GroupLookup(StrEnum):
    """Where a directory says which groups a person is in."""

    MEMBER_OF = "member_of"
    """An attribute of the person's entry."""
    SEARCH = "search"
    """Entries of groups that name the person."""
    NESTED = "nested"
    """Active Directory: groups within groups too (LDAP_MATCHING_RULE_IN_CHAIN)."""


class LocalPasswords(StrEnum):
    """Who may log in with a password that Kustos keeps."""

    ALLOWED = "allowed"
    BREAK_GLASS = "break_glass"
    """Only the accounts that are kept for the day on which the identity provider is away."""
