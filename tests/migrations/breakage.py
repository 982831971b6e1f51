"""What of a revision would break the former release while it runs, seen in PostgreSQL's own catalogue.

Looked at there, and not in the revision's words: raw SQL, renaming and a default that is taken away again at the end
are seen like everything else.
"""

from typing import NamedTuple

from sqlalchemy import Connection, text

_COLUMNS = """
SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS must, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS has_default
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
"""
_RULES = """
SELECT c.relname AS "table", o.conname AS name, pg_get_constraintdef(o.oid) AS rule,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY (o.conkey)) AS columns
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND o.contype IN ('c', 'u', 'p', 'f', 'x')
UNION ALL
SELECT c.relname, x.relname, pg_get_indexdef(x.oid),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY (i.indkey))
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = x.oid)
"""
_WORDS = """
SELECT t.typname AS type, e.enumlabel AS word FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
WHERE t.typnamespace = 'public'::regnamespace
"""


class Column(NamedTuple):
    type: str
    must: bool
    has_default: bool


class Rule(NamedTuple):
    rule: str
    columns: tuple[str, ...]


class Catalogue(NamedTuple):
    """Tables' columns and rules, and the words of enumerations."""

    columns: dict[tuple[str, str], Column]
    rules: dict[tuple[str, str], Rule]
    words: set[tuple[str, str]]


def catalogue(connection: Connection) -> Catalogue:
    """Read it."""
    columns = connection.execute(text(_COLUMNS)).all()
    rules = connection.execute(text(_RULES)).all()
    return Catalogue(
        {(row[0], row[1]): Column(row.type, row.must, row.has_default) for row in columns},
        {(row[0], row.name): Rule(row.rule, tuple(row.columns)) for row in rules},
        {(row.type, row.word) for row in connection.execute(text(_WORDS))},
    )


def breakages(before: Catalogue, after: Catalogue) -> list[str]:
    """Return in words what a release that was written for ``before`` cannot do on ``after``; empty: it runs."""
    found = []
    tables = {table for table, _ in before.columns}
    for (table, name), column in before.columns.items():
        there = after.columns.get((table, name))
        if there is None:
            found.append(f"{table}.{name} is gone or has another name")
        elif there.type != column.type:
            found.append(f"{table}.{name} was {column.type} and is {there.type}")
        elif there.must and not column.must:
            found.append(f"{table}.{name} must not be empty any more")
        elif column.has_default and column.must and not there.has_default:
            found.append(f"{table}.{name} has no default any more")
    for (table, name), column in after.columns.items():
        if table in tables and (table, name) not in before.columns and column.must and not column.has_default:
            found.append(f"{table}.{name} is new, must not be empty and has no default in the database")
    former = {(table, rule) for (table, _), rule in before.rules.items()}
    for (table, name), rule in after.rules.items():
        known = any((table, column) in before.columns for column in rule.columns)
        if table in tables and known and (table, rule) not in former:
            found.append(f"{table} has the new rule {name}: {rule.rule}")
    found += [f"the word {word} of {kind} is gone" for kind, word in before.words - after.words]
    return sorted(found)
