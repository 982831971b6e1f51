"""Each `kustos …` that papers and alert rules tell people to run is a command, with the options that it is given."""

import re

import click
import pytest

from appliance.cli.root import COMMANDS_AT, main
from tests.running import ROOT

RULES = ROOT / "ansible/roles/monitoring/files/kustos.rules.yml"
PAPERS = (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", RULES)
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
COMMAND = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?kustos ([a-z][a-z-]*)\b([^`\n#|;)>&]*)")


def named():
    """(paper, words after `kustos`) of everything that is written as code, or stands in a rule."""
    for path in PAPERS:
        text = path.read_text()
        places = [text] if path == RULES else CODE.findall(text)
        for place in places:
            for first, rest in COMMAND.findall(place.replace("\\\n", " ")):
                if first in COMMANDS_AT:
                    yield path.relative_to(ROOT), (first, *rest.split())


def wrong(words):
    """What of it there is not; empty when all is there."""
    command = main.get_command(click.Context(main), words[0])
    rest = list(words[1:])
    while isinstance(command, click.Group) and rest and re.fullmatch(r"[a-z][a-z-]+", rest[0]):
        if "|" in rest[0]:
            return ""
        command, word = command.get_command(click.Context(command), rest[0]), rest.pop(0)
        if command is None:
            return word
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}
    given = [word.strip("[],.'\"").partition("=")[0] for word in rest]
    return " ".join(word for word in given if re.fullmatch(r"--[a-z][a-z-]*", word) and word not in known)


NAMED = sorted({(str(path), words) for path, words in named()})


def test_there_are_some():
    assert len(NAMED) > 100


@pytest.mark.parametrize(
    ("paper", "words"), NAMED, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_it_can_be_typed(paper, words):
    assert wrong(words) == "", f"{paper}: kustos {' '.join(words)}"
