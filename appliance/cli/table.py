"""Short tables for people on a terminal."""

from typing import NamedTuple

import click


class Row(NamedTuple):
    """One line: a name, its value, a remark."""

    name: str
    value: str
    remark: str = ""


def print_table(title: str, rows: list[Row]) -> None:
    """Print the rows below a title, columns aligned."""
    click.echo()
    click.secho(title, bold=True)
    first = max((len(row.name) for row in rows), default=0)
    second = max((len(row.value) for row in rows if row.remark), default=0)
    for row in rows:
        click.echo(f"  {row.name:<{first}}  {row.value:<{second if row.remark else 0}}  {row.remark}".rstrip())
