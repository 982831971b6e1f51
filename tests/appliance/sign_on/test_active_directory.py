"""The directory against a real domain controller: its names, its nested groups, its referrals and its refusals.

Samba's answers as Active Directory's do in all of this (MS-ADTS); that Windows itself was asked nobody claims.
"""

import ldap
import pytest

from appliance.sign_on import directory as module
from appliance.sign_on.directory import Directory
from appliance.sign_on.failures import CredentialsRefused, ProviderWrong
from appliance.sign_on.ldap_settings import LdapSettings
from appliance.vocabulary import GroupLookup
from tests.appliance.sign_on.active_directory import (
    BASE,
    PASSWORD,
    SERVICE,
    SERVICE_PASSWORD,
    ActiveDirectory,
    why_not,
)

pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.timeout(400)]

BY_EITHER_NAME = "(&(objectCategory=person)(|(sAMAccountName={username})(userPrincipalName={username})))"


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    server = ActiveDirectory(tmp_path_factory.mktemp("domain"))
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def people(controller):
    """Ann is in a group of a group of a group; the other accounts are not let in, each for a reason."""
    controller.add_person("kustos", SERVICE_PASSWORD)
    ann = controller.add_person("ann")
    inner = controller.add_group("invigilators", [ann])
    controller.add_group("exam-proctors", [controller.add_group("faculty", [inner])])
    for number in range(12):
        controller.add_group(f"course-{number}", [ann])
    controller.add_person("dana", control=514)
    controller.add_person("newcomer", extra="pwdLastSet: 0\n")
    controller.add_person("gone", extra="accountExpires: 129000000000000000\n")


@pytest.fixture
def make_directory(controller, people):
    def make(password=SERVICE_PASSWORD, **own):
        settings = {
            "servers": (controller.ldaps,),
            "bind_dn": SERVICE,
            "base_dn": BASE,
            "ca_certificate": controller.authority,
            "user_filter": BY_EITHER_NAME,
            "subject_attribute": "objectGUID",
            "name_attribute": "displayName",
            "group_lookup": GroupLookup.NESTED,
        }
        return Directory(LdapSettings(**{**settings, **own}), password, loopback=True)

    return make


@pytest.mark.parametrize("kind", ["ldap", "ldaps"])
@pytest.mark.parametrize("name", ["ann", "ann@example.org"])
def test_a_person_logs_in_by_either_name_over_either_kind_of_tls(make_directory, controller, kind, name):
    person = make_directory(servers=(getattr(controller, kind),)).log_in(name, PASSWORD)
    assert (person.name, person.email) == ("Ann Proctor", "ann@mail.example.org")


def test_groups_of_groups_are_found_by_the_controllers_own_rule(make_directory, monkeypatch):
    monkeypatch.setattr(module, "PAGE_SIZE", 4)  # 15 groups: four pages
    nested = {group.split(",")[0] for group in make_directory().find("ann").person.groups}
    courses = {f"CN=course-{number}" for number in range(12)}
    assert nested == {"CN=invigilators", "CN=faculty", "CN=exam-proctors"} | courses
    direct = make_directory(group_lookup=GroupLookup.MEMBER_OF).find("ann").person.groups
    assert {group.split(",")[0] for group in direct} == {"CN=invigilators"} | courses  # and no Domain Users


def test_the_subject_stays_when_somebody_marries_and_moves(make_directory, controller):
    before = make_directory().find("ann").person.subject
    controller.add(f"dn: CN=Ann Proctor,CN=Users,{BASE}\nchangetype: modrdn\nnewrdn: CN=Ann Wed\ndeleteoldrdn: 1\n")
    found = make_directory().people([before, "00000000-0000-0000-0000-000000000000"])
    assert list(found) == [before] and found[before].dn.startswith("CN=Ann Wed,")
    assert make_directory().log_in("ann", PASSWORD).subject == before
    controller.add(f"dn: CN=Ann Wed,CN=Users,{BASE}\nchangetype: modrdn\nnewrdn: CN=Ann Proctor\ndeleteoldrdn: 1\n")


def test_referrals_come_and_are_not_followed(make_directory, controller, monkeypatch):
    """A search at the domain's root is answered with references to servers that are not there."""
    seen = []
    plain = module._paged

    def paged(connection, base, wanted, attributes, most=None):
        number = connection.search_ext(base, ldap.SCOPE_SUBTREE, wanted, attributes)
        seen.extend(row for row in connection.result3(number)[1] if row[0] is None)
        return plain(connection, base, wanted, attributes, most)

    monkeypatch.setattr(module, "_paged", paged)
    assert make_directory().find("ann").person.name == "Ann Proctor"
    assert any("CN=Configuration" in url for _none, urls in seen for url in urls)


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("ann", "wrong", None),
        ("nobody", PASSWORD, None),
        ("dana", PASSWORD, None),
        ("newcomer", PASSWORD, "must change your password first"),
        ("gone", PASSWORD, "expired"),
        ("ann)(cn=*", PASSWORD, None),
    ],
)
def test_who_is_refused_and_what_is_said(make_directory, name, password, words):
    with pytest.raises(CredentialsRefused) as refused:
        make_directory().log_in(name, password)
    if words:
        assert words in refused.value.message


def test_a_controller_that_wants_encryption_gets_it_and_a_wrong_service_account_is_named(make_directory):
    with pytest.raises(ProviderWrong, match="refuses the service account"):
        make_directory(password="wrong").find("ann")
    with pytest.raises(ProviderWrong, match="nothing at"):
        make_directory(base_dn="OU=Nowhere,DC=example,DC=org").find("ann")
