"""A customer's directory by LDAP (RFC 4511): who somebody is, which groups they are in, whether they still are.

The one door to python-ldap. Every connection is encrypted and checked against the customer's authority, follows no
referral, and gives up in time.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import ldap
import ldap.filter
from ldap.controls.libldap import SimplePagedResultsControl

from appliance.sign_on.directory_connection import Connection, connect, failure_of, words_of_bind
from appliance.sign_on.failures import CredentialsRefused, ProviderAway, ProviderWrong, SignOnFailed
from appliance.sign_on.ldap_settings import DN, USERNAME, LdapSettings
from appliance.sign_on.person import Person
from appliance.vocabulary import GroupLookup

NESTED_FILTER: Final = "(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))"
"""LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3): Active Directory walks up the groups itself."""
ACCOUNT_DISABLED: Final = 0x2
"""ADS_UF_ACCOUNTDISABLE of ``userAccountControl`` (MS-ADTS 2.2.16)."""
PAGE_SIZE: Final = 500
"""Active Directory gives at most 1000 entries at a time."""
MAX_GROUPS: Final = 5000
BATCH: Final = 50
"""People asked after in one filter."""
MAX_USERNAME: Final = 250

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A person's entry."""

    dn: str
    person: Person
    disabled: bool


class Directory:
    """The servers of one provider, asked in order until one answers."""

    def __init__(self, settings: LdapSettings, bind_password: str, *, loopback: bool = False) -> None:
        """Take the settings; nothing is connected yet."""
        self.settings = settings
        self._bind_password = bind_password
        self._loopback = loopback

    def log_in(self, username: str, password: str) -> Person:
        """Return who has this name and password.

        Raises ``CredentialsRefused``, the same for an unknown name, a wrong password and a disabled account, and
        ``ProviderAway`` or ``ProviderWrong``.
        """
        # RFC 4513, 5.1.2: a bind with a name and no password succeeds as nobody, whoever's the name is
        if not password or "\0" in password or not _is_username(username):
            raise CredentialsRefused
        return self._first(lambda server: self._log_in_at(server, username.strip(), password))

    def find(self, username: str) -> Entry | None:
        """Return the person's entry without their password, for the administrator's test; groups are filled in."""
        return self._first(lambda server: self._with_service(server, lambda it: self._entry(it, username.strip())))

    def people(self, subjects: Sequence[str]) -> dict[str, Entry]:
        """Return the entries of those who are still there, with their groups."""
        return self._first(lambda server: self._with_service(server, lambda it: self._people(it, subjects)))

    def check_base(self) -> None:
        """Raise ``ProviderWrong`` when there is nothing at the base to search below."""

        def look(connection: Connection) -> None:
            with _failures(self.settings.base_dn):
                connection.search_ext_s(self.settings.base_dn, ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"])

        self._first(lambda server: self._with_service(server, look))

    def check_server(self, server: str) -> None:
        """Connect to one server as the service account; raise what is wrong."""
        self._with_service(server, lambda connection: None)

    def _first(self, act: Callable[[str], T]) -> T:
        failures: list[SignOnFailed] = []
        for server in self.settings.servers:
            try:
                return act(server)
            except ProviderAway as error:
                failures.append(error)
        words = " ".join(dict.fromkeys(error.message for error in failures))
        raise ProviderAway(words, step="connect")

    def _with_service(self, server: str, act: Callable[[Connection], T]) -> T:
        with connect(server, self.settings, loopback=self._loopback) as connection:
            if not self._bind_password:
                raise ProviderWrong(
                    "The service account has no password; without one nobody is logged in.", step="bind"
                )
            try:
                connection.simple_bind_s(self.settings.bind_dn, self._bind_password)
            except ldap.LDAPError as error:
                raise _of_service_bind(error, self.settings) from error
            return act(connection)

    def _log_in_at(self, server: str, username: str, password: str) -> Person:
        entry = self._with_service(server, lambda connection: self._entry(connection, username))
        # who is unknown costs a bind too, so that time tells nobody which names there are
        dn = entry.dn if entry is not None else f"cn={uuid.uuid4().hex},{self.settings.base_dn}"
        with connect(server, self.settings, loopback=self._loopback) as connection:
            try:
                connection.simple_bind_s(dn, password)
            except (
                ldap.INVALID_CREDENTIALS,
                ldap.NO_SUCH_OBJECT,
                ldap.INVALID_DN_SYNTAX,
                ldap.UNWILLING_TO_PERFORM,
            ) as error:
                raise CredentialsRefused(words_of_bind(error)) from None
            except ldap.LDAPError as error:
                raise failure_of(error, server) from error
        if entry is None or entry.disabled:
            raise CredentialsRefused
        return entry.person

    def _entry(self, connection: Connection, username: str) -> Entry | None:
        wanted = fill(self.settings.user_filter, USERNAME, username)
        with _failures(self.settings.base_dn):
            rows = list(_paged(connection, self.settings.base_dn, wanted, self._attributes(), most=2))
        if len(rows) > 1:
            raise ProviderWrong(f"The filter finds several people with the name “{username[:100]}”.", step="search")
        return self._with_groups(connection, self._read(*rows[0])) if rows else None

    def _people(self, connection: Connection, subjects: Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        attribute = self.settings.subject_attribute
        for start in range(0, len(subjects), BATCH):
            parts = [f"({attribute}={escape_subject(attribute, one)})" for one in subjects[start : start + BATCH]]
            with _failures(self.settings.base_dn):
                rows = list(_paged(connection, self.settings.base_dn, f"(|{''.join(parts)})", self._attributes()))
            for row in rows:
                entry = self._with_groups(connection, self._read(*row))
                found[entry.person.subject] = entry
        return found

    def _attributes(self) -> list[str]:
        own = self.settings
        named = {own.subject_attribute, own.name_attribute, own.email_attribute}
        return sorted(named | {"memberOf", "userAccountControl", "nsAccountLock"})

    def _read(self, dn: str, row: dict[str, list[bytes]]) -> Entry:
        values = {name.lower(): content for name, content in row.items()}
        own = self.settings
        raw = values.get(own.subject_attribute.lower(), [])
        if not raw:
            words = f"The entry has no {own.subject_attribute}; choose an attribute that every person has."
            raise ProviderWrong(words, step="search")
        person = Person(
            subject=read_subject(own.subject_attribute, raw[0]),
            name=_one(values, own.name_attribute),
            email=_one(values, own.email_attribute),
            email_is_verified=True,
            groups=tuple(_texts(values.get("memberof", []))),
        )
        return Entry(dn, person, _is_disabled(values))

    def _with_groups(self, connection: Connection, entry: Entry) -> Entry:
        own = self.settings
        if own.group_lookup is GroupLookup.MEMBER_OF:
            return entry
        wanted = fill(NESTED_FILTER if own.group_lookup is GroupLookup.NESTED else own.group_filter, DN, entry.dn)
        base = own.group_base_dn or own.base_dn
        with _failures(base):
            rows = _paged(connection, base, wanted, ["1.1"], most=MAX_GROUPS)
            groups = tuple(dn for dn, _attributes in rows)
        return replace(entry, person=replace(entry.person, groups=groups))


def fill(template: str, mark: str, value: str) -> str:
    """Return the filter with the value in it, escaped (RFC 4515, 3): nothing in it is read as a filter."""
    return template.replace(mark, ldap.filter.escape_filter_chars(value))


def read_subject(attribute: str, value: bytes) -> str:
    """Return the value as text; a GUID as it is usually written (its first three fields are little-endian)."""
    if attribute.lower() == "objectguid" and len(value) == 16:
        return str(uuid.UUID(bytes_le=value))
    return value.decode("utf-8", "replace")


def escape_subject(attribute: str, subject: str) -> str:
    """Return the value as a filter wants it."""
    if attribute.lower() != "objectguid":
        return str(ldap.filter.escape_filter_chars(subject))
    with suppress(ValueError):
        return "".join(f"\\{byte:02x}" for byte in uuid.UUID(subject).bytes_le)
    return str(ldap.filter.escape_filter_chars(subject))


def _paged(
    connection: Connection, base: str, wanted: str, attributes: list[str], most: int | None = None
) -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """Yield entries page by page (RFC 2696); references to other servers are left out."""
    control, count = SimplePagedResultsControl(criticality=False, size=PAGE_SIZE, cookie=""), 0
    while True:
        number = connection.search_ext(base, ldap.SCOPE_SUBTREE, wanted, attributes, serverctrls=[control])
        _kind, rows, _number, answered = connection.result3(number)
        for dn, row in rows:
            if dn is None:
                continue
            yield dn, row
            count += 1
            if most is not None and count >= most:
                return
        told = [one for one in answered if one.controlType == SimplePagedResultsControl.controlType]
        if not told or not told[0].cookie:
            return
        control.cookie = told[0].cookie


@contextmanager
def _failures(base: str) -> Iterator[None]:
    try:
        yield
    except ldap.NO_SUCH_OBJECT as error:
        raise ProviderWrong(
            f"There is nothing at “{base}”, or the service account may not see it.", step="search"
        ) from error
    except (ldap.FILTER_ERROR, ldap.INVALID_DN_SYNTAX) as error:
        raise ProviderWrong(
            f"The directory does not understand the filter or the base “{base}”.", step="search"
        ) from error
    except ldap.LDAPError as error:
        raise failure_of(error, "") from error


def _of_service_bind(error: ldap.LDAPError, settings: LdapSettings) -> SignOnFailed:
    if isinstance(error, ldap.INVALID_CREDENTIALS | ldap.NO_SUCH_OBJECT | ldap.INVALID_DN_SYNTAX):
        why = words_of_bind(error)
        told = f" {why}" if why else ""
        return ProviderWrong(
            f"The directory refuses the service account {settings.bind_dn} or its password.{told}", step="bind"
        )
    return failure_of(error, "")


def _is_username(text: str) -> bool:
    return 0 < len(text.strip()) <= MAX_USERNAME and text.strip().isprintable()


def _is_disabled(values: dict[str, list[bytes]]) -> bool:
    control = _one(values, "userAccountControl")
    is_off = control.lstrip("-").isdigit() and bool(int(control) & ACCOUNT_DISABLED)
    return is_off or _one(values, "nsAccountLock").lower() == "true"  # the latter: 389 Directory Server, FreeIPA


def _one(values: dict[str, list[Any]], attribute: str) -> str:
    return next(iter(_texts(values.get(attribute.lower(), []))), "")[:250]


def _texts(values: Iterable[bytes]) -> list[str]:
    return [" ".join(value.decode("utf-8", "replace").split()) for value in values]
