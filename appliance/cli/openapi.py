"""``kustos openapi``: the description of all routes, as a file."""

import json
from pathlib import Path

import click

from web.openapi import describe


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
def openapi(file: Path | None) -> None:
    """Write the OpenAPI 3.1 description of every route to FILE, or print it."""
    text = json.dumps(describe(), ensure_ascii=False, indent=2) + "\n"
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        click.echo(f"{file} is written.")
