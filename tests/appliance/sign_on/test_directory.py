"""The directory against a real slapd: TLS, names, groups, what is refused, and what goes wrong."""

import select
import socket
import threading
import time

import pytest

from appliance.sign_on import directory as module
from appliance.sign_on.directory import NESTED_FILTER, Directory, escape_subject, fill, read_subject
from appliance.sign_on.failures import CredentialsRefused, ProviderAway, ProviderWrong
from appliance.sign_on.ldap_settings import LdapSettings
from appliance.vocabulary import GroupLookup
from tests.appliance.sign_on.slapd import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD, write_certificates


@pytest.fixture(scope="module")
def people(slapd):
    """Ann is in two groups, Bob in none; 30 groups more than a page has hold Cy."""
    ann, cy = slapd.add_person("ann", "Ann Proctor"), slapd.add_person("cy", "Cy Many")
    slapd.add_person("bob", "Bob (Robert) Star*")
    slapd.add_group("proctors", [ann])
    slapd.add_group("staff", [ann, cy])
    for number in range(30):
        slapd.add_group(f"course-{number}", [cy])


@pytest.fixture
def make_directory(slapd, people):
    def make(password=SERVICE_PASSWORD, **own):
        settings = {"servers": (slapd.ldaps,), "bind_dn": SERVICE, "base_dn": BASE, "ca_certificate": slapd.authority}
        return Directory(LdapSettings(**{**settings, **own}), password, loopback=True)

    return make


@pytest.mark.parametrize("kind", ["ldap", "ldaps"])
def test_a_person_logs_in_over_either_kind_of_tls(make_directory, slapd, kind):
    person = make_directory(servers=(getattr(slapd, kind),)).log_in(" ann ", PASSWORD)
    assert (person.name, person.email, person.email_is_verified) == ("Ann Proctor", "ann@example.org", True)
    assert len(person.subject) == 36
    assert {group.split(",")[0] for group in person.groups} == {"cn=proctors", "cn=staff"}
    assert person.second_factor is False


def test_nothing_is_sent_in_the_clear(make_directory, slapd):
    make_directory(servers=(slapd.ldap,)).log_in("ann", PASSWORD)
    connection = slapd.log.splitlines()[-1].split("conn=")[1].split()[0]
    lines = [line for line in slapd.log.splitlines() if f"conn={connection} " in line]
    assert any("STARTTLS" in line for line in lines)
    assert all("ssf=256" in line for line in lines if " BIND " in line and "mech=SIMPLE" in line)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ann", "wrong"),
        ("ann", ""),  # would be an unauthenticated bind (RFC 4513, 5.1.2), which succeeds
        ("ann", "\0"),
        ("ann", f"{PASSWORD}\0x"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("*", PASSWORD),
        ("an*", PASSWORD),
        ("ann)(objectClass=*", PASSWORD),
        ("ann)(|(uid=*", PASSWORD),
        ("x)(|(uid=ann)", PASSWORD),
        ("ann\\2a", PASSWORD),
        ("ann\x00", PASSWORD),
        ("a" * 300, PASSWORD),
    ],
)
def test_a_wrong_name_or_password_is_refused_in_one_way(make_directory, username, password):
    with pytest.raises(CredentialsRefused) as refused:
        make_directory().log_in(username, password)
    assert refused.value.message == "User name or password is wrong."


def test_signs_of_filters_in_a_name_are_only_signs(make_directory):
    own = make_directory(user_filter="(cn={username})")
    assert own.log_in("Bob (Robert) Star*", PASSWORD).email == "bob@example.org"
    assert fill("(uid={username})", "{username}", "a)(b*\\\0") == "(uid=a\\29\\28b\\2a\\5c\\00)"


def test_a_name_that_two_people_have_is_nobodys(make_directory):
    with pytest.raises(ProviderWrong, match="several people"):
        make_directory(user_filter="(|(uid={username})(uid=bob))").log_in("ann", PASSWORD)


def test_groups_by_search_are_read_page_by_page(make_directory, monkeypatch):
    """The server gives at most 10 entries to a search without pages, as Active Directory gives 1000."""
    monkeypatch.setattr(module, "PAGE_SIZE", 7)
    own = make_directory(group_lookup=GroupLookup.SEARCH)
    assert len(own.find("cy").person.groups) == 31
    assert own.find("bob").person.groups == ()


def test_nested_groups_are_asked_for_by_active_directorys_rule(make_directory, slapd):
    """slapd knows no such rule and finds nothing; that it is asked by it shows on the wire."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        sent = bytearray()
        threading.Thread(target=lambda: record(listening, slapd.ports[0], sent), daemon=True).start()
        server = f"ldap+plain://127.0.0.1:{listening.getsockname()[1]}"
        entry = make_directory(servers=(server,), group_lookup=GroupLookup.NESTED).find("ann")
    assert entry.person.groups == ()
    assert b"1.2.840.113556.1.4.1941" in sent and b"member" in sent
    assert f"uid=ann,ou=people,{BASE}".encode() in sent.split(b"1.2.840.113556.1.4.1941")[1]
    assert NESTED_FILTER.count("{dn}") == 1


def record(listening, port, sent):
    """Pass one connection on to the server and keep what the client says."""
    client, _address = listening.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        while ready := select.select([client, server], [], [])[0]:
            for source, target in ((client, server), (server, client)):
                if source in ready:
                    content = source.recv(65536)
                    if not content:
                        return
                    if source is client:
                        sent.extend(content)
                    target.sendall(content)


def test_active_directorys_subject_and_disabled_accounts(make_directory, slapd):
    active, closed = slapd.add_active_directory_user("adam"), slapd.add_active_directory_user("dana", control=514)
    own = make_directory(user_filter="(sAMAccountName={username})", subject_attribute="objectGUID")
    assert own.log_in("adam", PASSWORD).subject == str(active)
    assert own.find("dana").disabled is True
    with pytest.raises(CredentialsRefused):
        own.log_in("dana", PASSWORD)
    found = own.people([str(active), str(closed), "00000000-0000-0000-0000-000000000000"])
    assert {subject: entry.disabled for subject, entry in found.items()} == {str(active): False, str(closed): True}
    assert read_subject("objectGUID", active.bytes_le) == str(active)
    assert escape_subject("objectGUID", "x)(uid=*") == "x\\29\\28uid=\\2a"


def test_no_referral_is_followed(make_directory, slapd):
    """Another server would be sent the search, and with it whoever the service account is."""
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.setblocking(False)
        slapd.change(
            f"dn: cn=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\ncn: elsewhere\n"
            f"ref: ldap://127.0.0.1:{trap.getsockname()[1]}/dc=evil\n"
        )
        assert make_directory().log_in("ann", PASSWORD).name == "Ann Proctor"
        with pytest.raises(BlockingIOError):
            trap.accept()


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ({"ca_certificate": ""}, ProviderWrong, "not trusted: self-signed"),
        ({"ca_certificate": "rubbish"}, ProviderWrong, "no PEM"),
        ({"bind_dn": f"cn=other,{BASE}"}, ProviderWrong, "refuses the service account"),
        ({"base_dn": "dc=nowhere"}, ProviderWrong, "nothing at “dc=nowhere”"),
        ({"user_filter": "(&(uid={username})(x=)"}, ProviderWrong, "does not understand the filter"),
        ({"subject_attribute": "objectGUID"}, ProviderWrong, "has no objectGUID"),
        ({"servers": ("ldaps://127.0.0.1:9",)}, ProviderAway, "refuses the connection at port 9"),
        ({"servers": ("ldaps://no.such.host.invalid",)}, ProviderAway, "not known here"),
        ({"servers": ("ldaps://169.254.169.254",)}, ProviderWrong, "no directory may be"),
    ],
)
def test_what_is_wrong_is_named(make_directory, own, error, words):
    with pytest.raises(error, match=words):
        make_directory(**own).log_in("ann", PASSWORD)


def test_a_wrong_password_of_the_service_account_is_named_and_an_empty_one_never_sent(make_directory):
    for password, words in (("wrong", "refuses the service account"), ("", "no password")):
        with pytest.raises(ProviderWrong, match=words) as refused:
            make_directory(password).find("ann")
        assert "wrong" not in refused.value.message


def test_a_certificate_for_another_name_and_the_wrong_port_are_named(make_directory, slapd):
    for servers, words in (
        ((f"ldaps://localhost:{slapd.ports[1]}",), "Hostname mismatch"),
        ((f"ldaps://127.0.0.1:{slapd.ports[0]}",), "does not speak TLS"),
        ((f"ldap://127.0.0.1:{slapd.ports[1]}",), "does not offer StartTLS"),
    ):
        with pytest.raises(ProviderWrong, match=words):
            make_directory(servers=servers).find("ann")


def test_another_authority_is_not_believed(make_directory, tmp_path):
    write_certificates(tmp_path)
    with pytest.raises(ProviderWrong, match="not trusted"):
        make_directory(ca_certificate=(tmp_path / "ca.pem").read_text()).find("ann")


def test_the_next_server_is_asked_when_the_first_is_away(make_directory, slapd):
    own = make_directory(servers=("ldaps://127.0.0.1:9", slapd.ldaps))
    assert own.log_in("ann", PASSWORD).name == "Ann Proctor"


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_server_that_says_nothing_is_given_up(make_directory, scheme):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        held: list[socket.socket] = []
        taker = threading.Thread(target=lambda: [held.append(silent.accept()[0]) for _ in range(2)], daemon=True)
        taker.start()
        begin = time.monotonic()
        with pytest.raises(ProviderAway, match="does not answer"):
            make_directory(servers=(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}",), timeout_seconds=1).find(
                "ann"
            )
        assert time.monotonic() - begin < 6
        for one in held:
            one.close()
