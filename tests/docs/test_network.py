"""The one table of who speaks with whom, against the rules that the firewall is given."""

import re

import pytest
from jinja2 import Environment

from tests.running import ROOT

ROLE = ROOT / "ansible/roles/firewall"
GROUPS = ("web", "gateway", "media", "worker", "database", "turn")
ADDRESSES = {group: f"10.1.0.{number}" for number, group in enumerate(GROUPS, 11)} | {"web2": "10.1.0.99"}
PORTS = {"ice": "40000-49999", "relay": "50000-50999", "rtp": "51000-51999"}
RULE = re.compile(r"(?:ip saddr \{ (?P<from>[^}]*) \} )?(?P<protocol>tcp|udp) dport (?P<ports>\{[^}]*\}|\S+) accept")


def rows():
    """The document's table as (from, to, protocol, port)."""
    lines = (ROOT / "docs/operating/network.md").read_text().split("## Other")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0][:4] == ["from", "to", "protocol", "port"]
    return {(who, to, protocol.lower(), port) for who, to, protocol, port, _ in cells[2:]}


def rules(groups, several):
    """What the template lets in on a host that is in these groups, in the table's words."""
    environment = Environment()  # noqa: S701 - rules, not pages
    environment.filters["difference"] = lambda one, other: [item for item in one if item not in other]
    values = {f"hosts_{group}": [ADDRESSES[group]] for group in GROUPS} | {
        "hosts_web": [ADDRESSES["web"], ADDRESSES["web2"]],
        "hosts_several": several,
        "hosts_address": ADDRESSES[groups[0]],
        "hosts_all": list(ADDRESSES.values()),
        "group_names": groups,
        "firewall_admin_networks": [],
        "firewall_ssh_port": 22,
        **{f"firewall_{name}_ports": ports for name, ports in PORTS.items()},
    }
    text = environment.from_string((ROLE / "templates/kustos.nft.j2").read_text()).render(values)
    known = {address: group.rstrip("2") for group, address in ADDRESSES.items()}
    found = set()
    for rule in RULE.finditer(text):
        sources = {known[address.strip()] for address in rule["from"].split(",")} if rule["from"] else {"anybody"}
        for port in rule["ports"].strip("{} ").split(","):
            who = ", ".join(group for group in ("anybody", *GROUPS) if group in sources)
            found.add((who, rule["protocol"], port.strip()))
    assert text.count("accept") == len(RULE.findall(text)) + 3  # established, loopback, ping
    return found


def written(groups, several):
    """What the table says of such a host."""
    found = {("anybody", "tcp", "22")}
    for who, to, protocol, port in rows():
        inner = not who.startswith(("anybody", "administrators"))
        on_https = (to, port) == ("turn", "443") and "web" in groups
        if to in groups and not on_https and (several or not inner):
            found.add((who, protocol, port))
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_a_host_of_one_group_lets_in_what_the_table_says(group):
    assert rules([group], several=True) == written([group], several=True)


def test_one_host_lets_in_what_the_table_says():
    assert rules(list(GROUPS), several=False) == written(list(GROUPS), several=False)


def test_the_ports_are_those_of_the_roles():
    text = "".join(path.read_text() for path in (ROOT / "ansible/roles").glob("*/defaults/main.yml"))
    for name, ports in PORTS.items():
        assert set(re.findall(rf"kustos_{name}_ports \| default\('([^']*)'\)", text)) == {ports}, name
    page = (ROOT / "docs/operating/network.md").read_text()
    for name, ports in PORTS.items():
        assert f"| `kustos_{name}_ports` | {ports} |" in page
