"""What can be wrong between here and an identity provider, with the advice that mends it."""

from appliance.errors import ApplianceError, ErrorCode


class SignOnFailed(ApplianceError):
    """Logging in through your organisation did not work."""

    code = ErrorCode.SIGN_ON_FAILED


class ProviderAway(SignOnFailed):
    """Your organisation's log-in service cannot be reached just now."""

    code = ErrorCode.PROVIDER_AWAY


class ProviderWrong(SignOnFailed):
    """What the identity provider answered cannot be trusted or understood."""


class CredentialsRefused(SignOnFailed):
    """User name or password is wrong."""

    code = ErrorCode.LOGIN_REFUSED


class NoRole(SignOnFailed):
    """Your account is in none of the groups that have a role in Kustos; please ask your administrator."""

    code = ErrorCode.NO_ROLE
