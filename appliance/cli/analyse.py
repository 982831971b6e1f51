"""``kustos analyse``: what the analysis sees and hears in a recording, without server and database."""

import json
from pathlib import Path
from typing import Any

import click

from appliance.cli.stdout import own_stdout
from appliance.cli.table import Row, print_table

FILE = click.Path(path_type=Path)
WORDS = {
    ("identity", "no_reference"): "who sits there: give the candidate's photo with --reference",
    ("picture", "no_pictures"): "the camera: the file has no pictures",
    ("sound", "no_sound"): "sound: the file has none",
    ("sound", "not_asked"): "sound: ask for it with --audio",
}
"""What could not be judged, and what to do."""


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--reference", type=FILE, default=None, help="Photo of the candidate: who sits there is compared with it."
)
@click.option(
    "--audio/--no-audio",
    default=None,
    help="Analyse the sound, too [default: only of a file that has no pictures].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def analyse(file: Path, reference: Path | None, audio: bool | None, as_json: bool) -> None:
    """Analyse FILE, a recording of a candidate's camera, as live analysis would.

    FILE may be WebM, MP4, MKV, MJPEG (its sound beside it as WAV), GIF or WAV. Times are seconds of the file.
    The exit status is 0 when it was analysed, whatever was found, and 1 when it could not be.
    """
    with own_stdout():
        from media.recorded import analyse_file, reference_of  # noqa: PLC0415 - loads the media libraries

        known = None if reference is None else reference_of(reference)
        for hint in known.hints if known is not None else ():
            click.echo(f"kustos: the reference photo is doubtful ({hint.value.replace('_', ' ')}).", err=True)
        found = analyse_file(file, known, audio)
        found["run"]["version"] = _version()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)


def _version() -> str:
    from appliance.diagnostics.host import own_version  # noqa: PLC0415 - reads the host, for --json alone

    return own_version()


def _print(found: dict[str, Any]) -> None:
    run = found["run"]
    click.echo(f"{found['file']}: {_clock(found['duration'])}, {run['pictures_judged']} pictures judged")
    print_table(
        "Incidents", [_row(row["type"], row, row["confidence"]) for row in found["incidents"]] or [Row("none", "")]
    )
    if found["undetermined"]:
        print_table("Could not tell", [_row(row["reason"], row) for row in found["undetermined"]])
    shown = {code: shares for code, shares in found["metrics"].items() if any(shares)}
    if shown:
        rows = [Row(code, " ".join(f"{share:3}" for share in shares)) for code, shares in shown.items()]
        print_table("Share of each minute, 0 to 100", rows)
    if run["not_judged"]:
        rows = [Row(WORDS[row["what"], row["reason"]], "") for row in run["not_judged"]]
        print_table("Not judged", rows)
    speed = f"{run['cpu_seconds']:.1f} s of one core, {run['times_real_time']:.0f} times real time"
    click.echo(f"\n{speed}; Kustos {run['version']}")


def _row(name: str, span: dict[str, Any], confidence: float | None = None) -> Row:
    remark = "" if confidence is None else f"confidence {confidence:.2f}, {span['detector']}"
    reason = span.get("details", {}).get("reason")
    words = name.replace("_", " ") + (f" ({reason.replace('_', ' ')})" if reason else "")
    return Row(words, f"{_clock(span['start'])} - {_clock(span['end'])}", remark)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"
