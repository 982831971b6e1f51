"""Whatever the threat model calls shown is a test there is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
PAGE = (ROOT / "docs/security/threat-model.md").read_text(encoding="utf-8")
ROWS = [line.strip().strip("|").split("|") for line in PAGE.split("## Ways in")[1].splitlines() if "`" in line]


def is_there(name):
    path, _, function = name.partition("::")
    file = ROOT / path
    if not function:
        return file.exists()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return function in {node.name for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}


def test_each_way_in_is_shown_to_be_guarded():
    shown = [re.findall(r"`([^`]+)`", row[2]) for row in ROWS if len(row) == 4]
    assert len(shown) >= 20
    assert all(shown)
    missing = [name for names in shown for name in names if not is_there(name)]
    assert missing == []
    assert not is_there("tests/tamper/test_tamper.py::test_no_such")
