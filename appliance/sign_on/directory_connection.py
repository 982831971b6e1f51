"""One encrypted connection to one LDAP server, and what its failures mean."""

import re
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import ldap

from appliance.outgoing import is_allowed
from appliance.sign_on.failures import ProviderAway, ProviderWrong, SignOnFailed
from appliance.sign_on.fetch import policy_for, tls_context
from appliance.sign_on.ldap_settings import LdapSettings

Connection = Any
"""``ldap.ldapobject.LDAPObject``; python-ldap is not typed."""

SYSTEM_AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
TLS_1_2: Final = 0x303

START_TLS: Final = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""The extended request of RFC 4511, 4.14.1, as message 1."""

AD_REASONS: Final = {
    "530": "The account may not log in at this time.",
    "531": "The account may not log in from here.",
    "532": "Your password has expired; change it where you usually do, then log in here.",
    "533": "",
    "701": "The account has expired; ask your administrator.",
    "773": "You must change your password first, where you usually do; then log in here.",
    "775": "The account is locked in the directory; ask your administrator.",
}
"""Active Directory's reason within an error 49; it tells these only to who gave the right password (but 775)."""


@contextmanager
def connect(server: str, settings: LdapSettings, *, loopback: bool) -> Iterator[Connection]:
    """Yield a connection, encrypted and checked but not bound; raise ``ProviderAway`` or ``ProviderWrong``."""
    parts = urlsplit(server)
    host, port = parts.hostname or "", parts.port or (636 if parts.scheme == "ldaps" else 389)
    _judge(host, port, loopback=loopback)
    scheme = "ldaps" if parts.scheme == "ldaps" else "ldap"
    name = f"[{host}]" if ":" in host else host
    connection = ldap.initialize(f"{scheme}://{name}:{port}")
    connection.protocol_version = ldap.VERSION3
    connection.set_option(ldap.OPT_REFERRALS, 0)  # another server would be sent the password
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, settings.timeout_seconds)
    connection.set_option(ldap.OPT_TIMEOUT, settings.timeout_seconds)
    connection.timeout = settings.timeout_seconds
    try:
        if parts.scheme != "ldap+plain":
            _try_tls(host, port, settings, start_tls=scheme == "ldap")
            _encrypt(connection, settings.ca_certificate)
            if scheme == "ldap":
                connection.start_tls_s()
            else:
                _open(connection)
        yield connection
    except ldap.LDAPError as error:
        raise failure_of(error, server) from error
    finally:
        with suppress(ldap.LDAPError):
            connection.unbind_s()


def failure_of(error: ldap.LDAPError, server: str) -> SignOnFailed:
    """Return the failure in words; the directory's own words are kept short and hold no password."""
    place = urlsplit(server).hostname or "The directory"
    if isinstance(error, ldap.SERVER_DOWN | ldap.TIMEOUT | ldap.CONNECT_ERROR | ldap.TIMELIMIT_EXCEEDED):
        return ProviderAway(f"{place} does not answer.", step="connect")
    if isinstance(error, ldap.BUSY | ldap.UNAVAILABLE):
        return ProviderAway(f"{place} is too busy or shutting down.", step="connect")
    return ProviderWrong(f"{place} answers: {_told(error, 'desc')}.", step="answer")


def words_of_bind(error: ldap.LDAPError) -> str:
    """Return why Active Directory refuses a bind, where its answer says so; else nothing."""
    found = re.search(r"\bdata ([0-9a-f]+)", _told(error, "info"))
    return AD_REASONS.get(found[1], "") if found else ""


def _encrypt(connection: Connection, ca_certificate: str) -> None:
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, TLS_1_2)
    if not ca_certificate:
        known = SYSTEM_AUTHORITIES if SYSTEM_AUTHORITIES.exists() else Path(certifi.where())
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(known))
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        return
    tls_context(ca_certificate)  # says it clearly when it is no certificate
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # libldap takes a file; it is read at once
        file.write(ca_certificate)
        file.flush()
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, file.name)
        try:
            connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        except (ldap.LDAPError, ValueError) as error:
            raise ProviderWrong("The certificate of the authority cannot be used.", step="tls") from error


def _judge(host: str, port: int, *, loopback: bool) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProviderAway(f"The name {host} is not known here; check DNS.", step="name") from error
    policy = policy_for(host, loopback=loopback)
    for one in found:
        if not is_allowed(ip_address(str(one[4][0]).partition("%")[0]), host, policy):
            raise ProviderWrong(f"{host} is at {one[4][0]}, where no directory may be.", step="address")


def _open(connection: Connection) -> None:
    """Connect: libldap does so at the first request, whatever becomes of it."""
    try:
        connection.whoami_s()
    except (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.CONNECT_ERROR):
        raise
    except ldap.LDAPError:
        pass  # refused to who is nobody yet, or not known


def _try_tls(host: str, port: int, settings: LdapSettings, *, start_tls: bool) -> None:
    """Shake hands once by ourselves, and raise what is wrong in words.

    libldap waits without end for a server that takes the connection and then says nothing, and it does not tell a
    wrong certificate from a closed port.
    """
    try:
        with socket.create_connection((host, port), timeout=settings.timeout_seconds) as plain:
            if start_tls:
                plain.sendall(START_TLS)
                if b"\x0a\x01\x00" not in plain.recv(1024):  # resultCode 0
                    raise ProviderWrong(f"{host} does not offer StartTLS; use ldaps://.", step="tls")
            with tls_context(settings.ca_certificate).wrap_socket(plain, server_hostname=host):
                return
    except ssl.SSLCertVerificationError as error:
        words = f"The certificate of {host} is not trusted: {error.verify_message.rstrip('.')}."
        raise ProviderWrong(f"{words} Enter your authority's certificate.", step="tls") from error
    except ssl.SSLError as error:
        raise ProviderWrong(f"{host} does not speak TLS at port {port} ({error.reason}).", step="tls") from error
    except TimeoutError as error:
        raise ProviderAway(f"{host} does not answer at port {port}.", step="connect") from error
    except OSError as error:
        words = f"{host} refuses the connection at port {port}; check name, port, firewall."
        raise ProviderAway(words, step="connect") from error


def _told(error: ldap.LDAPError, part: str) -> str:
    content = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(content.get(part, ""))[:200]
