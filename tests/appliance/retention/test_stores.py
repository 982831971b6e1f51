"""No table, column or folder may appear without a word on what becomes of the person in it."""

import re
from pathlib import Path

from sqlalchemy import text

import appliance
from appliance.db import Base
from appliance.retention import anonymise
from appliance.retention.stores import FOLDERS, TABLES, Act

SAY = "say in appliance/retention/stores.py what an erasure does to it, and see that it does"

TEXTUAL = ("VARCHAR", "TEXT", "JSON", "JSONB")

OF_NOBODY = {
    "candidate": {"language"},
    "sitting": {"state", "resume_state", "step", "language", "finished_by", "conclusion"},
    "consent": {"text_version", "text_hash", "language"},
    "conversation": {"kind", "end_reason", "node_url", "pipeline_id"},
    "observation": {"type", "source", "detector", "decision"},
    "incident": {"type"},
    "identity_check": {"kind", "verdict"},
    "gap": {"track", "cause"},
}
"""Texts of rows that stay which are words of ours: they say nobody."""


def test_every_table_has_a_row(session):
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    there = set(session.scalars(query))
    assert there - set(TABLES) == set(), SAY
    assert set(TABLES) - there == set(), "these tables are gone; take their rows away"


def test_every_text_of_what_stays_is_blanked_or_nobodys():
    staying = {name for name, store in TABLES.items() if store.act is Act.ANONYMISED}
    assert staying == set(OF_NOBODY) == set(anonymise.BLANKED)
    for name in staying:
        columns = Base.metadata.tables[name].columns
        texts = {column.name for column in columns if str(column.type).upper().startswith(TEXTUAL)}
        unknown = texts - anonymise.BLANKED[name] - OF_NOBODY[name]
        assert unknown == set(), f"{name}: blank {unknown} in appliance/retention/anonymise.py, or say it is nobody's"


def test_every_folder_has_a_row():
    """Whatever the code names below the data folder."""
    root = Path(appliance.__file__).parents[1]
    found = set()
    for package in ("appliance", "media", "web"):
        for path in (root / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'(?:data_dir|\bself\.data|layout\.data)\s*/\s*"([^"]+)"', source))
    assert {"vault", "hand_ins", "recordings", "exports", "keys", "logs"} <= found
    assert found - set(FOLDERS) == set(), SAY


def test_who_keeps_something_says_why():
    assert [name for name, store in TABLES.items() if store.act in {Act.KEPT, Act.ANONYMISED} and not store.why] == [
        "candidate"
    ]
