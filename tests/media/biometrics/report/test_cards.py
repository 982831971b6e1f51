"""The model cards agree with what is installed."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from media.biometrics.licences import TERMS
from media.biometrics.report.cards import CARDS, DISTRIBUTIONS, filled, package_licence

FOLDER = Path(__file__).parents[4] / "docs" / "model-cards"
REFUSED = re.compile(r"\b(A?GPL|non-?commercial|research only)\b", re.IGNORECASE)


def test_there_is_a_card_for_each_and_no_other():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_hashes_versions_and_licences_are_those_of_the_installed_files(name):
    card = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert "{{" not in card
    for part in ("**Purpose.**", "**Data", "igures", "## Limits, and when to doubt it"):
        assert part in card, part
    for file in CARDS[name]:
        distribution = DISTRIBUTIONS[file.package]
        row = next(line for line in card.splitlines() if f"`{file.path.name}`" in line)
        assert f"`{file.sha256}`" in row
        assert f"{distribution} {version(distribution)}" in row
        assert f"| {package_licence(distribution)} | {TERMS[file]} |" in row
        assert not REFUSED.search(row)


def test_all_shipped_cards_were_written_by_one_command():
    sources = {
        line
        for path in FOLDER.glob("*.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("Measured with")
    }
    assert len(sources) == 1


def test_a_figure_that_was_not_measured_says_so():
    assert "not measured on this folder" in filled("identity", CARDS["identity"], {"folder": "none"})
