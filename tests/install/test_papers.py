"""Each command of docs/operating that is marked ``shell installed`` runs on the installed host as it is written."""

import re

import pytest

from tests.running import ROOT

BLOCK = re.compile(r"^```shell installed\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = [
    pytest.param(command, id=f"{path.stem}: {command[:50]}")
    for path in sorted((ROOT / "docs/operating").glob("*.md"))
    for block in BLOCK.findall(path.read_text())
    for command in re.sub(r"\\\n\s*", " ", block).splitlines()
    if command and not command.startswith("#")
]


def test_there_are_some():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_papers_runs(installed, command):
    done = installed.call("bash", "-c", command, seconds=120)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
