"""A real directory and a real OpenID provider for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.appliance.sign_on.provider import BackChannel, OidcProvider
from tests.appliance.sign_on.slapd import Slapd

REDIRECT = "http://localhost/sign-on/{number}/callback"
LOGOUT = "http://localhost/login"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    server = Slapd(tmp_path_factory.mktemp("slapd") / "directory")
    server.create()
    server.start()
    server.fill()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def back_channel() -> Iterator[BackChannel]:
    listening = BackChannel()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def oidc_provider(back_channel: BackChannel) -> Iterator[OidcProvider]:
    """Knows Kustos under the numbers that a first and a second provider get in a test's database."""
    provider = OidcProvider([REDIRECT.format(number=number) for number in (1, 2)], [LOGOUT], back_channel.url)
    provider.start()
    yield provider
    provider.stop()
