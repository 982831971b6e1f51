"""An inventory that is written is one that is taken; what is wrong in one is named at once."""

import pytest
import yaml

from appliance.deploy.inventory import GROUPS, Answers, check, make
from appliance.errors import BadInput


def test_what_is_written_is_taken(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text(make(Answers("exam.example.org", "192.0.2.7", "ops")))
    assert check(file) == {group: ["exam.example.org"] for group in GROUPS}
    content = yaml.safe_load(file.read_text())["kustos"]
    assert content["vars"]["kustos_public_url"] == "https://exam.example.org"
    assert len(content["vars"]["kustos_turn_secret"]) >= 32
    assert content["children"]["web"]["hosts"]["exam.example.org"]["ansible_user"] == "ops"


def test_without_turn_no_secret_of_it_is_made(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text(make(Answers("exam.example.org", "local", turn=False)))
    assert "turn" not in check(file)
    assert "secret" not in yaml.safe_dump(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize(
    "answers", [Answers("exam example", "local"), Answers("exam.example.org", "no/host"), Answers("", "local")]
)
def test_wrong_answers_are_named(answers):
    with pytest.raises(BadInput):
        make(answers)


def test_everything_that_is_missing_is_named_at_once(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text("kustos:\n  children:\n    web: {hosts: {a: }}\n    turn: {hosts: {a: }}\n    cache: {}\n")
    with pytest.raises(BadInput) as refused:
        check(file)
    for word in ("cache", "gateway", "worker", "database", "kustos_host_name", "kustos_turn_secret"):
        assert word in refused.value.message


@pytest.mark.parametrize("text", ["", "[1, 2]", "kustos: {", "all: {}"])
def test_what_is_no_inventory_says_how_to_get_one(tmp_path, text):
    file = tmp_path / "inventory.yml"
    file.write_text(text)
    with pytest.raises(BadInput):
        check(file)
