"""The checklist is what its table says, each row has a state, and each test it names exists."""

import ast
import importlib.util
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("asvs_table", ROOT / "docs/security/asvs_table.py")
table = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(table)


@cache
def functions(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.numbers)
def test_a_row_has_a_state_and_what_it_is_shown_by(row):
    assert row.state in table.STATES
    assert bool(row.tests) == (row.state == "met"), "met by a test, else with a reason"
    assert row.tests or row.reason
    for test in row.tests:
        file, _, function = test.partition("::")
        assert function in functions(file), test


def test_every_chapter_is_there_once():
    numbers = [number.strip() for row in table.ROWS for number in row.numbers.split(",")]
    assert len(set(numbers)) == len(numbers)
    assert {number.split(".")[0] for number in numbers} == {str(chapter) for chapter in range(1, 15)}


def test_the_page_is_what_the_table_says():
    assert (ROOT / "docs/security/asvs.md").read_text(encoding="utf-8") == table.page()
