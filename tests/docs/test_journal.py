"""What papers and alert rules tell people to look for in the journal is what the processes write there."""

import re

import pytest

from tests.running import ROOT

EVENT = re.compile(r"KUSTOS_EVENT=(?:'([^']+)'|\"([^\"]+)\"|([\w.]+))")
PAPERS = (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "ansible/roles/monitoring/files/kustos.rules.yml")
NAMED = sorted({next(filter(None, found)) for path in PAPERS for found in EVENT.findall(path.read_text())})


def test_there_are_some():
    assert len(NAMED) >= 4


@pytest.mark.parametrize("event", NAMED)
def test_a_named_event_is_logged_by_somebody(event):
    logged = re.compile(rf'log\.\w+\(\s*"{re.escape(event)}"')
    assert any(
        logged.search(path.read_text())
        for room in ("appliance", "media", "web")
        for path in (ROOT / room).rglob("*.py")
    )
