"""``kustos biometrics``: what the models reach on labelled data, measured through the product's own code."""

import json
from pathlib import Path

import click

from appliance.cli.stdout import own_stdout

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def biometrics() -> None:
    """Measure faces, clips, voices, head poses and documents on labelled data."""


@biometrics.command()
@click.option("--data", type=FOLDER, required=True, help="Folder with labelled data; searched with all below it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
@click.option("--cards", type=FOLDER, default=None, help="Write the model cards with these figures there.")
def report(data: Path, as_json: bool, cards: Path | None) -> None:
    """Run everything that DATA allows, with intervals, and say what was skipped and why.

    What may lie there is described in docs/biometrics/report.md. Progress goes to stderr.
    """
    with own_stdout():
        from media.biometrics.report.cards import write_cards  # noqa: PLC0415 - loads the media libraries
        from media.biometrics.report.make import make_report  # noqa: PLC0415 - loads all models' packages
        from media.biometrics.report.words import as_lines  # noqa: PLC0415 - as above

        made = make_report(data, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(made, ensure_ascii=False) if as_json else "\n".join(as_lines(made)))
    for path in write_cards(cards, made) if cards is not None else ():
        click.echo(f"{path} is written", err=True)
