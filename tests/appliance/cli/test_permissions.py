"""The permission map as a command prints it, and that nothing is outside of it."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.cli.commands import COMMANDS
from appliance.cli.permissions import COLUMNS, MEANINGS, by_route, document
from appliance.cli.root import main
from appliance.security.permission_map import TABLE, Cells
from appliance.vocabulary import Scope
from web.realtime.handlers import HANDLERS
from web.realtime.messages import ClientMessage
from web.routes import ROUTES

PAPER = Path(__file__).parents[3] / "docs" / "security" / "permissions.md"


def commands(command: click.Command, words: tuple[str, ...] = ()) -> list[str]:
    if isinstance(command, click.Group):
        here = click.Context(command)
        inner = {word: command.get_command(here, word) for word in command.list_commands(here)}
        return [name for word, one in inner.items() for name in commands(one, (*words, word))]
    return [" ".join(words)]


def test_every_command_has_an_entry_and_every_entry_a_command():
    found = commands(main)
    assert sorted(COMMANDS) == sorted(found)
    assert list(COMMANDS) == sorted(COMMANDS)


def kinds(of: type) -> set[type]:
    return {kind for one in of.__subclasses__() for kind in ({one} | kinds(one))}


def test_every_message_of_the_socket_has_an_entry():
    messages = {kind for kind in kinds(ClientMessage) if kind.__struct_config__.tag is not None}
    assert set(HANDLERS) == messages
    assert all(handler.permission in TABLE for handler in HANDLERS.values())


def test_every_route_is_in_the_matrix():
    rows = list(by_route())
    assert len(rows) == sum(len(side) for side in ROUTES.values())
    assert all(len(row) == len(COLUMNS) + 2 for row in rows)
    assert ["GET", "/api/v1/photos/{id}/image", *("company",) * 2, "sitting", "company", "-", "granted", "-"] in [
        row[:9] for row in rows
    ]


def test_the_paper_is_what_the_code_says():
    said = "write it anew: kustos permissions --markdown > docs/security/permissions.md"
    assert PAPER.read_text(encoding="utf-8") == document(), said


@pytest.mark.parametrize("options", [[], ["--routes"], ["--markdown"]])
def test_it_is_printed(options):
    result = CliRunner().invoke(main, ["permissions", *options])
    assert result.exit_code == 0
    assert "photo" in result.output


def test_each_scope_is_explained_and_each_column_titled():
    assert set(MEANINGS) == set(Scope)
    assert len(COLUMNS) == len(Cells._fields)
