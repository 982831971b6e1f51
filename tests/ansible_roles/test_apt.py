"""A bundle below /root is not to be read by apt's own user: every play that installs packages knows of it."""

import pytest
import yaml

from tests.running import ROOT

ANSIBLE = ROOT / "ansible"
INSTALLING = {
    path.parent.parent.name
    for path in ANSIBLE.glob("roles/*/tasks/*.yml")
    if "ansible.builtin.apt:" in path.read_text()
}


def roles(play):
    """The names of the roles that a play has, or includes."""
    names = [one["role"] if isinstance(one, dict) else one for one in play.get("roles", ())]
    included = [line.split()[-1] for line in yaml.safe_dump(play.get("tasks", [])).splitlines() if "name: " in line]
    return {*names, *included}


PLAYS = [
    pytest.param(play, id=f"{book}: {play['name']}")
    for book in ("site.yml", "upgrade.yml")
    for play in yaml.safe_load((ANSIBLE / book).read_text())
    if "hosts" in play and roles(play) & INSTALLING
]


LOOKING = ("The release that is there", "Look at every host", "Settle", "The database's tables")
"""Plays that include a role that installs, and of it only what does not."""


def test_there_are_some():
    assert {"base", "postgresql", "nginx"} <= INSTALLING
    assert len(PLAYS) >= 10


@pytest.mark.parametrize("play", PLAYS)
def test_it_is_told_how_apt_reads_the_bundle(play):
    assert ("APT_CONFIG" in play.get("environment", {})) == (play["name"] not in LOOKING)
