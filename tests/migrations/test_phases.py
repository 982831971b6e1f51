"""What is taken while the former release runs does not break it, and what would break it waits."""

import json
import shutil

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from appliance import schema
from appliance.errors import HostNotReady
from appliance.schema import MIGRATIONS, Phase
from tests.migrations.breakage import breakages, catalogue

FIRST_RELEASE = "0025"
"""The newest revision of the first release that can be upgraded: nothing older runs anywhere."""


def later():
    script = ScriptDirectory.from_config(schema.config())
    return [one.revision for one in reversed(list(script.iterate_revisions("head", FIRST_RELEASE)))]


def step(connection, revision, scripts=MIGRATIONS):
    """Take the revisions up to one; return what a former release could not do any more."""
    before = catalogue(connection)
    options = schema.config(scripts)
    options.attributes["connection"] = connection
    command.upgrade(options, revision)
    return breakages(before, catalogue(connection))


@pytest.fixture
def scripts(tmp_path):
    """A copy of the migrations, to add to."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def add(scripts, phase, *lines, number="9001", former=None):
    """Write a revision after the newest one."""
    former = former or schema.head()
    body = "\n".join(f"    {line}" for line in lines)
    (scripts / "versions" / f"{number}_extra.py").write_text(
        f'"""Something more."""\nimport sqlalchemy as sa\nfrom alembic import op\nrevision = "{number}"\n'
        f'down_revision = "{former}"\nphase = "{phase}"\n\n\ndef upgrade():\n{body}\n'
    )


def test_no_expanding_revision_breaks_the_former_release(empty_database_url):
    engine = create_engine(empty_database_url)
    script = ScriptDirectory.from_config(schema.config())
    with engine.begin() as connection:
        step(connection, FIRST_RELEASE)
        for number in later():
            phase = Phase(getattr(script.get_revision(number).module, "phase", "expand"))
            broken = step(connection, number)
            if phase is Phase.EXPAND:
                assert broken == [], (
                    f"Revision {number} says that the former release runs beside it. Keep what it needs "
                    '(a default in the database for what is new); a later one takes it away, with phase = "contract".'
                )
    engine.dispose()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('op.drop_column("sitting", "score")', "sitting.score is gone"),
        ('op.alter_column("sitting", "score", new_column_name="points")', "sitting.score is gone"),
        ('op.rename_table("gap", "hole")', "gap.id is gone"),
        ('op.execute("ALTER TABLE sitting ALTER score SET NOT NULL")', "sitting.score must not be empty"),
        ('op.alter_column("sitting", "score", type_=sa.Text())', "sitting.score was"),
        ('op.add_column("sitting", sa.Column("more", sa.Text(), nullable=False))', "sitting.more is new"),
        ('op.create_check_constraint("low", "sitting", "score < 50")', "sitting has the new rule ck__sitting__low"),
        ('op.create_index("one", "sitting", ["score"], unique=True)', "sitting has the new rule one"),
    ],
)
def test_what_would_break_it_is_found(engine: Engine, scripts, line, word):
    add(scripts, "expand", line)
    with engine.connect() as connection:
        assert any(found.startswith(word) for found in step(connection, "9001", scripts))


def test_what_it_need_not_know_is_let_through(engine: Engine, scripts):
    add(
        scripts,
        "expand",
        'op.add_column("sitting", sa.Column("more", sa.Text(), nullable=False, server_default=""))',
        'op.create_check_constraint("short", "sitting", "length(more) < 9")',
        'op.create_table("extra", sa.Column("id", sa.Integer(), primary_key=True))',
        'op.create_index("by_score", "sitting", ["score"])',
    )
    with engine.connect() as connection:
        assert step(connection, "9001", scripts) == []


def test_a_contracting_revision_waits_until_it_is_asked_for(database_url, scripts):
    add(scripts, "expand", 'op.add_column("gap", sa.Column("more", sa.Text(), nullable=False, server_default=""))')
    add(scripts, "contract", 'op.drop_column("gap", "more")', number="9002", former="9001")
    add(scripts, "expand", "pass", number="9003", former="9002")
    schema.expand(database_url, scripts)
    there = schema.status(database_url, scripts)
    assert (there.current, [one.number for one in there.pending]) == ("9001", ["9002", "9003"])
    assert there.expanding == ()
    schema.expand(database_url, scripts)
    assert schema.current(database_url) == "9001"
    assert schema.status(database_url).newer  # this release itself does not know 9001, and runs
    schema.upgrade(database_url)
    assert schema.current(database_url) == "9001"

    schema.upgrade(database_url, scripts)
    assert schema.current(database_url) == "9003"
    with pytest.raises(HostNotReady, match=r"needs \(revision 9002"):
        schema.upgrade(database_url)


def test_an_empty_database_needs_no_second_step(empty_database_url, scripts):
    add(scripts, "contract", 'op.drop_column("gap", "cause")')
    schema.expand(empty_database_url, scripts)
    assert schema.current(empty_database_url) == "9001"


def test_the_code_of_now_works_on_the_schema_of_later(database_url, scripts, session, make):
    """As while an upgrade goes on: its new columns are there, its new code is not."""
    add(
        scripts,
        "expand",
        'op.add_column("sitting", sa.Column("more", sa.Text(), nullable=False, server_default="later"))',
        'op.add_column("company", sa.Column("more", sa.Integer(), nullable=True))',
    )
    schema.expand(database_url, scripts)
    sitting = make.sitting()
    session.commit()
    assert session.scalar(text("SELECT more FROM sitting WHERE id = :id"), {"id": sitting.id}) == "later"
    sitting.score = 7
    session.commit()
    session.refresh(sitting)
    assert sitting.score == 7


def test_the_command_says_where_it_is_and_what_waits(kustos, session):
    assert kustos("schema", "status").startswith(f"The schema is at {schema.head()};")
    session.execute(text("UPDATE alembic_version SET version_num = '0024'"))
    session.commit()
    assert "  waits: 0025 (expand) What a compliance profile sets" in kustos("schema", "status")
    assert json.loads(kustos("schema", "status", "--json"))["pending"][0]["phase"] == "expand"
